//! Services that every update takes down.

use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding, Severity};
use crate::world::Mode;

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "updates",
        category: Category::Availability,
        documentation: "Swarm updates a task by stopping it first, unless update_config says otherwise (Compose specification, \"update_config\").",
    },
    look,
};

/// Services that publish a port, have one task and do not say how that is updated.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let services = checked
        .manifest
        .into_iter()
        .flat_map(|manifest| &manifest.services);
    services
        .filter(|service| {
            let spec = &service.spec;
            spec.mode == Mode::Replicated(1) && !spec.ports.is_empty() && spec.update_config.is_none()
        })
        .map(|service| {
            let name = &service.spec.name;
            Finding::new(
                Severity::Note,
                &CHECK.about,
                format!("{name} has one replica and no update_config: every update takes it down until the new task runs"),
            )
            .about(Address::new("service", name))
            .with_remedy("set update_config = { order = \"start-first\" }, or give it two replicas; \"stop-first\" says that it is meant")
            .at("service", name, "replicas")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    fn found(more: &str) -> Vec<crate::check::Finding> {
        let service = format!("[[service]]\nname = \"web\"\nimage = \"nginx:1\"\n{more}\n");
        Case::of(&manifest(&service)).findings("updates")
    }

    #[test]
    fn one_task_without_a_word_on_updates_is_said_once_and_others_are_not() {
        assert_eq!(
            only(&found("ports = [\"80:80\"]")),
            "Note 19 service web: web has one replica and no update_config: every update takes it down until the new task runs"
        );
        for fine in [
            "",
            "ports = [\"80:80\"]\nreplicas = 2",
            "ports = [\"80:80\"]\nmode = \"global\"",
            "ports = [\"80:80\"]\nupdate_config = { order = \"start-first\" }",
            "ports = [\"80:80\"]\nupdate_config = { order = \"stop-first\" }",
        ] {
            assert_eq!(found(fine), [], "{fine}");
        }
    }
}
