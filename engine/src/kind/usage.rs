//! What of a resource the cloud bills.

use subako_state::Address;

/// One thing that costs for as long as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// A running instance.
    Instance {
        /// Its type.
        instance_type: String,
    },
    /// An instance that is stopped, which costs nothing itself.
    Stopped,
    /// A gp3 volume, attached to a running instance or not.
    Volume {
        /// Its size.
        gib: u32,
    },
    /// A public IPv4 address, lent for as long as the instance runs.
    PublicIpv4,
    /// One if the subnet gives its instances one.
    PublicIpv4OfSubnet {
        /// The subnet.
        subnet_id: String,
    },
    /// An elastic address, in use or not.
    ElasticIp {
        /// The instance that has it in place of its own, where that is another resource.
        machine: Option<Address>,
    },
}
