//! What has another name from now on: records follow it, and objects are left as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use subako_state::{Address, Json, Resource};

use crate::reference::references;

/// A block that has another name, and what goes by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The name that the block had, as the manifest writes it: `pool.hand`.
    pub from: String,
    /// The name that it has.
    pub to: String,
    /// The resources that are recorded under the old name, sorted.
    pub resources: Vec<Renaming>,
}

/// A resource that has another address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Renaming {
    /// The address that it had.
    pub from: Address,
    /// The address that it has.
    pub to: Address,
}

/// New addresses by the old ones.
pub(crate) type Renamings<'a> = BTreeMap<&'a Address, &'a Address>;

/// Records with these moves made. What is not recorded under an old address stays as it is: made
/// again over their own result they change nothing.
pub(crate) fn moved(resources: &[Resource], moves: &[Move]) -> Vec<Resource> {
    let all = moves.iter().flat_map(|each| &each.resources);
    renamed(resources, &all.map(|each| (&each.from, &each.to)).collect())
}

/// Records with these moves taken back.
pub(crate) fn moved_back(resources: &[Resource], moves: &[Move]) -> Vec<Resource> {
    let all = moves.iter().flat_map(|each| &each.resources);
    renamed(resources, &all.map(|each| (&each.to, &each.from)).collect())
}

/// Records with their addresses, and everything that names them, renamed.
pub(crate) fn renamed(resources: &[Resource], renamings: &Renamings<'_>) -> Vec<Resource> {
    let mut all = resources.to_vec();
    if !renamings.is_empty() {
        for resource in &mut all {
            follow(resource, renamings);
        }
        all.sort_by(|a, b| (&a.address, a.generation).cmp(&(&b.address, b.generation)));
    }
    all
}

/// The resource with everything in it that has an old name having the new one.
fn follow(resource: &mut Resource, renamings: &Renamings<'_>) {
    let new = |address: &Address| renamings.get(address).map(|new| Address::clone(new));
    if let Some(to) = new(&resource.address) {
        resource.address = to;
    }
    for dependency in &mut resource.depends_on {
        if let Some(to) = new(dependency) {
            *dependency = to;
        }
    }
    if resource
        .made_with
        .keys()
        .any(|address| renamings.contains_key(address))
    {
        let made_with = std::mem::take(&mut resource.made_with).into_iter();
        let named = made_with.map(|(address, generation)| (new(&address).unwrap_or(address), generation));
        resource.made_with = named.collect();
    }
    for old in references(&resource.spec) {
        let Some(to) = renamings.get(&old) else { continue };
        // In canonical text only a reference looks like this: quotes inside strings are escaped.
        // Another name changes neither the order of keys nor how anything is written.
        let (old, new) = (format!("\"$ref\":\"{old}\""), format!("\"$ref\":\"{to}\""));
        let text = resource.spec.as_str().replace(&old, &new);
        let spec = serde_json::from_str::<serde_json::Value>(&text).and_then(|value| Json::canonical(&value));
        resource.spec =
            spec.unwrap_or_else(|error| unreachable!("an address in place of another is JSON: {error}"));
        resource.spec_sha256 = resource.spec.digest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_is_followed_by_references_and_nothing_else() {
        let spec = Json::canonical(&serde_json::json!({
            "a": {"$ref": "instance.x", "attr": "id"},
            "b": {"$ref": "instance.x2", "attr": "id"},
            "c": "{\"$ref\":\"instance.x\"}",
        }))
        .expect("json");
        let mut resource = Resource {
            address: Address::new("docker", "x"),
            depends_on: vec![Address::new("instance", "x"), Address::new("instance", "x2")],
            deposed: false,
            generation: 0,
            made_with: Default::default(),
            outputs: spec.clone(),
            protect: false,
            spec_sha256: spec.digest(),
            spec: spec.clone(),
        };
        let (old, new) = (Address::new("instance", "x"), Address::new("instance", "y"));
        follow(&mut resource, &Renamings::from([(&old, &new)]));
        let moved = resource.spec.value();
        assert_eq!(moved["a"]["$ref"], "instance.y");
        assert_eq!(moved["b"], spec.value()["b"]);
        assert_eq!(moved["c"], spec.value()["c"]);
        assert_eq!(resource.depends_on[0].as_str(), "instance.y");
        assert_eq!(resource.spec_sha256, resource.spec.digest());
        assert_eq!(resource.address.as_str(), "docker.x");
    }
}
