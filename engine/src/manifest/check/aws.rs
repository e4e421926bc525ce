//! `[aws]`.

use super::unique::Unique;
use super::value;
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::model::Aws;
use crate::manifest::raw;

/// Checks that all zones lie in one region, which is the one given if one is.
pub fn check(cx: &mut Context<'_>, raw: raw::Aws) -> Aws {
    let zones = value(raw.availability_zones);
    let mut seen = Unique::new();
    for zone in &zones {
        seen.claim(cx, zone.0.clone(), zone.span, || {
            format!("the zone {} is named twice", zone.0)
        });
    }
    // The region given, or else that of the first zone.
    let (region, span) = match (&raw.region, zones.first()) {
        (Some(region), _) => (Some(region.0.clone()), Some(region.span)),
        (None, Some(zone)) => (Some(zone.region().to_owned()), Some(zone.span)),
        (None, None) => (None, None),
    };
    for zone in &zones {
        let (Some(region), Some(span)) = (&region, span) else {
            continue;
        };
        if zone.region() != region {
            cx.report(
                ManifestError::new(
                    Code::Conflict,
                    format!("the zone {} does not lie in {region}", zone.0),
                )
                .at(zone.span, format!("this zone is in {}", zone.region()))
                .at(span, format!("the cluster is in {region}"))
                .help("a cluster lives in one region: its managers need each other nearby"),
            );
        }
    }
    let subnets = value(raw.subnets);
    let mut seen = Unique::new();
    for subnet in &subnets {
        seen.claim(cx, subnet.0.clone(), subnet.span, || {
            format!("the subnet {} is named twice", subnet.0)
        });
    }
    Aws {
        account: raw.account.map(|account| account.value.0),
        region,
        availability_zones: zones.into_iter().map(|zone| zone.value.0).collect(),
        vpc: raw.vpc.map(|vpc| vpc.value.0),
        subnets: subnets.into_iter().map(|subnet| subnet.value.0).collect(),
    }
}
