//! Where the manifest says what a finding is about: address → section → line.

use subako_state::Address;

use crate::finding::{Finding, Place, Wanted};
use crate::manifest::Manifest;

/// Gives a finding its place. Without a word from the check it is the section that the resource
/// comes from.
pub(crate) fn resolve(finding: &mut Finding, manifest: &Manifest) {
    let wanted = finding
        .wanted
        .take()
        .or_else(|| of_address(finding.address.as_ref()?, manifest));
    finding.place = wanted.and_then(|wanted| find(&wanted, manifest));
}

fn find(wanted: &Wanted, manifest: &Manifest) -> Option<Place> {
    let Wanted { section, name, key } = wanted;
    let line_of = |key: &str| match block(wanted, manifest) {
        Some(index) => manifest.lines.in_block(section, index, key),
        None if name.is_empty() => manifest.lines.in_section(section, key),
        None => manifest.lines.in_section(&format!("{section}.{name}"), key),
    };
    let (line, key) = match line_of(key) {
        Some(line) => (line, *key),
        None => (line_of("")?, ""),
    };
    let path = [section, name.as_str(), key];
    let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
    Some(Place {
        line,
        path: path.join(" "),
    })
}

/// Which block of its section has the name; `None` where blocks are not in a list.
fn block(wanted: &Wanted, manifest: &Manifest) -> Option<usize> {
    let name = wanted.name.as_str();
    match wanted.section {
        "pool" => manifest.pools.iter().position(|pool| pool.name == name),
        "network" => manifest.networks.iter().position(|network| network.name == name),
        "service" => manifest
            .services
            .iter()
            .position(|service| service.spec.name == name),
        _ => None,
    }
}

/// The section that a resource comes from. Names that stand in lists are those of the manifest:
/// what it no longer has is nowhere in it.
fn of_address(address: &Address, manifest: &Manifest) -> Option<Wanted> {
    let name = address.name();
    let (section, name) = match address.kind() {
        "instance" | "docker" | "member" => {
            let (pool, index) = name.rsplit_once('-')?;
            let index: u32 = index.parse().ok()?;
            let found = manifest.pools.iter().find(|found| found.name == pool)?;
            (index < found.count).then_some(("pool", pool))?
        }
        "service" => ("service", name),
        "network" => ("network", name),
        "secret" => ("secret", name),
        "config" => ("config", name),
        "key_pair" => ("key_pair", ""),
        "security_group" => ("security_group", ""),
        "swarm" => ("swarm", ""),
        _ => return None,
    };
    Some(Wanted {
        section,
        name: name.to_owned(),
        key: "",
    })
}
