//! What is left of a cluster, what it costs, and what the world itself may forget.

use std::collections::BTreeMap;

use subako_world::prices::PriceTable;
use subako_world::{InstanceState, Residue, tag};

use super::world::Model;
use crate::sim::names::{Ms, ec2_id};

/// How long the token of a terminated instance stays used: a day, as EC2 guarantees.
const TOKEN_KEPT: Ms = 24 * 3_600_000;

impl Model {
    /// What still carries the cluster's tag and is not terminated, with what keeping it costs.
    pub fn residue(&self, t: Ms, cluster: &str) -> Vec<Residue> {
        let ours =
            |tags: &BTreeMap<String, String>| tags.get(tag::CLUSTER).is_some_and(|name| name == cluster);
        let left =
            |what: &str, id: &str, name: Option<&String>, tags: &BTreeMap<String, String>, usd_per_hour| {
                Residue {
                    what: what.to_owned(),
                    id: id.to_owned(),
                    name: name.or_else(|| tags.get("Name")).cloned(),
                    address: tags.get(tag::ADDRESS).cloned(),
                    usd_per_hour,
                }
            };
        let (prices, region) = (PriceTable::built_in(), &self.place.region);
        let address_price = prices.public_ipv4_hour(region).map(|usd| usd.as_f64());
        let mut all = Vec::new();
        for pair in self.key_pairs.values().filter(|pair| ours(&pair.tags)) {
            all.push(left("key-pair", &pair.id, Some(&pair.name), &pair.tags, None));
        }
        for group in self.groups.values().filter(|group| ours(&group.tags)) {
            all.push(left(
                "security-group",
                &group.id,
                Some(&group.name),
                &group.tags,
                None,
            ));
        }
        for instance in self
            .instances
            .values()
            .filter(|i| ours(&i.tags) && !i.terminated(t))
        {
            let price = match instance.state(t) {
                InstanceState::Pending | InstanceState::Running => {
                    // An elastic address has a line and a price of its own.
                    let own = instance.public && instance.elastic_ip.is_none();
                    let price = prices.machine_hour(region, &instance.instance_type, own);
                    price.map(|usd| usd.as_f64())
                }
                _ => Some(0.0),
            };
            all.push(left("instance", &instance.id, None, &instance.tags, price));
            let volume = ec2_id("vol", self.place.seed, &["volume", &instance.id]);
            let price = prices.volume_hour(region, "gp3", instance.disk_gib);
            let price = price.map(|usd| usd.as_f64());
            all.push(left("volume", &volume, None, &instance.tags, price));
        }
        for address in self.elastic_ips.values().filter(|address| ours(&address.tags)) {
            all.push(left(
                "elastic-ip",
                &address.id,
                None,
                &address.tags,
                address_price,
            ));
        }
        all.sort_by(|a, b| (&a.what, &a.id).cmp(&(&b.what, &b.id)));
        all
    }

    /// Drops what nobody can ask for any more: instances terminated for a day, and swarms that no
    /// instance is in.
    pub fn forget(&mut self, t: Ms) {
        self.forget_instances(|instance| instance.terminated(t) && t >= instance.settles + TOKEN_KEPT);
        let dead: Vec<String> = self
            .swarms
            .values()
            .filter(|swarm| !self.lives(t, swarm))
            .map(|swarm| swarm.id.clone())
            .collect();
        for id in dead {
            self.swarms.remove(&id);
        }
    }
}
