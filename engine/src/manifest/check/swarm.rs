//! `[swarm]`.

use super::network::{Named, overlaps};
use super::ssh::deadline;
use super::value;
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Range4;
use crate::manifest::model::SwarmSettings;
use crate::manifest::raw;
use crate::manifest::span::At;

/// The mask length of a network where the manifest has none.
pub const SUBNET_SIZE: u8 = 24;
/// How long a service may take to converge where the manifest does not say, seconds.
pub const CONVERGE_TIMEOUT_S: u64 = 5 * 60;

/// Checks the swarm's settings.
pub fn check(cx: &mut Context<'_>, raw: raw::Swarm) -> SwarmSettings {
    let pools = value(raw.addr_pool).0;
    let subnet_size = raw.subnet_size.as_ref().map_or(SUBNET_SIZE, |at| at.0 as u8);
    for pool in &pools {
        if pool.mask() > subnet_size {
            let mut error = ManifestError::new(
                Code::Conflict,
                format!("no network of size /{subnet_size} fits into {}", pool.value),
            )
            .at(pool.span, "this range is smaller");
            if let Some(size) = &raw.subnet_size {
                error = error.at(size.span, "the size of each network");
            }
            cx.report(error.help("give a wider range, or a longer mask in `subnet_size`"));
        }
    }
    let named = |pool: &At<Range4>| Named {
        name: pool.to_string(),
        range: pool.value,
        span: pool.span,
    };
    overlaps(cx, "the ranges", pools.iter().map(named).collect());
    SwarmSettings {
        addr_pool: pools.iter().map(|pool| pool.to_string()).collect(),
        subnet_size,
        engine_version: raw.engine_version.map(|version| version.value.0),
        converge_timeout_s: deadline(cx, "converge_timeout", raw.converge_timeout, CONVERGE_TIMEOUT_S),
    }
}
