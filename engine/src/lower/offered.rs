//! Which zone is first where the manifest leaves that open.

use std::collections::BTreeMap;

use crate::manifest::Manifest;
use crate::world::{LookupAnswer, TypeFacts};

/// Puts subnets whose zones offer every instance type of the manifest before the others, where
/// neither zones nor subnets are named: a cluster goes into the first. Of zones of which nothing is
/// known nothing is changed.
pub fn offered_first(answer: &mut LookupAnswer, manifest: &Manifest, types: &BTreeMap<String, TypeFacts>) {
    if !manifest.aws.availability_zones.is_empty() || !manifest.aws.subnets.is_empty() {
        return;
    }
    let offers_all = |zone: &String| {
        types
            .values()
            .all(|facts| facts.zones.is_empty() || facts.zones.contains(zone))
    };
    answer.subnets.sort_by_key(|subnet| !offers_all(&subnet.zone));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::needs;
    use crate::lower::testing::{answer, empty, sandbox};

    fn first(manifest: &Manifest, zones: &[&str]) -> String {
        let mut answer = answer(&needs(manifest, &empty(), &[]));
        let facts = TypeFacts {
            nano_cpus: 1,
            memory: 1,
            zones: zones.iter().map(|zone| (*zone).to_owned()).collect(),
        };
        offered_first(
            &mut answer,
            manifest,
            &BTreeMap::from([("t3.micro".to_owned(), facts)]),
        );
        answer.subnets[0].zone.clone()
    }

    #[test]
    fn a_zone_that_lacks_a_type_is_not_the_first_unless_it_is_named() {
        let mut manifest = sandbox();
        assert_eq!(first(&manifest, &["b", "c"]), "b");
        assert_eq!(first(&manifest, &[]), "a");
        assert_eq!(first(&manifest, &["elsewhere"]), "a");
        manifest.aws.availability_zones = vec!["a".into(), "b".into()];
        assert_eq!(first(&manifest, &["b", "c"]), "a");
    }
}
