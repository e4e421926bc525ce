//! Every status that a step may have, for tests.

use serde_json::json;
use subako_state::{Effect, Json};

use super::status::StepStatus;
use crate::testing::json_of;

/// What the world answered, in all of them.
pub fn outputs() -> Json {
    json_of(&json!({"id": "answered"}))
}

/// Every status, with and without outputs, whatever the effect.
pub fn statuses() -> Vec<StepStatus> {
    let (token, why) = (|| "t".to_owned(), || "w".to_owned());
    let mut all = vec![
        StepStatus::Pending,
        StepStatus::Intended { token: token() },
        StepStatus::Done {
            token: token(),
            outputs: outputs(),
        },
        StepStatus::Undone {
            token: token(),
            outputs: outputs(),
        },
    ];
    for known in [None, Some(outputs())] {
        for effect in [Effect::None, Effect::Applied, Effect::Unresolved] {
            all.push(StepStatus::Failed {
                token: token(),
                effect,
                outputs: known.clone(),
                why: why(),
            });
        }
        all.push(StepStatus::UndoIntended {
            token: token(),
            undo_token: "u".to_owned(),
            outputs: known.clone(),
        });
        all.push(StepStatus::UndoFailed {
            token: token(),
            outputs: known,
            why: why(),
        });
    }
    all
}
