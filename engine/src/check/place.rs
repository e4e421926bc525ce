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
        "moved" => manifest.moved.iter().position(|moved| moved.from == name),
        "network" => manifest.networks.iter().position(|network| network.name == name),
        "service" => manifest
            .services
            .iter()
            .position(|service| service.spec.name == name),
        _ => None,
    }
}

/// The pool that a machine is named after; empty for a name of another form.
pub(super) fn pool_of(machine: &Address) -> &str {
    machine.name().rsplit_once('-').map_or("", |(pool, _)| pool)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Case, manifest};
    use crate::finding::{About, Category, Severity};

    const ABOUT: About = About {
        id: "a-check",
        category: Category::Network,
        documentation: "",
    };

    const MORE: &str = "\n[[pool]]\nname = \"idle\"\nrole = \"worker\"\ncount = 0\ninstance_type = \"t3.micro\"\n\
        \n[[network]]\nname = \"front\"\n[[network]]\nname = \"back\"\ninternal = true\n\
        \n[[service]]\nname = \"api\"\nimage = \"nginx\"\n[[service]]\nname = \"web\"\nimage = \"nginx\"\n\
        \n[config.motd]\ncontent = \"hello\"\n\n[swarm]\nsubnet_size = 24\n";

    /// The line that begins with `start` the `nth` time, from 1.
    fn line(text: &str, start: &str, nth: usize) -> u32 {
        let mut lines = (1..)
            .zip(text.lines())
            .filter(|(_, line)| line.starts_with(start));
        lines.nth(nth - 1).unwrap_or_else(|| panic!("no {start}")).0
    }

    fn place(finding: Finding) -> Option<(u32, String)> {
        let mut finding = finding;
        resolve(&mut finding, &Case::of(&manifest(MORE)).manifest);
        assert_eq!(finding.wanted, None);
        finding.place.map(|place| (place.line, place.path))
    }

    #[test]
    fn what_is_about_a_resource_stands_where_that_comes_from() {
        let text = manifest(MORE);
        let about = |address: &str| {
            let address = address.parse().expect("an address");
            place(Finding::new(Severity::Note, &ABOUT, "x").about(address))
        };
        for (address, start, nth, path) in [
            ("instance.manager-0", "[[pool]]", 1, "pool manager"),
            ("docker.node-0", "[[pool]]", 2, "pool node"),
            ("member.node-1", "[[pool]]", 2, "pool node"),
            ("network.front", "[[network]]", 1, "network front"),
            ("network.back", "[[network]]", 2, "network back"),
            ("service.api", "[[service]]", 1, "service api"),
            ("service.web", "[[service]]", 2, "service web"),
            ("config.motd", "[config.motd]", 1, "config motd"),
            ("security_group.sandbox", "[security_group]", 1, "security_group"),
            ("swarm.sandbox", "[swarm]", 1, "swarm"),
        ] {
            assert_eq!(
                about(address),
                Some((line(&text, start, nth), path.to_owned())),
                "{address}"
            );
        }
        for nowhere in [
            "instance.node-2",
            "instance.idle-0",
            "instance.other-0",
            "instance.node",
            "instance.node-x",
            "network.other",
            "service.other",
            "secret.motd",
            "config.other",
            "key_pair.sandbox",
            "toy.node-0",
        ] {
            assert_eq!(about(nowhere), None, "{nowhere}");
        }
        assert_eq!(place(Finding::new(Severity::Note, &ABOUT, "x")), None);
    }

    #[test]
    fn what_is_about_a_key_stands_on_its_line_and_else_on_that_of_its_block() {
        let text = manifest(MORE);
        let at = |section, name, key| place(Finding::new(Severity::Note, &ABOUT, "x").at(section, name, key));
        let found = |start, nth, path: &str| Some((line(&text, start, nth), path.to_owned()));
        assert_eq!(
            at("pool", "node", "count"),
            found("count = ", 2, "pool node count")
        );
        assert_eq!(at("pool", "node", "ami"), found("[[pool]]", 2, "pool node"));
        assert_eq!(
            at("network", "back", "internal"),
            found("internal", 1, "network back internal")
        );
        assert_eq!(
            at("network", "front", "internal"),
            found("[[network]]", 1, "network front")
        );
        assert_eq!(
            at("service", "web", "image"),
            found("image", 2, "service web image")
        );
        assert_eq!(
            at("config", "motd", "content"),
            found("content", 1, "config motd content")
        );
        assert_eq!(
            at("swarm", "", "subnet_size"),
            found("subnet_size", 1, "swarm subnet_size")
        );
        assert_eq!(at("swarm", "", "addr_pool"), found("[swarm]", 1, "swarm"));
        assert_eq!(at("ssh", "", "port"), None);
        assert_eq!(at("config", "other", "content"), None);
        // The word of the check goes before the address.
        let both = Finding::new(Severity::Note, &ABOUT, "x")
            .about("service.api".parse().expect("an address"))
            .at("pool", "node", "count");
        assert_eq!(place(both), found("count = ", 2, "pool node count"));
    }
}
