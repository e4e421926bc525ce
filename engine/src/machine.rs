//! A machine, whoever supplies it: what the engine on it, its node and the swarm have to know of
//! what they run on. Which kinds supply machines, and how, is for them to say
//! (`kind::Machines`).

use crate::world::{HostTarget, Instance, Ownership, tag};

/// How a machine is doing. Every cloud has words for these.
pub use crate::world::InstanceState as Power;

/// What any kind that supplies machines is, where a kind says what it lives on, is a part of, or
/// takes its name from.
pub const MACHINE: &str = "machine";

/// The field of a spec that refers to the machine, as states and plans have it.
pub(crate) const ON_MACHINE: &str = "instance";

/// The seam's calls by which a machine is stopped and started.
pub(crate) const POWER: [&str; 2] = ["stop_instance", "start_instance"];

/// A machine as it is now, or as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The kind that supplies it.
    pub kind: &'static str,
    /// Its id there.
    pub id: String,
    /// Which machine of the cluster it is: its name and generation, where it says so itself.
    pub owner: Option<(String, u32)>,
    /// The address by which the swarm's other nodes reach it.
    pub private_ip: String,
    /// The public address, if it has one.
    pub public_ip: Option<String>,
    /// How it is doing.
    pub power: Power,
}

impl Machine {
    /// An instance of EC2's.
    pub fn of_instance(instance: &Instance) -> Self {
        let owner = Ownership::from_tags(&instance.tags).and_then(|owner| {
            let (_, name) = owner.address.split_once('.')?;
            Some((name.to_owned(), owner.generation))
        });
        Self {
            kind: "instance",
            id: instance.id.clone(),
            owner,
            private_ip: instance.private_ip.clone(),
            public_ip: instance.public_ip.clone(),
            power: instance.state,
        }
    }

    /// The name of the machine that an instance says it is.
    pub fn name_of(instance: &Instance) -> Option<&str> {
        let address = instance.tags.get(tag::ADDRESS)?;
        address.split_once('.').map(|(_, name)| name)
    }

    /// The name of the machine that it says it is.
    pub fn name(&self) -> Option<&str> {
        self.owner.as_ref().map(|(name, _)| name.as_str())
    }

    /// Whether it can be logged in to.
    pub fn is_running(&self) -> bool {
        self.power == Power::Running
    }

    /// Whether it is gone, or on its way: it does not come back.
    pub fn is_gone(&self) -> bool {
        matches!(self.power, Power::ShuttingDown | Power::Terminated)
    }

    /// The way to it under a name, with the host key that was pinned for it.
    pub fn target(&self, name: &str, host_key: Option<String>) -> HostTarget {
        HostTarget {
            name: name.to_owned(),
            instance_id: self.id.clone(),
            private_ip: self.private_ip.clone(),
            public_ip: self.public_ip.clone(),
            host_key,
            is_new: false,
        }
    }
}
