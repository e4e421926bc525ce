//! `instance`: what is wanted, and what is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reference::Ref;
use crate::world::{self, CpuCredits, service::Unit};

/// What is wanted of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The image as the manifest names it. Another way to say the same image changes nothing.
    pub ami: String,
    /// What it does without CPU credits; `standard` for a type that has none.
    #[serde(default, skip_serializing_if = "CpuCredits::is_standard")]
    pub cpu_credits: CpuCredits,
    /// Whether the root volume is encrypted.
    pub disk_encrypted: bool,
    /// Root volume, GiB.
    pub disk_gib: u32,
    /// The image, `ami-…`.
    pub image_id: String,
    /// The type, for example `t3.micro`.
    pub instance_type: String,
    /// The key pair's name; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// The name in the manifest, for example `manager-0`.
    pub name: String,
    /// A pinned private address; `None` lets EC2 choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_ip: Option<String>,
    /// Whether EC2 refuses to terminate it by API.
    pub protect: bool,
    /// Whether it gets a public address; `None` leaves it to the subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<bool>,
    /// Whether it runs; always wanted.
    pub running: bool,
    /// The security group's `group_id`.
    pub security_group: Ref,
    /// The subnet.
    pub subnet_id: String,
    /// The user's tags, with `Name`; on instance and volume.
    pub tags: BTreeMap<String, String>,
    /// The zone of the subnet.
    pub zone: String,
}

impl Instance {
    /// The unit of a field.
    pub(crate) fn unit(field: &str) -> Option<Unit> {
        (field == "disk_gib").then_some(Unit::Gibibytes)
    }
}

/// What EC2 answers of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceOutputs {
    /// The id, `i-…`.
    pub instance_id: String,
    /// The private address.
    pub private_ip: String,
    /// The public address, which changes at each start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<String>,
}

impl From<&world::Instance> for InstanceOutputs {
    fn from(instance: &world::Instance) -> Self {
        Self {
            instance_id: instance.id.clone(),
            private_ip: instance.private_ip.clone(),
            public_ip: instance.public_ip.clone(),
        }
    }
}
