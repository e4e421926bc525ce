//! Volumes that are not encrypted, where the manifest asks for that elsewhere.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "encryption",
        category: Category::Security,
        documentation: "What one node may keep another one may be handed: encryption at rest is for every volume of a cluster or for none (AWS Well-Architected, SEC08).",
    },
    look,
};

/// Pools whose volumes are not encrypted, where another pool asks for it.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let pools = || manifest.pools.iter().filter(|pool| pool.count > 0);
    let Some(asked) = pools().find(|pool| pool.disk_encrypted) else {
        return Vec::new();
    };
    let plain = pools().filter(|pool| !pool.disk_encrypted);
    plain
        .map(|pool| {
            let message = format!(
                "the volumes of pool `{}` are not encrypted, and those of pool `{}` are: Swarm moves tasks between them",
                pool.name, asked.name
            );
            Finding::new(Severity::Warning, &CHECK.about, message)
                .with_remedy("set disk_encrypted = true, which replaces the pool's instances")
                .at("pool", &pool.name, "disk_encrypted")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    #[test]
    fn a_pool_without_what_another_asks_for_is_said_once() {
        let found = |text: &str| Case::of(text).findings("encryption");
        let one = manifest("disk_encrypted = true\n");
        assert_eq!(
            only(&found(&one)),
            "Warning 8 pool manager: the volumes of pool `manager` are not encrypted, and those of pool `node` are: Swarm moves tasks between them"
        );
        assert_eq!(found(&manifest("")), []);
        assert_eq!(
            found(&one.replace("count = 1", "count = 1\ndisk_encrypted = true")),
            []
        );
        assert_eq!(found(&one.replace("count = 2", "count = 0")), []);
    }
}
