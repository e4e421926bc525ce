//! Reading a whole cluster: one filtered, paginated Describe a kind.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Filter;
use futures::future::try_join5;
use subako_world::{CloudSurvey, Code, KeyPair, Result, tag};

use super::cloud::Inner;
use super::convert::{Seen, filter, instance, next_page, tag_map, tagged};
use super::key_pair::key_pair;
use super::operations::Op;

/// The states of an instance that is there, or will be.
pub(super) const ALIVE: [&str; 4] = ["pending", "running", "stopping", "stopped"];
/// The states of an instance that still holds something.
pub(super) const NOT_TERMINATED: [&str; 5] = ["pending", "running", "stopping", "stopped", "shutting-down"];

/// What is known of a volume.
#[derive(Debug, Clone)]
pub(super) struct Volume {
    pub(super) id: String,
    pub(super) gib: u32,
    pub(super) encrypted: bool,
    pub(super) kind: String,
    pub(super) tags: BTreeMap<String, String>,
}

impl Inner {
    pub(super) async fn survey(&self, cluster: &str) -> Result<CloudSurvey> {
        let doing = format!("read cluster {cluster}");
        let of_cluster = tagged(tag::CLUSTER, cluster);
        let alive = [of_cluster.clone(), filter("instance-state-name", ALIVE)];
        let groups = [of_cluster.clone()];
        let (key_pairs, security_groups, seen, volumes, elastic_ips) = try_join5(
            self.key_pairs(&of_cluster, &doing),
            self.security_groups(&groups, &doing),
            async { Ok(self.instances(&alive, &doing).await) },
            self.volumes(&groups, &doing),
            self.elastic_ips(&groups, &doing),
        )
        .await?;
        // While a zone is out, EC2 answers for the instances of the other zones, where they are asked
        // for by id, and fails a listing (EC2 API reference, DescribeInstances).
        let (seen, unlisted) = match seen {
            Ok(seen) => (seen, None),
            Err(failure) if failure.code == Code::Unavailable => (Vec::new(), Some(failure.message)),
            Err(failure) => return Err(failure),
        };
        let volumes: BTreeMap<&str, &Volume> = volumes
            .iter()
            .map(|volume| (volume.id.as_str(), volume))
            .collect();
        let instances = seen.into_iter().map(|seen| {
            let mut instance = seen.instance;
            let root = seen.root_volume.as_deref().and_then(|id| volumes.get(id));
            instance.disk_gib = root.map(|volume| volume.gib);
            instance.disk_encrypted = root.map(|volume| volume.encrypted);
            instance
        });
        Ok(CloudSurvey {
            key_pairs,
            security_groups,
            instances: instances.collect(),
            elastic_ips,
            unlisted,
            unread: BTreeMap::new(),
        })
    }

    /// Key pairs, sorted by id; EC2 does not paginate them.
    pub(super) async fn key_pairs(&self, of_cluster: &Filter, doing: &str) -> Result<Vec<KeyPair>> {
        let answer = self
            .api
            .call(Op::DescribeKeyPairs, doing, || {
                self.api
                    .ec2
                    .describe_key_pairs()
                    .filters(of_cluster.clone())
                    .include_public_key(true)
                    .send()
            })
            .await?;
        let mut found: Vec<KeyPair> = answer.key_pairs().iter().map(key_pair).collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// All instances that the filters let through, sorted by id.
    pub(super) async fn instances(&self, filters: &[Filter], doing: &str) -> Result<Vec<Seen>> {
        let mut found: Vec<Seen> = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeInstances, doing, || {
                    self.api
                        .ec2
                        .describe_instances()
                        .set_filters(Some(filters.to_vec()))
                        .max_results(1000)
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            let reservations = page.reservations().iter();
            found.extend(reservations.flat_map(|r| r.instances()).filter_map(instance));
            next = next_page(page.next_token());
            if next.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| a.instance.id.cmp(&b.instance.id));
        Ok(found)
    }

    /// All volumes that the filters let through, sorted by id, without those being deleted.
    pub(super) async fn volumes(&self, filters: &[Filter], doing: &str) -> Result<Vec<Volume>> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeVolumes, doing, || {
                    self.api
                        .ec2
                        .describe_volumes()
                        .set_filters(Some(filters.to_vec()))
                        .max_results(500)
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            found.extend(page.volumes().iter().filter_map(|volume| {
                let state = volume.state().map(|state| state.as_str()).unwrap_or_default();
                let there = !matches!(state, "deleting" | "deleted");
                there.then_some(())?;
                Some(Volume {
                    id: volume.volume_id()?.to_owned(),
                    gib: u32::try_from(volume.size().unwrap_or_default()).unwrap_or_default(),
                    encrypted: volume.encrypted().unwrap_or_default(),
                    kind: volume
                        .volume_type()
                        .map(|kind| kind.as_str().to_owned())
                        .unwrap_or_default(),
                    tags: tag_map(volume.tags()),
                })
            }));
            next = next_page(page.next_token());
            if next.is_none() {
                break;
            }
        }
        found.sort_by(|a: &Volume, b: &Volume| a.id.cmp(&b.id));
        Ok(found)
    }

    /// The size in GiB of a volume, and whether it is encrypted.
    pub(super) async fn volume(&self, id: &str, doing: &str) -> Result<Option<(u32, bool)>> {
        let found = self.volumes(&[filter("volume-id", [id])], doing).await?;
        Ok(found.first().map(|volume| (volume.gib, volume.encrypted)))
    }
}
