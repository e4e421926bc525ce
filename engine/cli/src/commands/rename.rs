//! `subako state mv`: a machine gets another name, as when its pool is renamed in the manifest.
//!
//! What lives on the machine moves with it. The names that the world carries (tags, node
//! labels) are changed first, so that a state that is lost later can still be rebuilt.

use std::collections::{BTreeMap, BTreeSet};

use subako_engine::kinds::label;
use subako_engine::manifest::Manifest;
use subako_engine::refresh::{Survey, host_target};
use subako_engine::world::{InstanceChange, NodeUpdate, Ownership, tag};
use subako_state::{Address, Json, Resource, Snapshot};

use super::state::{editable, save, unknown};
use crate::error::{CliError, Result};
use crate::project::Project;
use crate::provider::Cluster;
use crate::runtime;
use crate::ui::Ui;

/// What lives on a machine and has its name.
const ON_A_MACHINE: [&str; 3] = ["instance", "docker", "member"];

/// Renames a machine in the state and in the world.
pub fn run(project: &Project, from: &str, to: &str, ui: &Ui) -> Result<()> {
    let (from, to) = (machine(from)?, machine(to)?);
    let (_lock, mut snapshot, digest) = editable(project, "state mv", ui)?;
    if snapshot.get(&Address::new("instance", &from)).is_none() {
        return Err(unknown(&format!("instance.{from}")));
    }
    check(&project.manifest, &snapshot, &from, &to)?;
    runtime::block_on(
        project.is_instant(),
        rename_in_the_world(project, &snapshot, &from, &to, ui),
    )?;
    rename_in_the_state(&mut snapshot, &from, &to)?;
    save(project, digest, snapshot)?;
    ui.print(&format!("{from} is {to} now.\n"))
}

/// The machine that an argument names: `node-0`, `instance.node-0`.
fn machine(text: &str) -> Result<String> {
    match text.split_once('.') {
        None => Ok(text.to_owned()),
        Some(("instance", name)) => Ok(name.to_owned()),
        Some((kind, name)) if ON_A_MACHINE.contains(&kind) => Err(CliError::new(format!(
            "{text} lives on instance.{name} and moves with it"
        ))
        .help(format!("move instance.{name}"))),
        Some((kind, _)) => Err(CliError::new(format!(
            "a {kind} cannot be given another name: in the world it would be another one"
        ))
        .help("rename it in the manifest and let `subako plan` show what that means")),
    }
}

/// Refuses names with which the next plan would delete what was renamed.
fn check(manifest: &Manifest, snapshot: &Snapshot, from: &str, to: &str) -> Result<()> {
    let wanted: BTreeSet<String> = manifest.pools.iter().flat_map(Manifest::instance_names).collect();
    let taken = ON_A_MACHINE
        .iter()
        .any(|kind| snapshot.get(&Address::new(kind, to)).is_some());
    if taken {
        return Err(CliError::new(format!("the state has a {to} already")));
    }
    let help = "rename its pool in the manifest first, then the machines one by one";
    if !wanted.contains(to) {
        return Err(
            CliError::new(format!("the manifest has no {to}: the next plan would delete it")).help(help),
        );
    }
    if wanted.contains(from) {
        return Err(CliError::new(format!(
            "the manifest still has {from}: the next plan would make it anew"
        ))
        .help(help));
    }
    Ok(())
}

async fn rename_in_the_world(
    project: &Project,
    snapshot: &Snapshot,
    from: &str,
    to: &str,
    ui: &Ui,
) -> Result<()> {
    let cluster = Cluster::open(project).await?;
    let result = retag(&cluster, snapshot, from, to, ui).await;
    let closed = cluster.close();
    result?;
    closed
}

async fn retag(cluster: &Cluster, snapshot: &Snapshot, from: &str, to: &str, ui: &Ui) -> Result<()> {
    let world = cluster.session.world();
    let output = |kind: &str, field: &str| {
        let outputs = snapshot.get(&Address::new(kind, from))?.outputs.value();
        Some(outputs.get(field)?.as_str()?.to_owned())
    };
    let Some(instance_id) = output("instance", "instance_id") else {
        return Ok(());
    };
    let change = InstanceChange {
        set_tags: BTreeMap::from([(tag::ADDRESS.to_owned(), format!("instance.{to}"))]),
        ..InstanceChange::default()
    };
    let survey = Survey::take(world, snapshot, &subako_engine::desired::DesiredSet::default()).await?;
    if survey.instance(&instance_id).is_some() {
        world.cloud.modify_instance(&instance_id, &change).await?;
    }
    let Some(node_id) = output("member", "node_id") else {
        return Ok(());
    };
    let (Some(view), Some(node)) = (survey.view(), survey.node(&node_id)) else {
        ui.warn(&format!(
            "the swarm cannot be read, so that its label of the node still says {from}"
        ));
        return Ok(());
    };
    let manager = survey.cloud.instances.iter().find(|instance| {
        Ownership::from_tags(&instance.tags).is_some_and(|o| o.address == format!("instance.{}", view.via))
    });
    let Some(manager) = manager else {
        return Ok(());
    };
    let mut labels = node.labels.clone();
    labels.insert(label::ADDRESS.to_owned(), format!("member.{to}"));
    labels.insert(label::NAME.to_owned(), to.to_owned());
    let host = world.hosts.reach(&host_target(&view.via, manager, None)).await?;
    let update = NodeUpdate {
        labels: Some(labels),
        ..NodeUpdate::default()
    };
    host.update_node(&node_id, &update).await?;
    Ok(())
}

fn rename_in_the_state(snapshot: &mut Snapshot, from: &str, to: &str) -> Result<()> {
    for kind in ON_A_MACHINE {
        let (from, to) = (Address::new(kind, from), Address::new(kind, to));
        for resource in &mut snapshot.resources {
            follow(resource, &from, &to)?;
        }
    }
    Ok(())
}

/// The resource with everything in it that names `from` naming `to`.
fn follow(resource: &mut Resource, from: &Address, to: &Address) -> Result<()> {
    if resource.address == *from {
        resource.address = to.clone();
    }
    for dependency in &mut resource.depends_on {
        if dependency == from {
            *dependency = to.clone();
        }
    }
    if let Some(generation) = resource.made_with.remove(from) {
        resource.made_with.insert(to.clone(), generation);
    }
    // In canonical text only a reference looks like this: quotes inside strings are escaped.
    let old = format!("\"$ref\":\"{from}\"");
    if resource.spec.as_str().contains(&old) {
        let text = resource
            .spec
            .as_str()
            .replace(&old, &format!("\"$ref\":\"{to}\""));
        resource.spec = serde_json::from_str::<serde_json::Value>(&text)
            .and_then(|value| Json::canonical(&value))
            .map_err(|error| CliError::new(format!("failed to rewrite the references to {from}: {error}")))?;
        resource.spec_sha256 = resource.spec.digest();
    }
    Ok(())
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
        follow(
            &mut resource,
            &Address::new("instance", "x"),
            &Address::new("instance", "y"),
        )
        .expect("followed");
        let moved = resource.spec.value();
        assert_eq!(moved["a"]["$ref"], "instance.y");
        assert_eq!(moved["b"], spec.value()["b"]);
        assert_eq!(moved["c"], spec.value()["c"]);
        assert_eq!(resource.depends_on[0].as_str(), "instance.y");
        assert_eq!(resource.spec_sha256, resource.spec.digest());
        assert_eq!(resource.address.as_str(), "docker.x");
    }

    #[test]
    fn only_machines_can_be_renamed() {
        assert_eq!(machine("node-0").expect("a machine"), "node-0");
        assert_eq!(machine("instance.node-0").expect("a machine"), "node-0");
        for other in ["docker.node-0", "service.web"] {
            assert!(machine(other).is_err(), "{other}");
        }
    }
}
