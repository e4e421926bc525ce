//! `[[pool]]`.

use std::collections::{BTreeMap, BTreeSet};

use super::unique::Unique;
use super::{labels, place, value};
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Address;
use crate::manifest::model::Pool;
use crate::manifest::raw;
use crate::manifest::span::{At, Span};
use crate::world::{Availability, Role};

pub const DEFAULT_AMI: &str = "amazon-linux-2023";
const DEFAULT_DISK_GIB: u32 = 8;

/// Checks the pools, one by one and together. `written` is false where the manifest has no
/// pool at all, which is a mistake of its own.
pub fn check(
    cx: &mut Context<'_>,
    raw: Vec<At<raw::Pool>>,
    cluster_tags: &BTreeMap<String, String>,
    written: bool,
) -> Vec<Pool> {
    // Different names are enough: `a-1` and `b-1` differ, and what follows the last hyphen of
    // an instance's name is its number.
    let mut names = Unique::new();
    let mut addresses = Unique::new();
    let mut pools = Vec::with_capacity(raw.len());
    let mut managers = Managers::default();
    for At { value: raw, span } in raw {
        if let Some(name) = &raw.name {
            names.claim(cx, name.0.clone(), name.span, || {
                format!("two pools are called \"{}\"", name.0)
            });
        }
        managers.see(&raw, span);
        pools.push(pool(cx, raw, span, cluster_tags, &mut addresses));
    }
    if written {
        managers.check(cx, &pools);
    }
    pools
}

fn pool(
    cx: &mut Context<'_>,
    raw: raw::Pool,
    span: Span,
    cluster_tags: &BTreeMap<String, String>,
    addresses: &mut Unique<Address>,
) -> Pool {
    let ips = private_ips(cx, &raw, addresses);
    let tags_span = place(&raw.tags, span);
    let tags = labels::tags(cx, raw.tags);
    if tags.len().max(cluster_tags.len()) <= labels::MOST_TAGS {
        let all: BTreeSet<_> = cluster_tags.keys().chain(tags.keys()).collect();
        labels::too_many(cx, all.len(), tags_span);
    }
    Pool {
        name: value(raw.name).0,
        role: raw.role.map_or(Role::Worker, |role| role.value),
        count: raw.count.map_or(0, |count| count.0 as u32),
        instance_type: value(raw.instance_type).0,
        ami: raw.ami.map_or_else(|| DEFAULT_AMI.to_owned(), |ami| ami.value.0),
        disk_gib: raw.disk_gib.map_or(DEFAULT_DISK_GIB, |size| size.0 as u32),
        disk_encrypted: value(raw.disk_encrypted),
        labels: labels::labels(cx, raw.labels),
        availability: raw.availability.map_or(Availability::Active, |at| at.value),
        private_ips: ips,
        public_ip: raw.public_ip.map(|at| at.value),
        cpu_credits: raw.cpu_credits.map(|at| at.value),
        protect: value(raw.protect),
        tags,
    }
}

fn private_ips(cx: &mut Context<'_>, raw: &raw::Pool, addresses: &mut Unique<Address>) -> Vec<String> {
    let Some(ips) = &raw.private_ips else {
        return Vec::new();
    };
    for ip in ips.iter() {
        addresses.claim(cx, ip.value, ip.span, || {
            format!("two instances have the address {}", ip.0)
        });
    }
    if let Some(count) = &raw.count
        && ips.len() as u64 != count.0
        // An address with a mistake in it is not in the list.
        && !cx.has_mistake_within(ips.span)
    {
        let (message, instances) = match count.0 {
            1 => ("1 instance needs 1 address".to_owned(), "1 instance".to_owned()),
            n => (
                format!("{n} instances need {n} addresses"),
                format!("{n} instances"),
            ),
        };
        let addresses = if ips.len() == 1 {
            "1 address".to_owned()
        } else {
            format!("{} addresses", ips.len())
        };
        cx.report(
            ManifestError::new(Code::Conflict, message)
                .at(ips.span, addresses)
                .at(count.span, instances)
                .help("list as many addresses as `count` says, or leave `private_ips` out"),
        );
    }
    ips.iter().map(|ip| ip.0.to_string()).collect()
}

/// What the pools say about managers.
#[derive(Default)]
struct Managers {
    first_pool: Option<Span>,
    empty_pool: Option<Span>,
    any: bool,
}

impl Managers {
    fn see(&mut self, pool: &raw::Pool, span: Span) {
        self.first_pool
            .get_or_insert(pool.role.as_ref().map_or(span, |role| role.span));
        match (&pool.role, &pool.count) {
            (Some(role), Some(count)) if role.value == Role::Manager && count.0 == 0 => {
                self.empty_pool.get_or_insert(count.span);
            }
            // A role or a count with a mistake in it may well have meant managers.
            (Some(role), _) if role.value == Role::Worker => {}
            _ => self.any = true,
        }
    }

    fn check(self, cx: &mut Context<'_>, pools: &[Pool]) {
        if self.any {
            return;
        }
        let error = |message: &str| ManifestError::new(Code::NoManager, message);
        let how_many = "write 1 manager to try things out, 3 to survive the loss of one, 5 of two";
        cx.report(match (self.empty_pool, self.first_pool) {
            (Some(empty), _) => error("the cluster would have no manager")
                .at(empty, "no instance at all")
                .help(how_many),
            (None, Some(first)) => error("no pool has the role of manager")
                .at(
                    first,
                    if pools.len() == 1 {
                        "the only pool is one of workers"
                    } else {
                        "this pool and all others are of workers"
                    },
                )
                .help(format!("add a [[pool]] with role = \"manager\"; {how_many}")),
            (None, None) => error("the list of pools is empty")
                .at(Span::default(), "")
                .help("add a [[pool]] with role = \"manager\""),
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn two_pools_of_different_names_never_share_an_instance_name(
            a in "[a-z]([a-z0-9-]{0,4}[a-z0-9])?", b in "[a-z]([a-z0-9-]{0,4}[a-z0-9])?",
            i in 0u32..100_000, j in 0u32..100_000,
        ) {
            prop_assume!(a != b);
            prop_assert_ne!(format!("{a}-{i}"), format!("{b}-{j}"));
        }
    }
}
