//! How long each phase of a run took, by the clock on the wall.

use std::collections::BTreeMap;

use subako_engine::display::{Display, Phase};
use subako_engine::event::Event;

use crate::render::duration;

/// From the beginning of each phase's first step to the end of its last.
#[derive(Debug, Clone, Default)]
pub struct Phases {
    kinds: Display,
    spans: BTreeMap<Phase, (u64, u64)>,
}

impl Phases {
    /// Of a run with these kinds.
    pub fn of(kinds: &Display) -> Self {
        Self {
            kinds: kinds.clone(),
            spans: BTreeMap::new(),
        }
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &Event) {
        let (address, now) = match event {
            Event::StepStarted {
                address,
                undo: false,
                elapsed_ms,
                ..
            }
            | Event::StepDone {
                address,
                undo: false,
                elapsed_ms,
                ..
            } => (address, *elapsed_ms),
            _ => return,
        };
        let Some(phase) = self.kinds.phase(address.kind()) else {
            return;
        };
        let (_, end) = self.spans.entry(phase).or_insert((now, now));
        *end = now;
    }

    /// `hosts 0.7 s, docker 7.6 s, …`; `None` unless there were several.
    pub fn text(&self) -> Option<String> {
        let parts: Vec<String> = self
            .spans
            .iter()
            .map(|(phase, (begin, end))| format!("{} {}", phase.name, duration::short(end - begin)))
            .collect();
        (parts.len() > 1).then(|| parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use subako_engine::plan::Action;
    use subako_state::Address;

    use super::*;

    fn started(kind: &str, name: &str, elapsed_ms: u64) -> Event {
        Event::StepStarted {
            step: 0,
            address: Address::new(kind, name),
            action: Action::Create,
            undo: false,
            elapsed_ms,
        }
    }

    fn done(kind: &str, name: &str, elapsed_ms: u64, undo: bool) -> Event {
        Event::StepDone {
            step: 0,
            address: Address::new(kind, name),
            action: Action::Create,
            undo,
            elapsed_ms,
            took_ms: 1,
            done: 1,
            of: 2,
        }
    }

    fn phases(events: &[Event]) -> Phases {
        let mut phases = Phases::of(&Display::built_in());
        events.iter().for_each(|event| phases.note(event));
        phases
    }

    #[test]
    fn a_phase_lasts_from_its_first_beginning_to_its_last_end() {
        let run = phases(&[
            started("instance", "a", 100),
            started("instance", "b", 200),
            done("instance", "a", 900, false),
            started("docker", "a", 900),
            done("instance", "b", 1_100, false),
            done("docker", "a", 8_500, false),
            done("docker", "a", 20_000, true),
        ]);
        assert_eq!(run.text().as_deref(), Some("hosts 1.0 s, docker 7.6 s"));
    }

    #[test]
    fn one_phase_alone_is_not_told_because_the_whole_is() {
        let run = phases(&[started("service", "a", 0), done("service", "a", 9_000, false)]);
        assert_eq!(run.text(), None);
    }
}
