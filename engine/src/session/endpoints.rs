//! Where the cluster answers.

use serde::Serialize;
use serde_json::Value as J;
use subako_state::{Address, Resource, Snapshot};

use super::{Session, SessionError};
use crate::kind::Kind as _;
use crate::kinds::{ElasticIp, is_manager};

/// Something that people or programs connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Whose it is.
    pub address: Address,
    /// Addresses of an instance, or URLs of a service.
    pub values: Vec<String>,
}

impl<W> Session<W> {
    /// The endpoints that are known, or those of one address.
    pub fn endpoints(&self, address: Option<&str>) -> Result<Vec<Endpoint>, SessionError> {
        let mut found = endpoints(&self.recorded()?.snapshot);
        if let Some(address) = address {
            found.retain(|endpoint| endpoint.address.as_str() == address);
            if found.is_empty() {
                return Err(SessionError::NoEndpoint(address.to_owned()));
            }
        }
        Ok(found)
    }
}

/// The endpoints that the state knows: services' URLs first, then instances' addresses.
pub fn endpoints(snapshot: &Snapshot) -> Vec<Endpoint> {
    let current = || snapshot.resources.iter().filter(|resource| !resource.deposed);
    let mut hosts: Vec<(Address, Option<String>, Option<String>)> = Vec::new();
    // One that is parked answers nobody.
    let runs = |resource: &&Resource| resource.spec.value().get("running") != Some(&J::Bool(false));
    for instance in current()
        .filter(|resource| resource.address.kind() == "instance")
        .filter(runs)
    {
        let text = |key: &str| instance.outputs.text_field(key);
        // What the instance has answered may be from before it got an elastic address.
        let elastic = snapshot.get(&Address::new(ElasticIp::NAME, instance.address.name()));
        let elastic = elastic.and_then(|elastic| elastic.outputs.text_field("public_ip"));
        let public = elastic.or_else(|| text("public_ip"));
        hosts.push((instance.address.clone(), public, text("private_ip")));
    }
    // Any node answers for every service; the managers are few and stay.
    let managers: Vec<&str> = current()
        .filter(|r| is_manager(&r.address, &r.spec))
        .map(|r| r.address.name())
        .collect();
    let mut found = Vec::new();
    for service in current().filter(|resource| resource.address.kind() == "service") {
        let spec = service.spec.value();
        let mut values = Vec::new();
        for port in spec.get("ports").and_then(J::as_array).into_iter().flatten() {
            let (Some(published), Some(protocol)) = (
                port.get("published").and_then(J::as_u64),
                port.get("protocol").and_then(J::as_str),
            ) else {
                continue;
            };
            if port.get("mode").and_then(J::as_str) == Some("host") {
                continue;
            }
            for (address, public, private) in &hosts {
                if !managers.contains(&address.name()) {
                    continue;
                }
                if let Some(host) = public.as_ref().or(private.as_ref()) {
                    values.push(url(host, published, protocol));
                }
            }
        }
        if !values.is_empty() {
            found.push(Endpoint {
                address: service.address.clone(),
                values,
            });
        }
    }
    found.extend(hosts.into_iter().map(|(address, public, private)| Endpoint {
        address,
        values: public.into_iter().chain(private).collect(),
    }));
    found
}

fn url(host: &str, port: u64, protocol: &str) -> String {
    match (protocol, port) {
        ("tcp", 80) => format!("http://{host}/"),
        ("tcp", 443) => format!("https://{host}/"),
        ("tcp", port) => format!("http://{host}:{port}/"),
        (protocol, port) => format!("{host}:{port}/{protocol}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::json_of;

    fn resource(name: &str, spec: J, outputs: J) -> Resource {
        Resource {
            outputs: json_of(&outputs),
            ..crate::testing::resource(name, &spec)
        }
    }

    #[test]
    fn a_published_port_is_a_url_at_every_manager() {
        let mut snapshot = Snapshot::empty("l".into(), "c".into(), "sim".into());
        snapshot.resources = vec![
            resource(
                "elastic_ip.w-0",
                json!({}),
                json!({"allocation_id": "eipalloc-1", "public_ip": "5.6.7.8"}),
            ),
            resource(
                "instance.m-0",
                json!({}),
                json!({"private_ip": "10.0.0.1", "public_ip": "1.2.3.4"}),
            ),
            resource(
                "instance.w-0",
                json!({}),
                json!({"private_ip": "10.0.0.2", "public_ip": "1.2.3.5"}),
            ),
            resource("member.m-0", json!({"role": "manager"}), json!({})),
            resource(
                "service.web",
                json!({"ports": [{"mode": "ingress", "protocol": "tcp", "published": 8080, "target": 80}]}),
                json!({}),
            ),
        ];
        let found: Vec<String> = endpoints(&snapshot)
            .into_iter()
            .map(|endpoint| format!("{} {}", endpoint.address, endpoint.values.join(" ")))
            .collect();
        assert_eq!(
            found,
            [
                "service.web http://1.2.3.4:8080/",
                "instance.m-0 1.2.3.4 10.0.0.1",
                "instance.w-0 5.6.7.8 10.0.0.2"
            ]
        );
    }
}
