//! `[[network]]`.

use std::collections::BTreeMap;

use super::unique::Unique;
use super::{labels, value};
use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Range4;
use crate::manifest::raw;
use crate::manifest::span::{At, Span};
use crate::world::NetworkSpec;

/// Networks that Docker makes itself.
const DOCKERS_OWN: [&str; 5] = ["ingress", "bridge", "host", "none", "docker_gwbridge"];

/// The networks of a manifest: their names are known even where a network has mistakes.
#[derive(Debug, Default)]
pub struct Networks {
    specs: Vec<NetworkSpec>,
    names: BTreeMap<String, Span>,
    unnamed: bool,
}

impl Networks {
    /// Whether a network may exist: its name is known, or one without a usable name was seen.
    pub fn may_have(&self, name: &str) -> bool {
        self.unnamed || self.names.contains_key(name)
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// In the order written.
    pub fn into_specs(self) -> Vec<NetworkSpec> {
        self.specs
    }
}

/// Checks the networks, one by one and together.
pub fn check(cx: &mut Context<'_>, raw: Vec<At<raw::Network>>) -> Networks {
    let mut networks = Networks::default();
    let mut seen = Unique::new();
    let mut subnets = Vec::new();
    for At { value: raw, span: _ } in raw {
        match &raw.name {
            Some(name) => {
                // Swarm compares names without case.
                seen.claim(cx, name.0.to_ascii_lowercase(), name.span, || {
                    format!("two networks are called \"{}\"", name.0)
                });
                if DOCKERS_OWN.iter().any(|own| own.eq_ignore_ascii_case(&name.0)) {
                    cx.report(
                        ManifestError::new(
                            Code::BadName,
                            format!("\"{}\" is a network of Docker's own", name.0),
                        )
                        .at(name.span, "this name is taken")
                        .help("choose another name"),
                    );
                }
                networks.names.insert(name.0.clone(), name.span);
                if let Some(subnet) = &raw.subnet {
                    subnets.push(Named {
                        name: name.0.clone(),
                        range: subnet.value,
                        span: subnet.span,
                    });
                }
            }
            None => networks.unnamed = true,
        }
        networks.specs.push(network(cx, raw));
    }
    overlaps(cx, "the networks", subnets);
    networks
}

fn network(cx: &mut Context<'_>, raw: raw::Network) -> NetworkSpec {
    let overlay = raw.driver.as_ref().is_none_or(|driver| driver.0 == "overlay");
    if let (Some(driver), Some(encrypted)) = (&raw.driver, &raw.encrypted)
        && !overlay
        && encrypted.value
    {
        cx.report(
            ManifestError::new(Code::Conflict, "only the overlay driver encrypts")
                .at(encrypted.span, "encryption is asked for")
                .at(driver.span, "this driver does not")
                .help("remove one of the two"),
        );
    }
    let mut options = BTreeMap::new();
    for (key, option) in value(raw.options).0 {
        if key.value == "encrypted" {
            cx.report(
                ManifestError::new(Code::Conflict, "encryption has a key of its own")
                    .at(key.span, "this is Docker's way to write it")
                    .help("write encrypted = true under [[network]]"),
            );
        }
        options.insert(key.value, option.value.0);
    }
    NetworkSpec {
        attachable: value(raw.attachable),
        driver: raw
            .driver
            .map_or_else(|| "overlay".to_owned(), |driver| driver.value.0),
        encrypted: value(raw.encrypted),
        internal: value(raw.internal),
        labels: labels::labels(cx, raw.labels),
        name: value(raw.name).0,
        options,
        subnet: raw.subnet.map(|subnet| subnet.to_string()),
    }
}

/// A range, the name of what has it, and its place.
#[derive(Debug)]
pub struct Named {
    /// What has it: a network's name, or the range itself.
    pub name: String,
    /// The range.
    pub range: Range4,
    /// Its place.
    pub span: Span,
}

/// Reports ranges that share addresses: each with the furthest-reaching one that begins before
/// it, so that the work is that of sorting. `what` is the plural of what has them.
pub fn overlaps(cx: &mut Context<'_>, what: &str, mut ranges: Vec<Named>) {
    ranges.sort_by_key(|named| (named.range.bounds(), named.span));
    let mut reaching: Option<&Named> = None;
    for named in &ranges {
        let (from, to) = named.range.bounds();
        if let Some(before) = reaching
            && from <= before.range.bounds().1
        {
            let (first, second) = if before.span <= named.span {
                (before, named)
            } else {
                (named, before)
            };
            cx.report(
                ManifestError::new(
                    Code::Overlap,
                    format!("{what} {} and {} share addresses", first.name, second.name),
                )
                .at(second.span, format!("{} overlaps {}", second.range, first.range))
                .at(first.span, "the other range")
                .help("give each a range of its own"),
            );
        }
        if reaching.is_none_or(|before| to > before.range.bounds().1) {
            reaching = Some(named);
        }
    }
}
