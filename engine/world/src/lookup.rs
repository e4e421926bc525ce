//! What has to be looked up before anything is planned: images, subnets, zones, types.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// An image wanted by the manifest: an id, a family name or a name pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageQuery {
    /// As written: `ami-…`, `amazon-linux-2023`, `debian-12`, `ubuntu-24.04`, or a name pattern with `*`.
    pub ami: String,
    /// The instance type, which decides the architecture.
    pub instance_type: String,
}

/// The answer to an [`ImageQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageAnswer {
    /// The image id, `ami-…`.
    pub image_id: String,
    /// The image's name, for people.
    pub name: String,
}

/// What a refresh has to look up before it can lower a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Images that the state does not know yet, sorted, without duplicates.
    pub images: Vec<ImageQuery>,
    /// Availability zones wanted; empty means every zone of the VPC that has a subnet.
    pub zones: Vec<String>,
    /// The VPC wanted; `None` means the default VPC.
    pub vpc: Option<String>,
    /// The subnets wanted; empty means the zones' default subnets.
    pub subnets: Vec<String>,
    /// Subnets that instances are in already, sorted, without duplicates.
    pub used: Vec<String>,
}

/// What the engine on an instance of a type offers to tasks, and where there is such a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeFacts {
    /// Processors, in billionths.
    pub nano_cpus: u64,
    /// Memory, bytes: what is left of the type's own once the kernel has its share.
    pub memory: u64,
    /// The zones that offer it, sorted; empty where that is not known.
    pub zones: Vec<String>,
}

/// What is known of instance types that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypesAnswer {
    /// What they have, by name. Nothing is known of one that is neither here nor missing.
    pub known: BTreeMap<String, TypeFacts>,
    /// Those that the region does not have.
    pub missing: BTreeSet<String>,
}

/// A subnet to put instances in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The id, `subnet-…`.
    pub id: String,
    /// The availability zone.
    pub zone: String,
    /// The range, in CIDR notation.
    pub cidr: String,
}

/// How the instances in a subnet and the internet reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Whether an instance gets a public address there unless it asks for none (EC2:
    /// `MapPublicIpOnLaunch`).
    pub public_ip: bool,
    /// Where the subnet's route to everywhere (`0.0.0.0/0`) leads.
    pub way_out: WayOut,
}

/// Where a route to everywhere leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOut {
    /// To an internet gateway: instances with a public address are reached, and reach others.
    Gateway,
    /// To something that lets instances out and nobody in: a NAT gateway, another network.
    OutOnly,
    /// There is no such route.
    Nowhere,
}

/// The answer to a [`Lookup`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupAnswer {
    /// Images by query.
    pub images: BTreeMap<ImageQuery, ImageAnswer>,
    /// The VPC's id.
    pub vpc_id: String,
    /// The VPC's ranges, in CIDR notation.
    pub vpc_cidrs: Vec<String>,
    /// One subnet a zone, in the order of the zones wanted, else sorted by zone.
    pub subnets: Vec<Subnet>,
    /// Of the subnets in use those that the VPC has, sorted by id.
    pub used: Vec<Subnet>,
    /// How the subnets of both lists and the internet reach each other, by id; one of which that is
    /// not known is missing.
    pub reach: BTreeMap<String, Reach>,
}
