//! Whether anybody can log in to the hosts.

use ipnet::Ipv4Net;
use subako_state::Address;

use super::built_in::BuiltIn;
use super::{About, Category, Checked, Finding};
use crate::manifest::{Manifest, PublicIp};
use crate::world::{Family, Protocol, SSH_PORT, Source};

pub(super) static CHECK: BuiltIn = BuiltIn {
    about: About {
        id: "login",
        category: Category::Security,
        documentation: "Subako logs in to every host by SSH, so the security group has to let its own address in; 203.0.113.0/24 is for documentation (RFC 5737) and nobody's.",
    },
    look,
};

/// The range that the starter manifest has an address of, to be replaced by one's own (RFC 5737).
const PLACEHOLDER: &str = "203.0.113.0/24";

/// No rule lets anybody in, or only the placeholder of the starter manifest.
fn look(checked: &Checked<'_>) -> Vec<Finding> {
    let Some(manifest) = checked.manifest else {
        return Vec::new();
    };
    let ssh = &manifest.ssh;
    if let Some(finding) = deaf(checked, manifest) {
        return vec![finding];
    }
    if ssh.dials_private() {
        return Vec::new();
    }
    if let Some(finding) = hidden(checked, manifest) {
        return vec![finding];
    }
    let sources: Vec<&str> = sources(manifest).collect();
    if sources.iter().any(|range| !is_placeholder(range)) {
        return Vec::new();
    }
    let message = match sources.first() {
        None => "Subako cannot log in to the hosts: no rule lets SSH in".to_owned(),
        Some(range) => {
            format!("Subako cannot log in to the hosts: ssh_from has the placeholder {range} alone")
        }
    };
    let address = Address::new("security_group", &manifest.cluster.name);
    vec![
        Finding::new(checked.refusing(None), &CHECK.about, message)
            .about(address)
            .with_remedy("set ssh_from under [security_group] to your own address: `curl -s https://checkip.amazonaws.com` says it; behind a bastion, set `via` and `jump` under [ssh]")
            .at("security_group", "", "ssh_from"),
    ]
}

/// A pool that is to have no public addresses, which are dialled.
fn hidden(checked: &Checked<'_>, manifest: &Manifest) -> Option<Finding> {
    let mut pools = manifest.pools.iter().filter(|pool| pool.count > 0);
    let pool = pools.find(|pool| pool.public_ip == Some(PublicIp::No))?;
    let message = format!(
        "Subako cannot log in to pool `{}`: its instances have no public addresses, which are those that are dialled",
        pool.name
    );
    Some(
        Finding::new(checked.refusing(None), &CHECK.about, message)
            .with_remedy(
                "set via = \"private\" under [ssh] where the private addresses are reached (from the VPC, over a VPN), \
                 or jump = \"USER@BASTION\"",
            )
            .at("pool", &pool.name, "public_ip"),
    )
}

/// A port that sshd of an image does not listen on. What other images do is not known, and Subako
/// sets hosts up over SSH, so it cannot change the port itself.
fn deaf(checked: &Checked<'_>, manifest: &Manifest) -> Option<Finding> {
    let port = manifest.ssh.port;
    let mut pools = manifest.pools.iter().filter(|pool| pool.count > 0);
    let (pool, family) = pools.find_map(|pool| Some((pool, Family::named(&pool.ami)?)))?;
    (port != SSH_PORT).then(|| {
        let message = format!(
            "Subako cannot log in to pool `{}` on port {port}: sshd of {} listens on {SSH_PORT}",
            pool.name, family.name
        );
        Finding::new(checked.refusing(None), &CHECK.about, message)
            .with_remedy(format!(
                "leave `port` under [ssh] out, or name an image of your own in `ami` whose sshd listens on {port}"
            ))
            .at("ssh", "", "port")
    })
}

/// The ranges that may reach the port of SSH.
fn sources(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let group = &manifest.security_group;
    let further = group.ingress.iter().filter_map(|rule| match &rule.source {
        Source::Cidr(range) if rule.protocol == Protocol::All => Some(range.as_str()),
        Source::Cidr(range)
            if rule.protocol == Protocol::Tcp
                && (rule.ports.from..=rule.ports.to).contains(&manifest.ssh.port) =>
        {
            Some(range.as_str())
        }
        _ => None,
    });
    group.ssh_from.iter().map(String::as_str).chain(further)
}

fn is_placeholder(range: &str) -> bool {
    let net = |text: &str| text.parse::<Ipv4Net>().ok();
    net(PLACEHOLDER)
        .zip(net(range))
        .is_some_and(|(placeholder, range)| placeholder.contains(&range.trunc()))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{Case, manifest, only};

    const FROM: &str = "ssh_from = \"198.51.100.7/32\"";

    fn found(from: &str) -> Vec<crate::check::Finding> {
        Case::of(&manifest("").replace(FROM, from)).findings("login")
    }

    #[test]
    fn instances_without_public_addresses_need_another_way() {
        let text = |ssh: &str| manifest(&format!("public_ip = false\n{ssh}"));
        assert_eq!(
            only(&Case::of(&text("")).findings("login")),
            "Error 19 pool node public_ip: Subako cannot log in to pool `node`: its instances have no public addresses, which are those that are dialled"
        );
        for way in ["via = \"private\"", "jump = \"ops@198.51.100.9\""] {
            assert_eq!(Case::of(&text(&format!("[ssh]\n{way}\n"))).findings("login"), []);
        }
    }

    #[test]
    fn a_way_in_is_fine() {
        for fine in [
            FROM,
            "ssh_from = \"0.0.0.0/0\"",
            "ssh_from = [\"203.0.113.7/32\", \"10.0.0.0/8\"]",
            "ingress = [{ protocol = \"tcp\", ports = \"20-30\", from = \"192.0.2.1/32\" }]",
            "ingress = [{ protocol = \"tcp\", ports = 22, from = \"192.0.2.1/32\" }]",
            "ingress = [{ protocol = \"all\", from = \"192.0.2.1/32\" }]",
            "\n[ssh]\nvia = \"private\"",
            "\n[ssh]\njump = \"ops@bastion.example.com\"",
        ] {
            assert_eq!(found(fine), [], "{fine}");
        }
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_said_once() {
        let ssh = "\n[ssh]\nport = 2222";
        assert_eq!(
            only(&found(&format!("{FROM}\n{ssh}"))),
            "Error 9 ssh port: Subako cannot log in to pool `manager` on port 2222: sshd of amazon-linux-2023 listens on 22"
        );
        let own = manifest("").replace("count = ", "ami = \"ami-0123456789abcdef0\"\ncount = ");
        let own = own.replace(FROM, &format!("{FROM}\n{ssh}"));
        assert_eq!(Case::of(&own).findings("login"), []);
        // A pool that has no host yet listens nowhere.
        let empty = own.replace("ami = \"ami-0123456789abcdef0\"\ncount = 2", "count = 0");
        assert_ne!(empty, own);
        assert_eq!(Case::of(&empty).findings("login"), []);
    }

    #[test]
    fn no_way_in_is_said_once() {
        assert_eq!(
            only(&found("")),
            "Error 5 security_group: Subako cannot log in to the hosts: no rule lets SSH in"
        );
        assert_eq!(
            only(&found("ssh_from = \"203.0.113.7/32\"")),
            "Error 6 security_group ssh_from: Subako cannot log in to the hosts: ssh_from has the placeholder 203.0.113.7/32 alone"
        );
        for elsewhere in [
            "protocol = \"tcp\", ports = 80",
            "protocol = \"tcp\", ports = \"23-30\"",
            "protocol = \"tcp\", ports = \"10-21\"",
            "protocol = \"udp\", ports = 22",
        ] {
            let ingress = format!("ingress = [{{ {elsewhere}, from = \"192.0.2.1/32\" }}]");
            assert_eq!(found(&ingress).len(), 1, "{elsewhere}");
        }
    }
}
