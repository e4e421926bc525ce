//! Images past their end.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::manifest::Pool;
use crate::world::ImageQuery;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "images",
        category: Category::Security,
        documentation: "An image past its end of support gets no security updates (AWS: \"Amazon Linux 2 FAQs\"; Debian: \"LTS\"; Ubuntu: \"Releases\").",
    },
    look,
};

/// What an image past its end is called, by the manifest or by its publisher, what it is, and since
/// when it has had no updates without a contract: of releases that had ended by November 2026.
const ENDED: [(&str, &str, &str); 9] = [
    ("amzn-ami-", "Amazon Linux 1", "2023-12-31"),
    ("amazon-linux-2", "Amazon Linux 2", "2026-06-30"),
    ("amzn2-ami-", "Amazon Linux 2", "2026-06-30"),
    ("debian-10-", "Debian 10", "2024-06-30"),
    ("debian-11-", "Debian 11", "2026-08-31"),
    ("bionic-18.04", "Ubuntu 18.04", "2023-05-31"),
    ("focal-20.04", "Ubuntu 20.04", "2025-05-31"),
    ("CentOS Linux 7", "CentOS 7", "2024-06-30"),
    ("CentOS-7", "CentOS 7", "2024-06-30"),
];

/// Pools whose image is past its end, by what the manifest calls it, or by the name of what an id
/// stands for.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let pools = checked.manifest.into_iter().flat_map(|manifest| &manifest.pools);
    let found = pools.filter(|pool| pool.count > 0).filter_map(|pool| {
        let (_, name, since) = ended(&pool.ami).or_else(|| ended(looked_up(checked, pool)?))?;
        let message = format!(
            "pool `{}` runs {name}, which has had no security updates since {since}",
            pool.name
        );
        Some(
            Finding::new(Severity::Warning, &CHECK.about, message)
                .with_remedy("use a release that is supported, for example ami = \"amazon-linux-2023\"")
                .at("pool", &pool.name, "ami"),
        )
    });
    found.collect()
}

fn ended(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    // A family is named as a whole: `amazon-linux-2` is not `amazon-linux-2023`.
    ENDED.iter().find(|(called, ..)| match called.ends_with('2') {
        true => name == *called,
        false => name.contains(called),
    })
}

/// The name of the image that a pool's id or pattern stands for, where it was looked up.
fn looked_up<'a>(checked: &Checked<'a>, pool: &Pool) -> Option<&'a str> {
    let query = ImageQuery {
        ami: pool.ami.clone(),
        instance_type: pool.instance_type.clone(),
    };
    let image = checked.looked_up?.images.get(&query)?;
    Some(image.name.as_str())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn said(text: &str) -> Vec<String> {
        let found = Case::of(text).findings("images").into_iter();
        found.map(|finding| finding.message).collect()
    }

    #[test]
    fn each_pool_on_an_image_past_its_end_is_named_once() {
        let one = manifest("ami = \"amazon-linux-2\"\n");
        assert_eq!(said(&manifest("")), [""; 0]);
        assert_eq!(
            only(&Case::of(&one).findings("images")),
            "Warning 19 pool node ami: pool `node` runs Amazon Linux 2, which has had no security updates since 2026-06-30"
        );
        assert_eq!(said(&one.replace("count = 2", "count = 0")), [""; 0]);
        let both = one.replace("count = 1\n", "count = 1\nami = \"amazon-linux-2\"\n");
        assert_eq!(said(&both).len(), 2);
        for fine in [
            "amazon-linux-2023",
            "debian-12",
            "debian-13",
            "ubuntu-22.04",
            "ubuntu-24.04",
        ] {
            assert_eq!(said(&manifest(&format!("ami = \"{fine}\"\n"))), [""; 0], "{fine}");
        }
    }

    #[test]
    fn an_id_and_a_pattern_are_known_by_the_name_of_their_image() {
        let text = manifest("ami = \"ami-0123456789abcdef0\"\n");
        let mut case = Case::of(&text);
        for (name, release) in [
            (
                "amzn2-ami-kernel-5.10-hvm-2.0.20250101.0-x86_64-gp2",
                Some("Amazon Linux 2"),
            ),
            ("amzn-ami-2018.03.0-x86_64", Some("Amazon Linux 1")),
            ("debian-11-amd64-20240507", Some("Debian 11")),
            (
                "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20240501",
                Some("Ubuntu 20.04"),
            ),
            ("al2023-ami-2023.5-kernel-6.1-x86_64", None),
            ("my own image", None),
        ] {
            for image in case.answer.images.values_mut() {
                image.name = name.to_owned();
            }
            let found = case.findings("images");
            match release {
                Some(release) => assert!(
                    found.iter().any(|f| f.message.contains(release)),
                    "{name}: {found:#?}"
                ),
                None => assert_eq!(found, [], "{name}"),
            }
        }
        assert_eq!(
            said(&text.replace("ami-0123456789abcdef0", "debian-10-amd64-*")).len(),
            1
        );
    }
}
