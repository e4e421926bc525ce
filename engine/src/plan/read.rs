//! Plans that were written down, by this program or by another version.

use serde::Deserialize;
use subako_state::Json;

use super::types::{PLAN_FORMAT, Plan};
use super::v1;

/// Why a plan that was written down cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A newer program wrote it.
    #[error(
        "it was written by subako {written_by} in plan format {format}, and this program ({}) reads formats up to {PLAN_FORMAT}",
        super::types::WRITTEN_BY
    )]
    Newer {
        /// Its format.
        format: u32,
        /// The version of the program that wrote it.
        written_by: String,
    },
    /// It is not a plan.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Head {
    format_version: u32,
    #[serde(default)]
    written_by: Option<String>,
}

impl Plan {
    /// Refuses the plan in a JSON text if a newer program wrote it; its format otherwise.
    pub fn check_format(text: &str) -> Result<u32, ReadError> {
        let head: Head = serde_json::from_str(text)?;
        if head.format_version > PLAN_FORMAT {
            return Err(ReadError::Newer {
                format: head.format_version,
                written_by: head
                    .written_by
                    .unwrap_or_else(|| "of an unknown version".to_owned()),
            });
        }
        Ok(head.format_version)
    }

    /// Reads a plan in the current format or an older one.
    pub fn read(json: &Json) -> Result<Self, ReadError> {
        match Self::check_format(json.as_str())? {
            1 => Ok(v1::Plan::into_current(json.decode()?)?),
            _ => Ok(json.decode()?),
        }
    }
}
