//! What the cases of the seam `Cloud` work on.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use subako_world::{
    Code, Failure, ImageQuery, Instance, InstanceRequest, InstanceState, KeyPairRequest, Lookup, Ownership,
    Port, Progress, Protocol, Result, Rule, SecurityGroup, SecurityGroupRequest, Source, Subnet, World,
};

use tokio::sync::OnceCell;

use super::case::{CaseError, eventually};

/// How long a read may show what was before a change: EC2 says "a few minutes" of its worst, seconds
/// are usual (EC2 API reference, "Eventual consistency in the Amazon EC2 API").
const SHOWN: Duration = Duration::from_secs(120);
/// How long something may be in use after its user is gone.
const RELEASED: Duration = Duration::from_secs(300);

/// What a counterpart can show. All `true` for EC2 itself and the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counterpart {
    /// It honours client tokens: parameter mismatches and terminated instances are noticed.
    pub client_tokens: bool,
    /// It refuses to delete a group in use.
    pub dependency_violations: bool,
    /// It refuses to change the type of a running instance.
    pub type_needs_stop: bool,
    /// It refuses a private address in use.
    pub address_conflicts: bool,
    /// It protects an instance from its first moment, when the request says so.
    pub protects_at_launch: bool,
    /// It enforces security groups between its machines.
    pub enforces_groups: bool,
    /// It puts other words on rules whose source is a group.
    pub describes_groups: bool,
    /// Its instances show the elastic address that they have and no other, whether it moves or
    /// they stop and start; one that is terminated has none.
    pub follows_addresses: bool,
}

impl Default for Counterpart {
    fn default() -> Self {
        Self {
            client_tokens: true,
            dependency_violations: true,
            type_needs_stop: true,
            address_conflicts: true,
            protects_at_launch: true,
            enforces_groups: true,
            describes_groups: true,
            follows_addresses: true,
        }
    }
}

/// What the cases of the seam `Cloud` need to know of their counterpart.
#[derive(Debug, Clone)]
pub struct CloudFixture {
    /// A cluster name that nothing carries yet: lower-case letters, digits, hyphens.
    pub cluster: String,
    /// An image, with the type to run.
    pub image: ImageQuery,
    /// Another type of the same architecture.
    pub other_type: String,
    /// Zones to use; empty for all.
    pub zones: Vec<String>,
    /// The VPC; `None` for the default one.
    pub vpc: Option<String>,
    /// Subnets to use; empty for the zones' default ones.
    pub subnets: Vec<String>,
    /// A public key in OpenSSH's one-line form, that of the adapter's private key where it logs in.
    pub public_key: String,
    /// How many instances a crowd has: more than a page of the counterpart's, where that is cheap.
    pub crowd: usize,
    /// What the counterpart can show.
    pub counterpart: Counterpart,
}

/// The seam under test, with a fixture.
pub struct CloudBench {
    /// The world under test.
    pub world: World,
    /// What is known of it.
    pub fixture: CloudFixture,
    /// The image, and the subnet that instances are put in, once looked up.
    place: OnceCell<(String, Subnet)>,
}

impl CloudBench {
    /// A bench on a world.
    pub fn new(world: World, fixture: CloudFixture) -> Self {
        Self {
            world,
            fixture,
            place: OnceCell::new(),
        }
    }

    /// What a refresh would look up.
    pub(super) fn query(&self) -> Lookup {
        Lookup {
            images: vec![self.fixture.image.clone()],
            zones: self.fixture.zones.clone(),
            vpc: self.fixture.vpc.clone(),
            subnets: self.fixture.subnets.clone(),
            used: Vec::new(),
        }
    }

    /// An ownership under the fixture's cluster.
    pub(super) fn owner(&self, kind: &str, name: &str) -> Ownership {
        Ownership {
            cluster: self.fixture.cluster.clone(),
            address: format!("{kind}.{name}"),
            generation: 0,
            token: format!("{}-{kind}-{name}", self.fixture.cluster),
        }
    }

    /// A name in EC2.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.fixture.cluster)
    }

    pub(super) fn key_request(&self, name: &str) -> KeyPairRequest {
        KeyPairRequest {
            name: self.named(name),
            public_key: self.fixture.public_key.clone(),
            tags: BTreeMap::from([("Unit".to_owned(), "Conformance".to_owned())]),
            ownership: self.owner("key_pair", name),
        }
    }

    pub(super) async fn group_request(&self, name: &str) -> Result<SecurityGroupRequest> {
        Ok(SecurityGroupRequest {
            name: self.named(name),
            description: "conformance of the seam".to_owned(),
            vpc_id: self.world.cloud.lookup(&self.query()).await?.vpc_id,
            tags: BTreeMap::from([("Unit".to_owned(), "Conformance".to_owned())]),
            ownership: self.owner("security_group", name),
        })
    }

    /// A new, empty group.
    pub(super) async fn group(&self, name: &str) -> Result<SecurityGroup> {
        self.world
            .cloud
            .create_security_group(&self.group_request(name).await?)
            .await
    }

    /// The image, and the subnet that instances are put in.
    pub(super) async fn place(&self) -> Result<&(String, Subnet)> {
        self.place.get_or_try_init(|| self.find_place()).await
    }

    /// The first subnet in whose zone both types are offered: not every zone offers every type
    /// (EC2 API reference, DescribeInstanceTypeOfferings).
    async fn find_place(&self) -> Result<(String, Subnet)> {
        let types = [
            self.fixture.image.instance_type.clone(),
            self.fixture.other_type.clone(),
        ];
        let offered = self.world.cloud.types(&types).await?.known;
        // Where nothing is known of the offers, the launch says it.
        let offers = |zone: &String| offered.values().all(|facts| facts.zones.contains(zone));
        let found = self.world.cloud.lookup(&self.query()).await?;
        let image = found.images.get(&self.fixture.image);
        let image_id = image.map(|image| image.image_id.clone()).unwrap_or_default();
        let mut fit = found.subnets.into_iter().filter(|subnet| offers(&subnet.zone));
        let subnet = fit.next().ok_or_else(|| {
            let none = format!("no subnet is in a zone that offers {}", types.join(" and "));
            Failure::not_applied("choose a subnet", none)
        })?;
        Ok((image_id, subnet))
    }

    /// A request for an instance in a group; the image and a subnet are looked up.
    pub(super) async fn instance_request(
        &self,
        name: &str,
        group: &SecurityGroup,
    ) -> Result<InstanceRequest> {
        let (image_id, subnet) = self.place().await?.clone();
        Ok(InstanceRequest {
            name: name.to_owned(),
            image_id,
            instance_type: self.fixture.image.instance_type.clone(),
            subnet_id: subnet.id,
            zone: subnet.zone,
            security_group_id: group.id.clone(),
            key_name: None,
            private_ip: None,
            public_ip: None,
            disk_gib: 8,
            disk_encrypted: false,
            cpu_credits: Default::default(),
            protect: false,
            tags: BTreeMap::from([("Name".to_owned(), self.named(name))]),
            ownership: self.owner("instance", name),
        })
    }

    /// A running instance in a group of its own.
    pub(super) async fn instance(&self, name: &str) -> Result<(Instance, SecurityGroup)> {
        let group = self.group(name).await?;
        let request = self.instance_request(name, &group).await?;
        let instance = self.world.cloud.run_instance(&request).await?;
        let instance = self.reach(&instance.id, InstanceState::Running).await?;
        Ok((instance, group))
    }

    /// Waits for a state.
    pub(super) async fn reach(&self, id: &str, state: InstanceState) -> Result<Instance> {
        self.world
            .cloud
            .await_instance(id, state, &Progress::silent())
            .await
    }

    /// Looks until what is seen is right, and returns it: reads lag behind changes. What was seen
    /// last is in the error.
    pub(super) async fn until<T, F>(
        &self,
        what: &str,
        mut look: impl FnMut() -> F,
        right: impl Fn(&T) -> bool,
    ) -> std::result::Result<T, CaseError>
    where
        T: Debug,
        F: Future<Output = Result<T>>,
    {
        let last = Mutex::new(String::new());
        let attempt = || {
            let seen = look();
            async {
                let found = seen.await?;
                if right(&found) {
                    return Ok(Some(found));
                }
                *last.lock().unwrap_or_else(PoisonError::into_inner) = format!("{found:?}");
                Ok(None)
            }
        };
        let shown = eventually(&*self.world.clock, SHOWN, what, attempt).await;
        let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
        shown.map_err(|error| match error {
            CaseError::Broken(text) => CaseError::Broken(format!("{text}; the last look: {last}")),
            failure => failure,
        })
    }

    /// A rule.
    pub(super) fn rule(port: u16, source: Source) -> Rule {
        Rule {
            description: "conformance".to_owned(),
            ports: Port { from: port, to: port },
            protocol: Protocol::Tcp,
            source,
        }
    }

    /// Removes everything with the fixture's cluster tag: instances, addresses, groups, key pairs, and
    /// looks until nothing is left. Fails when something resists. What was made a moment ago may
    /// not be shown yet: a sweep for good comes some seconds after the last case.
    pub async fn sweep(&self) -> Result<()> {
        let begun = self.world.clock.now();
        loop {
            self.remove_what_is_shown().await?;
            let left = self.world.cloud.residue(&self.fixture.cluster).await?;
            if left.is_empty() {
                return Ok(());
            }
            if self.world.clock.now() >= begun + RELEASED {
                let left: Vec<String> = left
                    .iter()
                    .map(|one| format!("{} {}", one.what, one.id))
                    .collect();
                let still = format!("still there: {}", left.join(", "));
                return Err(Failure::unknown("remove what the cases made", still));
            }
            self.world.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    async fn remove_what_is_shown(&self) -> Result<()> {
        let cloud = &self.world.cloud;
        let found = cloud.survey(&self.fixture.cluster).await?;
        for instance in &found.instances {
            cloud.terminate_instance(&instance.id, true).await?;
        }
        for instance in &found.instances {
            self.reach(&instance.id, InstanceState::Terminated).await?;
        }
        for address in &found.elastic_ips {
            cloud.release_address(&address.id).await?;
        }
        // A group that a rule of another names stays.
        for group in &found.security_groups {
            let naming = group
                .rules
                .iter()
                .filter(|rule| matches!(rule.source, Source::Group(_)));
            let naming: Vec<Rule> = naming.cloned().collect();
            if !naming.is_empty() {
                cloud.revoke_ingress(&group.id, &naming).await?;
            }
        }
        for group in &found.security_groups {
            match cloud.delete_security_group(&group.id).await {
                // An instance of the group may not be shown yet: the next look sees it.
                Err(failure) if failure.code == Code::InUse => {}
                deleted => deleted?,
            }
        }
        for pair in &found.key_pairs {
            cloud.delete_key_pair(&pair.name).await?;
        }
        Ok(())
    }
}

/// The tags that are ours: others, which the account puts on everything, are left out.
pub(super) fn without_foreign(
    tags: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let known = |key: &String| ours.contains_key(key);
    let mut tags = tags.clone();
    tags.retain(|key, _| known(key));
    tags
}

/// Whether an object has these tags of its owner's, whatever others it has, and none of `gone`.
pub(super) fn has_tags(
    tags: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
    gone: &[&str],
) -> bool {
    without_foreign(tags, wanted) == *wanted && gone.iter().all(|key| !tags.contains_key(*key))
}
