//! `[cluster]`.

use super::{labels, value};
use crate::manifest::decode::Context;
use crate::manifest::model::{Cluster, Provider};
use crate::manifest::raw;

/// Checks the cluster.
pub fn check(cx: &mut Context<'_>, raw: raw::Cluster) -> Cluster {
    Cluster {
        name: value(raw.name).0,
        provider: raw.provider.map_or(Provider::Aws, |at| at.value),
        tags: labels::tags(cx, raw.tags),
    }
}
