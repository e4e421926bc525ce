//! The approval of a plan: its digest, or the marker of the comment in which it was reviewed.

use std::fmt;

use subako_state::Digest;

use crate::plan::{Components, Marker, MarkerError, Plan};

/// The fewest digits that name a digest.
const DIGITS: usize = 12;

/// A part of what a plan starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// What the manifest wants, what it looks up included.
    Manifest,
    /// The state.
    State,
    /// What the plan takes from the world.
    World,
    /// The format of plans.
    Format,
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => {
                "the manifest moved: it was edited, or a variable, a secret or something that it looks up (an image, a subnet) has changed"
            }
            Self::State => "the state moved: another run has changed it since",
            Self::World => "the world moved: something was changed outside of Subako since",
            Self::Format => "the format of plans moved: it was reviewed with another version of Subako",
        })
    }
}

/// Why a plan is not the one that was approved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpectError {
    /// The digest is too short to name one.
    #[error("--expect {0}: at least the first twelve digits are needed")]
    TooShort(String),
    /// What was given is meant as a marker and is none.
    #[error("--expect: the marker cannot be read: {0}")]
    Marker(#[from] MarkerError),
    /// The marker is that of another cluster's plan.
    #[error("--expect: the marker is that of a plan for {} on {}, not for {} on {}", .marker.0, .marker.1, .plan.0, .plan.1)]
    OtherCluster {
        /// Cluster and provider of the marker.
        marker: (String, String),
        /// Those of the plan.
        plan: (String, String),
    },
    /// The plan does not have the digest.
    #[error("the plan has digest {found}, not {expected}: it is not the one that was reviewed")]
    Differs {
        /// What was asked for, as it was typed; of a marker its digest.
        expected: String,
        /// What it has.
        found: Digest,
        /// What moved; empty where only a digest was given, or what was asked for (a selection,
        /// a destroy) is another thing.
        moved: Vec<Component>,
    },
}

/// Refuses a plan that is not the one approved: `expected` is its digest (whole, or its first
/// twelve digits or more), or the marker of its comment, which also tells what moved.
pub fn expect(plan: &Plan, expected: &str) -> Result<(), ExpectError> {
    if Marker::is_meant_by(expected) {
        return expect_marker(plan, &expected.parse()?);
    }
    if plan.digest.is_named_by(expected) {
        return Ok(());
    }
    let digits = expected.strip_prefix("sha256:").unwrap_or(expected);
    Err(match digits.len() < DIGITS {
        true => ExpectError::TooShort(expected.to_owned()),
        false => ExpectError::Differs {
            expected: expected.to_owned(),
            found: plan.digest.clone(),
            moved: Vec::new(),
        },
    })
}

fn expect_marker(plan: &Plan, marker: &Marker) -> Result<(), ExpectError> {
    let (reviewed, now) = (
        (&marker.cluster, &marker.provider),
        (&plan.cluster, &plan.provider),
    );
    if reviewed != now {
        let owned = |(cluster, provider): (&String, &String)| (cluster.clone(), provider.clone());
        return Err(ExpectError::OtherCluster {
            marker: owned(reviewed),
            plan: owned(now),
        });
    }
    if plan.digest == marker.digest {
        return Ok(());
    }
    Err(ExpectError::Differs {
        expected: marker.digest.to_string(),
        found: plan.digest.clone(),
        moved: moved(&marker.components, &plan.components),
    })
}

/// What moved. What a plan takes from the world depends on what it does: where something else
/// moved, it says nothing by itself.
pub fn moved(then: &Components, now: &Components) -> Vec<Component> {
    let mut moved = Vec::new();
    if then.manifest != now.manifest {
        moved.push(Component::Manifest);
    }
    if then.state != now.state {
        moved.push(Component::State);
    }
    if then.format != now.format {
        moved.push(Component::Format);
    }
    if moved.is_empty() && then.world != now.world {
        moved.push(Component::World);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Draft;

    #[test]
    fn a_marker_tells_which_component_moved() {
        let plan = Draft::new().plan();
        let marker = plan.marker();
        assert_eq!(expect(&plan, &marker.to_string()), Ok(()));
        assert_eq!(expect(&plan, marker.digest.as_str()), Ok(()));
        let other = Digest::of("other");
        type Edit = fn(&mut Components, Digest);
        let edits: [(Edit, Component); 4] = [
            (|c, to| c.manifest = to, Component::Manifest),
            (|c, to| c.state = Some(to), Component::State),
            (|c, to| c.world = to, Component::World),
            (|c, to| c.format = to, Component::Format),
        ];
        for (edit, component) in edits {
            let mut then = marker.clone();
            then.digest = other.clone();
            edit(&mut then.components, other.clone());
            let refused = ExpectError::Differs {
                expected: other.to_string(),
                found: plan.digest.clone(),
                moved: vec![component],
            };
            assert_eq!(expect(&plan, &then.to_string()), Err(refused));
        }
    }

    #[test]
    fn another_digest_than_expected_is_refused() {
        let plan = Draft::new().plan();
        assert_eq!(expect(&plan, plan.digest.short()), Ok(()));
        for wrong in ["", "abc", "000000000000", &plan.digest.hex()[1..]] {
            match expect(&plan, wrong).expect_err("another digest") {
                ExpectError::TooShort(_) => assert!(wrong.len() < DIGITS, "{wrong}"),
                ExpectError::Differs { .. } => assert!(wrong.len() >= DIGITS, "{wrong}"),
                other => panic!("{wrong}: {other}"),
            }
        }
    }

    #[test]
    fn a_marker_of_another_cluster_and_one_that_was_cut_are_refused() {
        let plan = Draft::new().plan();
        let mut marker = plan.marker();
        marker.cluster = "staging".to_owned();
        let found = expect(&plan, &marker.to_string());
        assert!(
            matches!(found, Err(ExpectError::OtherCluster { .. })),
            "{found:?}"
        );
        let found = expect(&plan, "<!-- subako-plan cluster=x");
        assert!(matches!(found, Err(ExpectError::Marker(_))), "{found:?}");
    }
}
