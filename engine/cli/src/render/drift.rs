//! What differs between the state and the world, for people and for machines.

use std::fmt::Write as _;

use serde::Serialize;
use subako_engine::display::Display;
use subako_engine::session::{DriftVerdict, Drifted, StrayStatus, Unread, Waiting};
use subako_state::Address;

use super::document::{self, UnfinishedRun};
use super::plan_json::{DriftView, drift_view};
use super::plan_text;
use crate::error::Result;
use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// For people: a paragraph each for what moved, what has not converged, what nobody has recorded and
/// what could not be read, and a summary.
pub fn text(found: &Drifted, kinds: &Display, paint: Paint) -> String {
    let mut out = String::new();
    let head = |out: &mut String, title: &str| {
        let _ = writeln!(out, "{}", paint.of(Meaning::Strong, title));
    };
    if !found.drift.is_empty() {
        head(&mut out, "Changed outside of Subako since the last run:");
        plan_text::write_drift(&mut out, paint, kinds, &found.drift);
        out.push('\n');
    }
    if !found.ignored.is_empty() {
        head(&mut out, "Left as it is by ignore_changes, and no drift:");
        plan_text::write_drift(&mut out, paint, kinds, &found.ignored);
        out.push('\n');
    }
    if !found.waiting.is_empty() {
        head(&mut out, "Not converged:");
        for Waiting { address, unconverged } in &found.waiting {
            let symbol = paint.of(Meaning::Update, "  ~");
            let _ = writeln!(out, "{symbol} {}  {unconverged}", plain(address));
        }
        out.push('\n');
    }
    if !found.strays.is_empty() {
        head(&mut out, "Carries the cluster's tags, and is not in the state:");
        for stray in &found.strays {
            let symbol = paint.of(Meaning::Create, "  +");
            let _ = writeln!(out, "{symbol} {}", plain(self::stray(stray)));
        }
        out.push('\n');
    }
    if !found.unread.is_empty() {
        head(&mut out, "Cannot be read now:");
        for unread in &found.unread {
            let symbol = paint.of(Meaning::Warning, "  ?");
            let _ = writeln!(out, "{symbol} {}", plain(self::unread(unread)));
        }
        out.push('\n');
    }
    let (meaning, summary) = (meaning(found), summary(found));
    let _ = writeln!(out, "{}", paint.of(meaning, plain(summary)));
    out
}

fn meaning(found: &Drifted) -> Meaning {
    match found.verdict() {
        DriftVerdict::None => Meaning::Good,
        DriftVerdict::Drifted => Meaning::Strong,
        DriftVerdict::Unknown => Meaning::Warning,
    }
}

/// An object that nobody has recorded: its address, its id and its price, as far as known.
pub fn stray(stray: &StrayStatus) -> String {
    let price = stray.usd_per_hour.map(|usd| format!("${usd:.4} an hour"));
    let known: Vec<String> = stray.id.clone().into_iter().chain(price).collect();
    match known.is_empty() {
        true => stray.address.to_string(),
        false => format!("{} ({})", stray.address, known.join(", ")),
    }
}

/// So many resources are named where they cannot be read.
const NAMED: usize = 6;

/// What cannot be read, and why.
pub fn unread(unread: &Unread) -> String {
    let names = unread.addresses.iter().take(NAMED).map(Address::as_str);
    let more = match unread.addresses.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}: {}", names.collect::<Vec<_>>().join(", "), unread.why)
}

/// How many of each, without those of which there are none.
pub fn counts(found: &Drifted) -> Vec<String> {
    let gone = found.drift.iter().filter(|drift| drift.gone).count();
    let unread = found.unread.iter().map(|unread| unread.addresses.len()).sum();
    let counts = [
        (gone, "gone"),
        (found.drift.len() - gone, "changed"),
        (found.waiting.len(), "not converged"),
        (found.strays.len(), "not in the state"),
        (unread, "unreadable"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, words)| format!("{count} {words}")).collect()
}

/// The last line.
pub fn summary(found: &Drifted) -> String {
    let Drifted {
        cluster, recorded, ..
    } = found;
    let parked = match found.parked {
        true => "; it is parked, so the swarm in it was not read",
        false => "",
    };
    match found.verdict() {
        DriftVerdict::None if *recorded == 0 => format!("No drift: the state has nothing of {cluster}."),
        DriftVerdict::None => {
            format!("No drift: {cluster} is as the last run left it ({recorded} resources{parked}).")
        }
        DriftVerdict::Drifted => {
            format!(
                "Drift: {} ({recorded} resources in the state{parked}).",
                counts(found).join(", ")
            )
        }
        DriftVerdict::Unknown => {
            format!("No drift in what can be seen of {cluster}: some of it could not be read (see above).")
        }
    }
}

#[derive(Serialize)]
struct View<'a> {
    cluster: &'a str,
    provider: &'a str,
    verdict: DriftVerdict,
    parked: bool,
    recorded: usize,
    drift: Vec<DriftView<'a>>,
    /// Left as it is by the manifest: no drift.
    ignored: Vec<DriftView<'a>>,
    not_converged: &'a [Waiting],
    strays: &'a [StrayStatus],
    unreadable: &'a [Unread],
}

/// The document, one line and a newline.
pub fn json(found: &Drifted, unfinished: Option<&UnfinishedRun>) -> Result<String> {
    let view = View {
        cluster: &found.cluster,
        provider: &found.provider,
        verdict: found.verdict(),
        parked: found.parked,
        recorded: found.recorded,
        drift: found.drift.iter().map(drift_view).collect(),
        ignored: found.ignored.iter().map(drift_view).collect(),
        not_converged: &found.waiting,
        strays: &found.strays,
        unreadable: &found.unread,
    };
    document::json("the drift", &view, unfinished)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread() -> Drifted {
        Drifted {
            cluster: "web".to_owned(),
            provider: "sim".to_owned(),
            recorded: 3,
            drift: Vec::new(),
            ignored: Vec::new(),
            waiting: Vec::new(),
            strays: Vec::new(),
            unread: vec![Unread {
                why: "no manager answers".to_owned(),
                addresses: vec![Address::new("service", "a"), Address::new("service", "b")],
            }],
            parked: false,
        }
    }

    #[test]
    fn what_could_not_be_read_is_never_said_to_be_as_it_was() {
        let mut found = unread();
        let said = text(&found, &Display::built_in(), Paint::PLAIN);
        assert_eq!(
            said,
            "Cannot be read now:\n  ? service.a, service.b: no manager answers\n\n\
             No drift in what can be seen of web: some of it could not be read (see above).\n"
        );
        assert_eq!(found.verdict(), DriftVerdict::Unknown);
        // What is seen to differ counts more than what cannot be seen.
        found.drift.push(subako_engine::plan::Drift {
            address: Address::new("instance", "a"),
            changes: Vec::new(),
            gone: true,
        });
        assert_eq!(found.verdict(), DriftVerdict::Drifted);
        assert_eq!(
            summary(&found),
            "Drift: 1 gone, 2 unreadable (3 resources in the state)."
        );
        found = Drifted {
            unread: Vec::new(),
            drift: Vec::new(),
            ..found
        };
        assert_eq!(
            summary(&found),
            "No drift: web is as the last run left it (3 resources)."
        );
    }
}
