//! `ignore_changes` of pools and services.

use crate::desired::Ignored;
use crate::manifest::decode::{Context, did_you_mean};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::PlainText;
use crate::manifest::raw::{Deployment, Document};
use crate::manifest::span::{At, Span};
use crate::world::ServiceSpec;

/// Keys of a pool that may be left as they are, each with the kind and the field that it becomes.
const OF_POOL: [(&str, &str, &str); 6] = [
    ("availability", "member", "availability"),
    ("cpu_credits", "instance", "cpu_credits"),
    ("disk_gib", "instance", "disk_gib"),
    ("instance_type", "instance", "instance_type"),
    ("labels", "member", "labels"),
    ("tags", "instance", "tags"),
];

/// Keys of a service that decide what it is, or what it depends on: nobody else can.
const NOT_OF_SERVICE: [&str; 5] = ["configs", "mode", "name", "networks", "secrets"];

/// Keys of a service that may be left as they are, sorted.
fn of_service() -> Vec<&'static str> {
    let keys = ServiceSpec::keys().into_iter().map(|key| key.name);
    let own = keys.filter(|key| !NOT_OF_SERVICE.contains(key));
    let mut all: Vec<&str> = own.chain(["replicas"]).collect();
    all.sort_unstable();
    all
}

/// The fields that a document leaves as they are.
pub fn of(cx: &mut Context<'_>, document: &Document) -> Ignored {
    let mut ignored = Ignored::default();
    for At { value: pool, .. } in document.pool.iter().flat_map(|pools| &pools.value.0) {
        let keys = OF_POOL.map(|(key, ..)| key);
        for key in known(cx, "pool", &pool.ignore_changes, &keys) {
            let name = pool.name.as_ref().map_or("", |name| name.0.as_str());
            for (_, kind, field) in OF_POOL.iter().filter(|(known, ..)| *known == key.0) {
                ignored.add(kind, name, field);
            }
        }
    }
    let keys = of_service();
    for At { value: service, .. } in document.service.iter().flat_map(|services| &services.value.0) {
        for (key, span) in known(cx, "service", &service.ignore_changes, &keys) {
            let global = service
                .mode
                .as_ref()
                .filter(|mode| mode.value == Deployment::Global);
            if let Some(mode) = global.filter(|_| key == "replicas") {
                cx.report(
                    ManifestError::new(Code::Conflict, "a global service has no replicas")
                        .at(span, "but they are left as they are")
                        .at(mode.span, "one task on every node")
                        .help("remove one of the two"),
                );
            }
            let name = service.name.as_ref().map_or("", |name| name.0.as_str());
            ignored.add("service", name, key);
        }
    }
    ignored
}

/// The keys written that may be left as they are; a mistake for each other one.
fn known(
    cx: &mut Context<'_>,
    block: &str,
    written: &Option<At<Vec<At<PlainText>>>>,
    keys: &[&'static str],
) -> Vec<(&'static str, Span)> {
    let mut found = Vec::new();
    for At { value, span } in written.iter().flat_map(|written| &written.value) {
        let written = value.0.as_str();
        match keys.iter().find(|key| **key == written) {
            Some(key) => found.push((*key, *span)),
            None => {
                let near = did_you_mean(written, keys.iter().copied());
                let help = near.unwrap_or_else(|| format!("it can be one of {}", keys.join(", ")));
                let message = format!("`{written}` of a {block} cannot be left as it is");
                cx.report(
                    ManifestError::new(Code::UnknownReference, message)
                        .at(*span, "not a key that somebody else can decide on")
                        .help(help),
                );
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::decode::Section as _;
    use crate::manifest::raw::{Pool, Service};

    #[test]
    fn what_may_be_ignored_are_keys_of_the_block() {
        let has =
            |keys: &[crate::manifest::decode::Key], key: &str| keys.iter().any(|known| known.name == key);
        for (key, ..) in OF_POOL {
            assert!(has(Pool::KEYS, key), "{key}");
        }
        for key in of_service() {
            assert!(has(Service::KEYS, key), "{key}");
        }
        for key in NOT_OF_SERVICE {
            assert!(has(Service::KEYS, key), "{key}");
            assert!(!of_service().contains(&key));
        }
    }
}
