//! What stands in the place of a state that is somewhere else, or not all here yet.
//!
//! It has the first line of a state, in a format that no program knows as one: whoever does not know
//! of marks refuses it as too new, and never takes the place for empty.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The format that a mark says it has.
pub(crate) const MARKED: u32 = 1_000_000;

/// Where a state is instead of here, or is coming from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which of the two.
    pub way: Way,
    /// The other place, for people.
    pub place: String,
    /// The lineage of the state.
    pub lineage: String,
    /// Its serial.
    pub serial: u64,
    /// Its digest.
    pub state: Digest,
}

/// Which way a state goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// It was here, and is there now.
    MovedTo,
    /// It comes from there, and is not all here yet.
    ComingFrom,
}

impl Mark {
    /// What is written in place of the state.
    pub(crate) fn render(&self) -> Result<String, serde_json::Error> {
        let body = format!("\"mark\":{}}}\n", serde_json::to_string(self)?);
        let digest = Digest::of(&body);
        Ok(format!("{{\"format\":{MARKED},\"digest\":\"{digest}\",\n{body}"))
    }

    /// The mark in some bytes; `None` if they are no mark, or not as it was written.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Marked {
            format: u32,
            digest: Digest,
            mark: Mark,
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let (_, body) = text.split_once('\n')?;
        let marked: Marked = serde_json::from_str(text).ok()?;
        (marked.format == MARKED && marked.digest == Digest::of(body)).then_some(marked.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Damage;
    use crate::format;

    #[test]
    fn a_mark_is_read_back_and_is_no_state_to_whoever_does_not_know_it() {
        for way in [Way::MovedTo, Way::ComingFrom] {
            let mark = Mark {
                way,
                place: "s3://b/\"x\"/".into(),
                lineage: "l".into(),
                serial: 7,
                state: Digest::of("state"),
            };
            let text = mark.render().expect("renders");
            assert_eq!(Mark::parse(text.as_bytes()), Some(mark));
            assert_eq!(format::parse(&text), Err(Damage::Format(MARKED)));
            for cut in 0..text.len() {
                assert_eq!(Mark::parse(&text.as_bytes()[..cut]), None);
            }
        }
        assert_eq!(Mark::parse(b"{}"), None);
    }
}
