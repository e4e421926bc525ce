//! Instances of the cloud.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ownership::Ownership;

/// What a burstable instance does once it has used up its CPU credits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CpuCredits {
    /// It runs at its baseline.
    #[default]
    Standard,
    /// It goes on, and what it uses beyond the baseline is billed.
    Unlimited,
}

impl CpuCredits {
    /// The word for it, also EC2's.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Unlimited => "unlimited",
        }
    }

    /// Whether it is what goes without saying.
    pub fn is_standard(&self) -> bool {
        *self == Self::Standard
    }
}

/// Whether instances of a type earn and spend CPU credits: those of the T families.
pub fn is_burstable(instance_type: &str) -> bool {
    let mut letters = instance_type.chars();
    letters.next() == Some('t') && letters.next().is_some_and(|c| c.is_ascii_digit())
}

/// An instance to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRequest {
    /// The manifest name, for messages.
    pub name: String,
    /// The image, `ami-…`.
    pub image_id: String,
    /// The type, for example `t3.micro`.
    pub instance_type: String,
    /// The subnet, `subnet-…`.
    pub subnet_id: String,
    /// The zone of that subnet, for messages.
    pub zone: String,
    /// The security group, `sg-…`.
    pub security_group_id: String,
    /// The key pair's name; `None` for none.
    pub key_name: Option<String>,
    /// A fixed private address; `None` lets EC2 choose.
    pub private_ip: Option<String>,
    /// Whether to give it a public address; `None` leaves it to the subnet.
    pub public_ip: Option<bool>,
    /// Root volume (gp3), GiB.
    pub disk_gib: u32,
    /// Whether the root volume is encrypted.
    pub disk_encrypted: bool,
    /// What it does without CPU credits; of no meaning for a type that has none.
    pub cpu_credits: CpuCredits,
    /// Whether EC2 refuses to terminate it by API.
    pub protect: bool,
    /// The user's tags with `Name`, put on instance and volume.
    pub tags: BTreeMap<String, String>,
    /// Whose it is; `token` is also EC2's ClientToken.
    pub ownership: Ownership,
}

/// The life cycle of an instance, as in DescribeInstances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Running (its system may still be booting).
    Running,
    /// On its way to stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// On its way to terminated.
    ShuttingDown,
    /// Gone; EC2 shows it for about an hour.
    Terminated,
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        })
    }
}

/// An instance as EC2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The id, `i-…`.
    pub id: String,
    /// Where it is in its life cycle.
    pub state: InstanceState,
    /// The image.
    pub image_id: String,
    /// The type.
    pub instance_type: String,
    /// The subnet.
    pub subnet_id: String,
    /// The availability zone.
    pub zone: String,
    /// The security groups, `sg-…`, sorted.
    pub security_group_ids: Vec<String>,
    /// The key pair's name.
    pub key_name: Option<String>,
    /// The private address; empty once terminated.
    pub private_ip: String,
    /// The public address, which changes at each start.
    pub public_ip: Option<String>,
    /// Root volume, GiB; `None` where EC2 does not say (not attached yet, or terminated).
    pub disk_gib: Option<u32>,
    /// Whether the root volume is encrypted; `None` as for `disk_gib`.
    pub disk_encrypted: Option<bool>,
    /// Termination protection; `None` where it was not read.
    pub protect: Option<bool>,
    /// Whether IMDSv2 is required.
    pub imdsv2_required: bool,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

/// Changes to an existing instance; `None` leaves the attribute as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceChange {
    /// A new type: the instance must be stopped.
    pub instance_type: Option<String>,
    /// What it does without CPU credits.
    pub cpu_credits: Option<CpuCredits>,
    /// A larger root volume, GiB.
    pub disk_gib: Option<u32>,
    /// Termination protection.
    pub protect: Option<bool>,
    /// The only security group from now on.
    pub security_group_id: Option<String>,
    /// Tags to set, on instance and volume.
    pub set_tags: BTreeMap<String, String>,
    /// Tag keys to remove, on instance and volume.
    pub remove_tags: Vec<String>,
}
