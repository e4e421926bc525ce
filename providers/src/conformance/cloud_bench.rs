//! What the cases of the seam `Cloud` work on.

use std::collections::BTreeMap;
use std::time::Duration;

use subako_world::{
    Code, ImageQuery, Instance, InstanceRequest, InstanceState, KeyPairRequest, Lookup, Ownership, Port,
    Progress, Protocol, Result, Rule, SecurityGroup, SecurityGroupRequest, Source, World,
};

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
    /// A free private address of the first subnet.
    pub free_address: String,
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
}

impl CloudBench {
    /// A bench on a world.
    pub fn new(world: World, fixture: CloudFixture) -> Self {
        Self { world, fixture }
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

    /// A request for an instance in a group; the image and the first subnet are looked up.
    pub(super) async fn instance_request(
        &self,
        name: &str,
        group: &SecurityGroup,
    ) -> Result<InstanceRequest> {
        let found = self.world.cloud.lookup(&self.query()).await?;
        let subnet = found.subnets.first().cloned();
        let (subnet_id, zone) = subnet.map(|subnet| (subnet.id, subnet.zone)).unwrap_or_default();
        Ok(InstanceRequest {
            name: name.to_owned(),
            image_id: found
                .images
                .get(&self.fixture.image)
                .map(|image| image.image_id.clone())
                .unwrap_or_default(),
            instance_type: self.fixture.image.instance_type.clone(),
            subnet_id,
            zone,
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

    /// A rule.
    pub(super) fn rule(port: u16, source: Source) -> Rule {
        Rule {
            description: "conformance".to_owned(),
            ports: Port { from: port, to: port },
            protocol: Protocol::Tcp,
            source,
        }
    }

    /// Removes everything with the fixture's cluster tag: instances, addresses, groups, key pairs. Fails when something
    /// resists; what could be removed is removed.
    pub async fn sweep(&self) -> Result<()> {
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
            self.delete_group_patiently(&group.id).await?;
        }
        for pair in &found.key_pairs {
            cloud.delete_key_pair(&pair.name).await?;
        }
        Ok(())
    }

    /// Deletes a group, waiting for instances that are still ending.
    async fn delete_group_patiently(&self, id: &str) -> Result<()> {
        let begun = self.world.clock.now();
        loop {
            match self.world.cloud.delete_security_group(id).await {
                Err(failure)
                    if failure.code == Code::InUse
                        && self.world.clock.now() < begun + Duration::from_secs(300) =>
                {
                    self.world.clock.sleep(Duration::from_secs(2)).await;
                }
                other => return other,
            }
        }
    }
}
