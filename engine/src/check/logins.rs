//! Logins to registries that run out.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "logins",
        category: Category::Availability,
        documentation: "A login to Amazon ECR lasts 12 hours (Amazon ECR user guide, \"Private registry authentication\"), and a task that comes to a node without its image pulls it with the login that its service has (moby#36126).",
    },
    look,
};

/// Whether a registry is one of Amazon ECR's: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
fn is_ecr(image: &str) -> bool {
    let Some((registry, _)) = image.split_once('/') else {
        return false;
    };
    let mut labels = registry.split('.');
    let account = labels.next().unwrap_or_default();
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account && labels.next() == Some("dkr") && labels.next().is_some_and(|label| label.starts_with("ecr"))
}

/// Services whose images come from such a registry, by the login of a configuration.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    if manifest.docker_config.is_none() || checked.plan.is_empty() {
        return Vec::new();
    }
    let services = manifest.services.iter().map(|service| &service.spec);
    let found = services.filter(|spec| is_ecr(&spec.image)).map(|spec| {
        let registry = spec.image.split('/').next().unwrap_or_default();
        Finding::new(
            Severity::Note,
            &CHECK.about,
            format!("its login to {registry} runs out 12 hours after this apply: from then on a task that moves to a node without the image cannot pull it"),
        )
        .about(Address::new("service", &spec.name))
        .with_remedy("log in again with `docker login` before an apply that adds, replaces, drains or resumes nodes, which hands the new login on; or give the hosts an instance profile that may pull, with amazon-ecr-credential-helper on them")
        .at("service", &spec.name, "image")
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Case, manifest};

    #[test]
    fn registries_of_amazon_are_told_from_others() {
        for image in [
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b",
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/shop@sha256:00",
        ] {
            assert!(is_ecr(image), "{image}");
        }
        for image in [
            "nginx",
            "public.ecr.aws/nginx/nginx",
            "registry.test/shop",
            "12345.dkr.ecr.eu-central-1.amazonaws.com/shop",
        ] {
            assert!(!is_ecr(image), "{image}");
        }
    }

    #[test]
    fn a_service_of_such_a_registry_is_told_when_its_login_runs_out() {
        let service = "[[service]]\nname = \"shop\"\nimage = \"123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1\"\n";
        let with = |registry: &str| {
            let text = manifest(&format!("{service}{registry}"));
            Case::of(&text).findings("logins")
        };
        let found = with("[registry]\ndocker_config = \"/tmp/config.json\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(with("").is_empty());
    }
}
