//! The names of what a store keeps.

/// The object that holds the state.
pub(crate) const STATE: &str = "state.json";
/// The object that holds the journal of the run in progress.
pub(crate) const JOURNAL: &str = "journal.jsonl";
/// What the names of earlier states and journals begin with.
pub(crate) const PAST: &str = "history/";
/// What the names of states and journals that were put aside begin with.
pub(crate) const ASIDE: [&str; 2] = ["state.aside-", "journal.aside-"];
/// Objects that belong to a state beside its history: the keys of its secrets and of its bastion, how the
/// cluster is reached, since when it is parked.
pub(crate) const KEYS: [&str; 4] = ["bastion.key", "connection.json", "parked.json", "seal.key"];

/// The snapshot with that serial.
pub(crate) fn past_state(serial: u64) -> String {
    format!("{PAST}{serial:08}.state.json")
}

/// Who wrote the snapshot with that serial, and what it came of.
pub(crate) fn past_origin(serial: u64) -> String {
    format!("{PAST}{serial:08}.origin.json")
}

/// The journal of the `run`th run that started from the snapshot with that serial.
pub(crate) fn past_journal(serial: u64, run: u32) -> String {
    format!("{PAST}{serial:08}.journal-{run}.jsonl")
}

/// The serial and the number in the name of the journal of a run that is over; `None` for any other name.
pub(crate) fn run_of(name: &str) -> Option<(u64, u32)> {
    let middle = name.strip_prefix(PAST)?.strip_suffix(".jsonl")?;
    let (serial, number) = middle.split_once(".journal-")?;
    Some((serial.parse().ok()?, number.parse().ok()?))
}

/// The serial in the name of an earlier snapshot; `None` for any other name.
pub(crate) fn serial_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PAST)?.strip_suffix(".state.json")?;
    digits.parse().ok()
}
