//! Selections: parts of a manifest that somebody might name.

use fastrand::Rng;
use subako_engine::plan::Selection;

use super::cluster::Cluster;
use super::family::Families;
use super::generate::{chance, pick};

/// A selection, mostly of everything.
pub fn selection(rng: &mut Rng, families: &Families, after: &Cluster) -> Selection {
    let mut selection = Selection::default();
    let part = *pick(
        rng,
        &[
            "", "", "", "", "", "target", "exclude", "replace", "destroy", "destroy",
        ],
    );
    if part.is_empty() || !families.has(part) {
        return selection;
    }
    let patterns = patterns(rng, after);
    match part {
        "target" => selection.target = patterns,
        "exclude" => selection.exclude = patterns,
        "replace" => selection.replace = patterns,
        _ => {
            selection.destroy = true;
            if chance(rng, 50) && families.has("target") {
                selection.target = patterns;
            }
        }
    }
    selection
}

fn patterns(rng: &mut Rng, cluster: &Cluster) -> Vec<String> {
    let how_many = *pick(rng, &[1, 1, 2]);
    (0..how_many).map(|_| pattern(rng, cluster)).collect()
}

fn pattern(rng: &mut Rng, cluster: &Cluster) -> String {
    let instances = cluster.instances();
    let name = rng.choice(&instances).map_or("manager-0", String::as_str);
    let pool = rng
        .choice(&cluster.pools)
        .map_or("manager", |pool| pool.name.as_str());
    let service = rng.choice(&cluster.services).map(|service| service.name.as_str());
    let network = rng.choice(&cluster.networks).map(|network| network.name.as_str());
    match (rng.u32(0..10), service, network) {
        (0..2, Some(service), _) => format!("service.{service}"),
        (2, Some(_), _) => "service.*".to_owned(),
        (3, _, Some(network)) => format!("network.{network}"),
        (4, ..) => format!("member.{name}"),
        (5, ..) => format!("docker.{name}"),
        (6, ..) => format!("instance.{pool}-*"),
        (7, ..) => format!("security_group.{}", super::cluster::NAME),
        _ => format!("instance.{name}"),
    }
}

/// The families of a selection.
pub fn families(selection: &Selection) -> Vec<&'static str> {
    let parts = [
        ("destroy", selection.destroy),
        ("target", !selection.target.is_empty()),
        ("exclude", !selection.exclude.is_empty()),
        ("replace", !selection.replace.is_empty()),
    ];
    parts
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| name)
        .collect()
}
