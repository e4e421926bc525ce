//! Disks that are smaller than their image.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding};
use crate::world::Family;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "disk",
        category: Category::Capacity,
        documentation: "A root volume is at least as large as the snapshot of its image: 8 GiB for Amazon Linux, Debian and Ubuntu (EC2: InvalidBlockDeviceMapping).",
    },
    look,
};

/// A disk that the image does not fit on. How large other images are is not known.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let pools = manifest.pools.iter().filter_map(|pool| {
        let needs = Family::named(&pool.ami)?.disk_gib;
        (pool.count > 0 && pool.disk_gib < needs).then_some((pool, needs))
    });
    pools
        .map(|(pool, needs)| {
            Finding::new(
                checked.refusing(None),
                &CHECK.about,
                format!(
                    "pool `{}` has disks of {} GiB, and the image {} needs {needs}",
                    pool.name, pool.disk_gib, pool.ami
                ),
            )
            .with_remedy(format!("set disk_gib to {needs} or more"))
            .at("pool", &pool.name, "disk_gib")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    #[test]
    fn a_disk_smaller_than_the_image_is_said_once() {
        let found = |more: &str| Case::of(&manifest(more)).findings("disk");
        assert_eq!(found("disk_gib = 8\n"), []);
        assert_eq!(found("ami = \"ami-0123456789abcdef0\"\ndisk_gib = 2\n"), []);
        assert_eq!(
            only(&found("disk_gib = 6\n")),
            "Error 19 pool node disk_gib: pool `node` has disks of 6 GiB, and the image amazon-linux-2023 needs 8"
        );
    }

    #[test]
    fn a_pool_without_a_machine_has_no_disk() {
        let none = manifest("disk_gib = 6\n").replace("count = 2", "count = 0");
        assert_eq!(Case::of(&none).findings("disk"), []);
    }
}
