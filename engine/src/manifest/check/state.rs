//! `[state]`.

use super::place;
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::model::{StateBackend, StateBucket};
use crate::manifest::raw::{self, BackendName};
use crate::manifest::span::At;

/// How long a lease lasts where the manifest does not say it, seconds.
const LEASE_S: u64 = 60;
/// A shorter one would end while a slow answer is waited for.
const SHORTEST_S: u64 = 5;
/// Nobody waits longer than that for a machine that is gone.
const LONGEST_S: u64 = 600;

/// Checks that a bucket is named where one is needed, and nowhere else. Its region is the cluster's
/// where it is not given.
pub fn check(cx: &mut Context<'_>, raw: Option<At<raw::State>>, region: Option<&str>) -> StateBackend {
    let Some(At { value: raw, span }) = raw else {
        return StateBackend::Local;
    };
    let backend = raw.backend.as_ref().map_or(BackendName::Local, |at| at.value);
    if backend == BackendName::Local {
        let of_bucket = [
            raw.bucket.as_ref().map(|at| at.span),
            raw.prefix.as_ref().map(|at| at.span),
            raw.region.as_ref().map(|at| at.span),
            raw.endpoint.as_ref().map(|at| at.span),
            raw.lease.as_ref().map(|at| at.span),
        ];
        if let Some(found) = of_bucket.into_iter().flatten().next() {
            cx.report(
                ManifestError::new(Code::Conflict, "a local state is in no bucket")
                    .at(found, "this is about a bucket")
                    .help("write backend = \"s3\", or leave it out"),
            );
        }
        return StateBackend::Local;
    }
    let at = place(&raw.backend, span);
    let Some(bucket) = raw.bucket else {
        if !raw.mistaken {
            cx.report(
                ManifestError::new(Code::Missing, "the state needs a bucket")
                    .at(at, "a state in S3 is kept in one")
                    .help("write bucket = \"…\""),
            );
        }
        return StateBackend::Local;
    };
    let lease_s = raw.lease.as_ref().map_or(LEASE_S, |lease| lease.seconds());
    if let Some(lease) = raw.lease.filter(|_| !(SHORTEST_S..=LONGEST_S).contains(&lease_s)) {
        cx.report(
            ManifestError::new(Code::OutOfRange, "a lease lasts from 5 s to 10 min")
                .at(lease.span, "this one does not")
                .help("leave it out for 60 s"),
        );
    }
    StateBackend::S3(StateBucket {
        lease_s,
        bucket: bucket.value.0,
        prefix: raw.prefix.map(|prefix| prefix.value.0),
        region: raw
            .region
            .map(|region| region.value.0)
            .or_else(|| region.map(str::to_owned)),
        endpoint: raw.endpoint.map(|endpoint| endpoint.value.0),
    })
}
