//! Many steps alike become one entry: `instance.node-0 … node-996 (997)`.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use subako_engine::plan::Step;
use subako_state::Address;

use crate::plain::plain;

/// So many steps alike are shown as one.
const FROM: usize = 6;
/// A folded entry lists so many ranges of numbers at most.
const RANGES: usize = 4;

/// One entry of a rendered plan: the numbers of the steps it stands for.
pub type Entry = Vec<usize>;

/// The entries of a plan, in the order of their first steps. Linear.
pub fn entries(steps: &[Step], full: bool) -> Vec<Entry> {
    if full {
        return (0..steps.len()).map(|step| vec![step]).collect();
    }
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut groups: Vec<Entry> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let Some(print) = fingerprint(step) else {
            groups.push(vec![number]);
            continue;
        };
        let place = *places.entry(print).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(number),
            None => groups.push(vec![number]),
        }
    }
    let mut entries = Vec::with_capacity(groups.len());
    for group in groups {
        if group.len() >= FROM {
            entries.push(group);
        } else {
            entries.extend(group.into_iter().map(|number| vec![number]));
        }
    }
    entries.sort_unstable_by_key(|entry| entry[0]);
    entries
}

/// What has to be equal for two steps to be shown as one: everything but their own names.
/// `None` for a name without a number.
fn fingerprint(step: &Step) -> Option<u64> {
    let name = step.address.name();
    let (stem, _) = split(name)?;
    let mut hasher = DefaultHasher::new();
    (step.address.kind(), stem, step.action()).hash(&mut hasher);
    (step.replaces(), step.past_the_line).hash(&mut hasher);
    let record = step.record();
    record.map(|r| (r.deposed, r.protect)).hash(&mut hasher);
    let mut hash = |text: &str| {
        for piece in text.split(name) {
            piece.hash(&mut hasher);
        }
        0xff_u8.hash(&mut hasher);
    };
    hash(step.spec_after().map_or("", |spec| spec.as_str()));
    hash(&step.reason.as_ref().map(ToString::to_string).unwrap_or_default());
    hash(step.gone_with().map_or("", Address::as_str));
    if !step.changes.is_empty() {
        hash(&serde_json::to_string(&step.changes).ok()?);
    }
    Some(hasher.finish())
}

/// What orders addresses as people count: `node-9` before `node-10`.
pub fn natural(address: &Address) -> (&str, &str, u32) {
    let name = address.name();
    let (stem, number) = split(name).unwrap_or((name, 0));
    (address.kind(), stem, number)
}

/// A name's stem and number.
fn split(name: &str) -> Option<(&str, u32)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[stem.len()..];
    // `node-01` is a name of its own, not number 1.
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((stem, digits.parse().ok()?))
}

/// The name of an entry: an address, or a run of them.
pub fn label(steps: &[Step], entry: &[usize]) -> String {
    let addresses: Vec<&Address> = entry.iter().map(|number| &steps[*number].address).collect();
    plain(run(&addresses)).to_string()
}

/// The name of some addresses alike: `instance.node-0 … node-996 (997)`.
pub fn run(addresses: &[&Address]) -> String {
    let [first, .., _] = addresses else {
        return addresses.first().map_or_else(String::new, |a| a.to_string());
    };
    let mut numbers: Vec<u32> = addresses
        .iter()
        .filter_map(|address| Some(split(address.name())?.1))
        .collect();
    numbers.sort_unstable();
    let stem = split(first.name()).map_or("", |(stem, _)| stem);
    let kind = first.kind();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in &numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let count = addresses.len();
    let range = |(from, to): &(u32, u32)| match to - from {
        0 => format!("{stem}{from}"),
        1 => format!("{stem}{from}, {stem}{to}"),
        _ => format!("{stem}{from} … {stem}{to}"),
    };
    if ranges.len() <= RANGES {
        let ranges: Vec<String> = ranges.iter().map(range).collect();
        return format!("{kind}.{} ({count})", ranges.join(", "));
    }
    let (from, to) = (numbers[0], numbers[numbers.len() - 1]);
    format!("{kind}.{stem}{from} … {stem}{to} ({count}, not all in between)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label_of(numbers: &[u32]) -> String {
        let addresses: Vec<Address> = numbers
            .iter()
            .map(|n| Address::new("instance", &format!("node-{n}")))
            .collect();
        run(&addresses.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_run_is_named_by_its_ends() {
        assert_eq!(label_of(&[7]), "instance.node-7");
        assert_eq!(label_of(&[0, 1, 2, 3]), "instance.node-0 … node-3 (4)");
        assert_eq!(
            label_of(&[10, 9, 0, 1, 2, 5]),
            "instance.node-0 … node-2, node-5, node-9, node-10 (6)"
        );
        assert_eq!(
            label_of(&[0, 2, 4, 6, 8]),
            "instance.node-0 … node-8 (5, not all in between)"
        );
    }

    #[test]
    fn only_numbered_names_are_folded() {
        assert_eq!(split("node-12"), Some(("node-", 12)));
        assert_eq!(split("web"), None);
        assert_eq!(split("node-01"), None);
        assert_eq!(split("node-0"), Some(("node-", 0)));
    }
}
