//! `[checks.ID]`.

use std::collections::BTreeMap;

use super::value;
use crate::manifest::decode::Named;
use crate::manifest::model::CheckSetting;
use crate::manifest::raw;

/// What each finding is to matter. Whether there is such a check is not known here: a plan says it.
pub fn check(raw: Named<raw::CheckSetting>) -> BTreeMap<String, CheckSetting> {
    let settings = raw.0.into_iter().filter_map(|(id, at)| {
        let reason = at.value.reason?.value.0;
        let severity = value(at.value.severity).0;
        Some((id.value, CheckSetting { severity, reason }))
    });
    settings.collect()
}
