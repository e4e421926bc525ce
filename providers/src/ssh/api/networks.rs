//! Overlay networks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use subako_world::{Code, Failure, Network, NetworkSpec, Result};

use super::client::{Api, filters};
use super::read::{elements, flag, list, map, some_text, text};

/// Options that the engine itself adds: they are not wanted or unwanted by anybody.
const ASSIGNED: &str = "com.docker.network.driver.overlay.vxlanid_list";
/// The option that switches encryption on, whatever its value.
const ENCRYPTED: &str = "encrypted";
/// How long the tasks of a removed service may hold on to a network.
const IN_USE: Duration = Duration::from_secs(60);
/// How long the swarm may take to allocate a network.
const ALLOCATED: Duration = Duration::from_secs(15);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

impl Api<'_> {
    /// Overlay networks of the swarm, sorted by name, without `ingress`.
    pub(in crate::ssh) async fn networks(&self) -> Result<Vec<Network>> {
        let doing = self.doing("list the networks");
        let answer = self
            .get(&doing, &format!("/networks?{}", filters(&[("scope", "swarm")])))
            .await?;
        // A network in use on this node is listed once as the swarm's and once as the node's.
        let mut networks = BTreeMap::new();
        for network in elements(&doing, &answer)? {
            // One just made has no driver until the swarm has allocated it: the engine's own filter
            // by driver would hide it.
            if !flag(network, "/Ingress") && ["overlay", ""].contains(&text(network, "/Driver")) {
                let network = read_network(network);
                networks.insert((network.spec.name.clone(), network.id.clone()), network);
            }
        }
        Ok(networks.into_values().collect())
    }

    /// Creates a network; returns its id.
    pub(in crate::ssh) async fn create_network(&self, spec: &NetworkSpec) -> Result<String> {
        let doing = self.doing(&format!("create network {}", spec.name));
        // The engine takes a range in use, and its swarm then never allocates the network.
        if let Some(subnet) = &spec.subnet
            && let Some(other) = self.networks().await?.into_iter().find(|other| {
                other.spec.name != spec.name
                    && other
                        .spec
                        .subnet
                        .as_deref()
                        .is_some_and(|range| overlap(subnet, range))
            })
        {
            let message = format!("its range {subnet} overlaps that of network {}", other.spec.name);
            return Err(Failure::not_applied(doing, message).with_code(Code::Taken));
        }
        let answer = self
            .post(&doing, "/networks/create", Some(&write_network(spec)))
            .await?;
        let id = match text(&answer, "/Id") {
            "" => return Err(Failure::unknown(doing, "the Docker Engine named no id for it")),
            id => id.to_owned(),
        };
        // Its subnet is chosen a moment later.
        let clock = &self.link.shared.clock;
        let end = clock.now() + ALLOCATED.min(self.deadline());
        while clock.now() < end {
            let network = self
                .get(&doing, &format!("/networks/{id}"))
                .await
                .map_err(Failure::after_effect)?;
            if !text(&network, "/Driver").is_empty() {
                return Ok(id);
            }
            self.pause(PAUSE).await;
        }
        let message = format!("it was not allocated within {} s", ALLOCATED.as_secs());
        Err(Failure::unknown(doing, message).with_code(Code::Timeout))
    }

    /// Removes a network, waiting for the last tasks on it to end and for this node's own copy to
    /// go, so that another of that name can follow; fine if unknown.
    pub(in crate::ssh) async fn remove_network(&self, name: &str) -> Result<()> {
        let doing = self.doing(&format!("remove network {name}"));
        let clock = &self.link.shared.clock;
        let end = clock.now() + IN_USE.min(self.deadline());
        let mut removed = false;
        loop {
            // By id: the engine would take a name for the beginning of another network's id.
            let networks = self.networks().await;
            let networks =
                networks.map_err(|failure| if removed { failure.after_effect() } else { failure })?;
            let Some(network) = networks.into_iter().find(|network| network.spec.name == name) else {
                return Ok(());
            };
            match self.delete(&doing, &format!("/networks/{}", network.id)).await {
                Ok(()) if clock.now() < end => removed = true,
                Err(failure) if failure.message.contains("in use by task") && clock.now() < end => {}
                answer => return answer,
            }
            self.pause(PAUSE).await;
        }
    }
}

/// Whether two IPv4 ranges in CIDR notation have an address in common. What is no such range
/// overlaps nothing: the engine has its own opinion of it.
fn overlap(a: &str, b: &str) -> bool {
    let range = |text: &str| {
        let (address, length) = text.split_once('/')?;
        let address = u32::from(address.parse::<std::net::Ipv4Addr>().ok()?);
        let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
        let hosts = u32::MAX.checked_shr(length).unwrap_or(0);
        Some((address & !hosts, address | hosts))
    };
    match (range(a), range(b)) {
        (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
        _ => false,
    }
}

fn write_network(spec: &NetworkSpec) -> Value {
    let mut options = spec.options.clone();
    if spec.encrypted {
        options.insert(ENCRYPTED.to_owned(), String::new());
    }
    let pools: Vec<Value> = spec
        .subnet
        .iter()
        .map(|subnet| json!({ "Subnet": subnet }))
        .collect();
    json!({
        "Name": spec.name,
        "CheckDuplicate": true,
        "Scope": "swarm",
        "Driver": spec.driver,
        "Attachable": spec.attachable,
        "Internal": spec.internal,
        "Labels": spec.labels,
        "Options": options,
        "IPAM": { "Driver": "default", "Config": pools },
    })
}

fn read_network(network: &Value) -> Network {
    let mut options = map(network, "/Options");
    options.remove(ASSIGNED);
    let encrypted = options.remove(ENCRYPTED).is_some_and(|value| value != "false");
    let subnets = || {
        list(network, "/IPAM/Config")
            .iter()
            .map(|pool| text(pool, "/Subnet"))
    };
    let subnet = subnets()
        .find(|subnet| subnet.contains('.'))
        .or_else(|| subnets().next());
    Network {
        id: text(network, "/Id").to_owned(),
        spec: NetworkSpec {
            attachable: flag(network, "/Attachable"),
            driver: some_text(network, "/Driver").unwrap_or_else(|| "overlay".to_owned()),
            encrypted,
            internal: flag(network, "/Internal"),
            labels: map(network, "/Labels"),
            name: text(network, "/Name").to_owned(),
            options,
            subnet: subnet.filter(|subnet| !subnet.is_empty()).map(str::to_owned),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> NetworkSpec {
        NetworkSpec {
            attachable: true,
            driver: "overlay".into(),
            encrypted: true,
            internal: false,
            labels: BTreeMap::from([("a".into(), "b".into())]),
            name: "my-overlay".into(),
            options: BTreeMap::from([("com.docker.network.driver.mtu".into(), "1400".into())]),
            subnet: Some("10.20.0.0/24".into()),
        }
    }

    #[test]
    fn a_network_reads_back_as_it_was_written() {
        let mut engine = write_network(&spec());
        engine["Id"] = json!("n1");
        engine["Options"][ASSIGNED] = json!("4097");
        assert_eq!(
            read_network(&engine),
            Network {
                id: "n1".into(),
                spec: spec()
            }
        );
    }

    #[test]
    fn ranges_overlap_when_they_have_an_address_in_common() {
        assert!(overlap("10.0.1.0/24", "10.0.1.0/24"));
        assert!(overlap("10.0.0.0/16", "10.0.9.0/24") && overlap("10.0.9.0/24", "10.0.0.0/16"));
        assert!(overlap("0.0.0.0/0", "10.0.1.0/24") && overlap("10.0.1.7/32", "10.0.1.0/24"));
        assert!(!overlap("10.0.1.0/24", "10.0.2.0/24"));
        assert!(!overlap("fd00::/64", "fd00::/64") && !overlap("10.0.1.0", "10.0.1.0/24"));
    }

    #[test]
    fn a_network_without_anything_optional_reads_back_too() {
        let plain = NetworkSpec {
            attachable: false,
            encrypted: false,
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
            subnet: None,
            ..spec()
        };
        assert_eq!(read_network(&write_network(&plain)).spec, plain);
    }

    #[test]
    fn the_subnet_in_use_is_read_from_what_docker_lists() {
        let listed = json!({
            "Name": "my-overlay", "Id": "8fvpu4", "Created": "2024-05-01T09:31:00Z", "Scope": "swarm",
            "Driver": "overlay", "EnableIPv6": false,
            "IPAM": { "Driver": "default", "Options": null, "Config": [
                { "Subnet": "fd00::/64", "Gateway": "fd00::1" }, { "Subnet": "10.0.1.0/24", "Gateway": "10.0.1.1" } ] },
            "Internal": false, "Attachable": false, "Ingress": false, "ConfigFrom": { "Network": "" },
            "ConfigOnly": false, "Containers": null,
            "Options": { "com.docker.network.driver.overlay.vxlanid_list": "4097" }, "Labels": null
        });
        let network = read_network(&listed);
        assert_eq!(network.spec.subnet.as_deref(), Some("10.0.1.0/24"));
        assert!(network.spec.options.is_empty() && network.spec.labels.is_empty());
        assert!(!network.spec.encrypted);
    }
}
