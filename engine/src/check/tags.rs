//! Images of services whose tag says nothing of what runs.

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::{ServiceSpec, image};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "image-tag",
        category: Category::State,
        documentation: "Swarm runs the digest that a tag had when the service was created or got another image; a tag that moves later is not noticed (Docker: \"docker service create\", image digests).",
    },
    look,
};

/// How many services the note names.
const NAMED: usize = 5;

/// Services with the tag `latest`, written or not, and no digest: one note for all of them, at the
/// first.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let services = checked
        .manifest
        .into_iter()
        .flat_map(|manifest| &manifest.services);
    let specs = services.map(|service| &service.spec);
    let moving: Vec<&ServiceSpec> = specs.filter(|spec| moves(&spec.image)).collect();
    let Some(first) = moving.first() else {
        return Vec::new();
    };
    let named: Vec<String> = moving
        .iter()
        .take(NAMED)
        .map(|spec| format!("{} ({})", spec.name, spec.image))
        .collect();
    let more = match moving.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "images without a version: {}{more}. Each keeps the digest that `latest` has when its service is created, and \
         no plan shows that a newer one exists",
        named.join(", ")
    );
    let remedy = format!(
        "name a version or a digest, for example image = \"{}:VERSION\"",
        bare(&first.image)
    );
    vec![
        Finding::new(Severity::Note, &CHECK.about, message)
            .with_remedy(remedy)
            .at("service", &first.name, "image"),
    ]
}

/// Whether an image is whatever its publisher calls the latest one.
fn moves(reference: &str) -> bool {
    !image::is_pinned(reference) && image::with_tag(reference).ends_with(":latest")
}

/// A reference without its tag.
fn bare(reference: &str) -> &str {
    reference.strip_suffix(":latest").unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::moves;
    use crate::check::testing::{Case, manifest, only};

    fn found(images: &[&str]) -> Vec<crate::check::Finding> {
        let services = images.iter().enumerate();
        let text: String = services
            .map(|(index, image)| format!("[[service]]\nname = \"s{index}\"\nimage = \"{image}\"\n"))
            .collect();
        Case::of(&manifest(&text)).findings("image-tag")
    }

    #[test]
    fn latest_is_a_moving_tag_written_or_not() {
        for image in [
            "nginx",
            "nginx:latest",
            "a/b",
            "registry.example.com:5000/a/b",
            "registry.example.com:5000/b:latest",
        ] {
            assert!(moves(image), "{image}");
        }
        let digest = format!("nginx@sha256:{}", "a".repeat(64));
        let both = format!("nginx:latest@sha256:{}", "a".repeat(64));
        for image in [
            "nginx:1",
            "a/b:stable",
            "registry.example.com:5000/a:2",
            &digest,
            &both,
        ] {
            assert!(!moves(image), "{image}");
        }
    }

    #[test]
    fn services_without_a_version_are_one_note_and_others_none() {
        let said = found(&["nginx:1", "redis", "app:latest"]);
        assert_eq!(
            only(&said),
            "Note 24 service s1 image: images without a version: s1 (redis), s2 (app:latest). Each keeps the digest that `latest` has when its service is created, and no plan shows that a newer one exists"
        );
        let remedy = said[0]
            .remedy
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(remedy.contains("image = \"redis:VERSION\""), "{remedy}");
        assert_eq!(found(&["nginx:1"]), []);
        let digest = format!("nginx@sha256:{}", "a".repeat(64));
        assert_eq!(found(&[&digest]), []);
        let many = ["a"; 7].map(|_| "nginx");
        assert!(only(&found(&many)).contains("s4 (nginx) and 2 more"));
    }
}
