//! Which fields of what is there are left as they are.

use std::collections::BTreeMap;

use subako_state::Address;

/// Fields that somebody else decides on (an autoscaler, a deployment), by kind and block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored {
    fields: BTreeMap<(&'static str, String), Vec<&'static str>>,
}

impl Ignored {
    /// Leaves a field (the first segment of its path) of a kind alone, of the resource of that name or
    /// of every machine of the pool of that name.
    pub fn add(&mut self, kind: &'static str, block: &str, field: &'static str) {
        let fields = self.fields.entry((kind, block.to_owned())).or_default();
        fields.push(field);
        fields.sort_unstable();
        fields.dedup();
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields of a resource, sorted.
    pub fn of(&self, address: &Address) -> &[&'static str] {
        // Kinds are named by those who add them, and looked up by the few that are there.
        let of_block = |block: &str| {
            let found = self.fields.iter();
            let mut found = found.filter(|((kind, name), _)| *kind == address.kind() && name == block);
            found.next().map(|(_, fields)| fields.as_slice())
        };
        if self.is_empty() {
            return &[];
        }
        let pool = address
            .name()
            .rsplit_once('-')
            .filter(|(_, index)| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()));
        of_block(address.name())
            .or_else(|| of_block(pool?.0))
            .unwrap_or_default()
    }

    /// All of it, a line each.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let each = self.fields.iter();
        each.map(|((kind, block), fields)| format!("ignore {kind}.{block} {}\n", fields.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_ignored_of_its_block_and_of_the_machines_of_its_pool_alone() {
        let mut ignored = Ignored::default();
        assert!(ignored.is_empty());
        ignored.add("service", "web", "replicas");
        ignored.add("service", "web", "image");
        ignored.add("service", "web", "image");
        ignored.add("member", "node", "labels");
        let of = |kind: &str, name: &str| ignored.of(&Address::new(kind, name)).to_vec();
        assert_eq!(of("service", "web"), ["image", "replicas"]);
        assert_eq!(of("member", "node-12"), ["labels"]);
        for (kind, name) in [
            ("service", "web2"),
            ("service", "we"),
            ("instance", "node-1"),
            ("member", "node-"),
            ("member", "node-x"),
            ("member", "other-node-1"),
        ] {
            assert_eq!(of(kind, name), [""; 0], "{kind}.{name}");
        }
    }
}
