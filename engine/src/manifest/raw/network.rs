//! `[[network]]`.

use crate::manifest::decode::{Labels, Scalar, Table, section};
use crate::manifest::formats::{Driver, Range4, SwarmName};

section! {
    /// A network that spans the nodes. Services on the same one reach each other by name.
    /// Swarm cannot change a network: every change replaces it.
    pub struct Network = "[[network]]" {
        /// The network's name.
        required name: SwarmName,
        /// The driver. Default: "overlay".
        optional driver: Driver,
        /// Whether traffic between nodes is encrypted (IPsec); overlay only. Default: false.
        optional encrypted: bool,
        /// Whether containers that belong to no service may attach. Default: false.
        optional attachable: bool,
        /// Whether the network has no way out. Default: false.
        optional internal: bool,
        /// The IPv4 range, in CIDR notation. Left out, Swarm cuts one from its pool.
        optional subnet: Range4,
        /// Labels.
        optional labels: Labels,
        /// Options of the driver, for example { "com.docker.network.driver.mtu" = "1400" }.
        optional options: Table<Scalar>,
        /// Whether a plan that would delete or replace it is refused, also once its block is gone.
        /// Default: false.
        optional protect: bool,
    }
    elsewhere {
        "driver_opts" => "did you mean `options`?",
        "ipam" => "write the range as subnet = \"10.20.0.0/24\"",
        "external" => "a network made elsewhere is not managed; remove the line to let Subako create it",
    }
}
