//! What is left of a cluster, and what it costs.

use aws_sdk_ec2::types::Filter;
use futures::future::{try_join, try_join4};
use std::collections::{BTreeMap, BTreeSet};
use subako_world::prices::PriceTable;
use subako_world::{InstanceState, Residue, Result, tag};

use super::cloud::Inner;
use super::convert::{filter, next_page, tag_map, tagged};
use super::operations::Op;
use super::survey::NOT_TERMINATED;

impl Inner {
    /// Everything that carries the cluster's tag: six reads, none of them an instance's own.
    pub(super) async fn residue(&self, cluster: &str) -> Result<Vec<Residue>> {
        let doing = format!("look for what is left of cluster {cluster}");
        let of_cluster = [tagged(tag::CLUSTER, cluster)];
        let standing = [
            of_cluster[0].clone(),
            filter("instance-state-name", NOT_TERMINATED),
        ];
        let (instances, volumes, groups, keys) = try_join4(
            self.instances(&standing, &doing),
            self.volumes(&of_cluster, &doing),
            self.security_groups(&of_cluster, &doing),
            self.key_pairs(&of_cluster[0], &doing),
        )
        .await?;
        let (addresses, interfaces) = try_join(
            self.elastic_ips(&of_cluster, &doing),
            self.interfaces(&of_cluster, &doing),
        )
        .await?;
        let elastic: BTreeSet<&str> = addresses.iter().map(|one| one.public_ip.as_str()).collect();
        let mut all = interfaces;
        let (prices, region) = (PriceTable::built_in(), self.region());
        let address_price = prices.public_ipv4_hour(region).map(|usd| usd.as_f64());
        all.extend(
            addresses
                .iter()
                .map(|one| left("elastic-ip", &one.id, &one.tags, address_price)),
        );
        for seen in instances {
            let instance = seen.instance;
            let runs = matches!(instance.state, InstanceState::Pending | InstanceState::Running);
            // An elastic address has a line and a price of its own.
            let ip = instance.public_ip.as_deref();
            let lent = ip.is_some_and(|ip| !elastic.contains(ip));
            let price = match (runs, lent) {
                (true, _) => prices
                    .machine_hour(region, &instance.instance_type, lent)
                    .map(|usd| usd.as_f64()),
                (false, true) => address_price,
                (false, false) => Some(0.0),
            };
            all.push(left("instance", &instance.id, &instance.tags, price));
        }
        for volume in volumes {
            let price = prices.volume_hour(region, &volume.kind, volume.gib);
            let price = price.map(|usd| usd.as_f64());
            all.push(left("volume", &volume.id, &volume.tags, price));
        }
        for group in groups {
            let mut entry = left("security-group", &group.id, &group.tags, Some(0.0));
            entry.name = Some(group.name);
            all.push(entry);
        }
        for key in keys {
            let mut entry = left("key-pair", &key.id, &key.tags, Some(0.0));
            entry.name = Some(key.name);
            all.push(entry);
        }
        all.sort_by(|a, b| (&a.what, &a.id).cmp(&(&b.what, &b.id)));
        Ok(all)
    }

    async fn interfaces(&self, of_cluster: &[Filter], doing: &str) -> Result<Vec<Residue>> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeNetworkInterfaces, doing, || {
                    self.api
                        .ec2
                        .describe_network_interfaces()
                        .set_filters(Some(of_cluster.to_vec()))
                        .max_results(1000)
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            found.extend(page.network_interfaces().iter().filter_map(|interface| {
                let id = interface.network_interface_id()?;
                Some(left(
                    "network-interface",
                    id,
                    &tag_map(interface.tag_set()),
                    Some(0.0),
                ))
            }));
            next = next_page(page.next_token());
            if next.is_none() {
                return Ok(found);
            }
        }
    }
}

fn left(what: &str, id: &str, tags: &BTreeMap<String, String>, usd_per_hour: Option<f64>) -> Residue {
    Residue {
        what: what.to_owned(),
        id: id.to_owned(),
        name: tags.get("Name").cloned(),
        address: tags.get(tag::ADDRESS).cloned(),
        usd_per_hour,
    }
}
