//! The whole manifest.

use super::{
    Aws, CheckSetting, Cluster, ConfigSource, Docker, KeyPair, Moved, Network, Pool, Prices, Registry,
    SecretSource, SecurityGroup, Service, Sim, Ssh, State, Swarm, Variable,
};
use crate::manifest::decode::{Named, Tables, section};

section! {
    /// A Subako manifest: one Docker Swarm cluster, from its security group to its services.
    pub struct Document = "the manifest" {
        /// The cluster as a whole: its name, where it runs, its tags.
        required cluster: Cluster,
        /// Variables that values refer to as ${var:NAME}, each under its own [variable.NAME].
        optional variable: Named<Variable>,
        /// Where on EC2 the cluster lives: region, zones, VPC, subnets.
        optional aws: Aws,
        /// The SSH key that instances are started with.
        optional key_pair: KeyPair,
        /// How Subako logs in to the instances.
        optional ssh: Ssh,
        /// Who may reach the instances.
        optional security_group: SecurityGroup,
        /// Settings of the swarm itself.
        optional swarm: Swarm,
        /// Settings of the Docker Engine on every host.
        optional docker: Docker,
        /// A group of like instances; at least one group is of managers.
        required pool: Tables<Pool>,
        /// An overlay network that services talk over.
        optional network: Tables<Network>,
        /// Secrets, each under its own [secret.NAME].
        optional secret: Named<SecretSource>,
        /// Configs, each under its own [config.NAME].
        optional config: Named<ConfigSource>,
        /// A service that the swarm keeps running.
        optional service: Tables<Service>,
        /// Logins to private registries.
        optional registry: Registry,
        /// Where the state is kept.
        optional state: State,
        /// What you pay where that is not the list price.
        optional prices: Prices,
        /// What a plan's findings matter here, each under its own [checks.ID].
        optional checks: Named<CheckSetting>,
        /// A block that has another name from now on, and what it stands for stays.
        optional moved: Tables<Moved>,
        /// How the simulator behaves when the manifest is rehearsed with --sim.
        optional sim: Sim,
    }
    elsewhere {
        "name" => "the name belongs in a section: write [cluster] on the line before it",
        "provider" => "the provider belongs in a section: write [cluster] on the line before it",
        "services" => "a service is written under [[service]], one block each",
        "networks" => "a network is written under [[network]], one block each",
        "secrets" => "a secret is written under [secret.NAME], with `file` or `env`",
        "configs" => "a config is written under [config.NAME], with `file` or `content`",
        "variables" => "a variable is written under [variable.NAME]",
        "volumes" => "named volumes need no section: name them in `volumes` of a [[service]]",
    }
}
