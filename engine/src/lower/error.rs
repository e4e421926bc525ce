//! Why a manifest cannot be lowered.

/// A manifest that does not fit what the refresh looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// A secret that was never made, without what it contains.
    #[error("secret.{name} is new, so its content is needed: {source_of_it} is missing")]
    NoContent {
        /// Its name.
        name: String,
        /// Where its content comes from.
        source_of_it: String,
    },
    /// An image that was not looked up.
    #[error("no image was found for `{ami}` on {instance_type} (pool `{pool}`)")]
    NoImage {
        /// The pool.
        pool: String,
        /// As written.
        ami: String,
        /// The pool's instance type.
        instance_type: String,
    },
    /// No range is left for Docker's bridges.
    #[error(
        "no range is free for the bridges of the hosts: taken are {taken}; set bip and address_pools under [docker]"
    )]
    NoFreeBridge {
        /// The ranges that are taken.
        taken: String,
    },
    /// Nowhere to put instances.
    #[error("no subnet was found: name one in [aws] subnets, or a zone that has a default subnet")]
    NoSubnet,
    /// Nobody to start the swarm on.
    #[error("no pool has the role `manager` and a count of at least 1: nobody could start the swarm")]
    NoManager,
    /// A range that is none.
    #[error("`{text}` ({what}) is not an IPv4 range: expected for example 10.0.0.0/16")]
    Cidr {
        /// Whose range it is.
        what: String,
        /// The text.
        text: String,
    },
    /// A pinned address that is none.
    #[error("`{address}`, the private address of {name}, is not an IPv4 address")]
    Address {
        /// The instance.
        name: String,
        /// The address.
        address: String,
    },
    /// A pinned address outside all subnets.
    #[error("{address}, the private address of {name}, lies in none of the subnets: {subnets}")]
    AddressOutside {
        /// The instance.
        name: String,
        /// The address.
        address: String,
        /// The subnets that can be used, with their ranges.
        subnets: String,
    },
    /// A pinned address that EC2 keeps for itself.
    #[error(
        "{address}, the private address of {name}, is reserved by AWS: of {subnet} the first four addresses and the last one are"
    )]
    AddressReserved {
        /// The instance.
        name: String,
        /// The address.
        address: String,
        /// The range of the subnet.
        subnet: String,
    },
    /// One address pinned twice.
    #[error("{address} is the private address of both {first} and {second}")]
    AddressTwice {
        /// The address.
        address: String,
        /// An instance.
        first: String,
        /// Another instance.
        second: String,
    },
    /// No range is left for overlay networks.
    #[error("no range is left for overlay networks beside {taken}: give one in [swarm] addr_pool")]
    NoFreePool {
        /// The ranges in use.
        taken: String,
    },
}
