//! `sim …`.

use clap::{Args, Subcommand};

/// `sim …`.
#[derive(Debug, Subcommand)]
pub enum SimCommand {
    /// Stop an instance
    StopInstance {
        /// The instance: its manifest name or id
        instance: String,
    },
    /// Start a stopped instance
    StartInstance {
        /// The instance: its manifest name or id
        instance: String,
    },
    /// Terminate an instance
    TerminateInstance {
        /// The instance: its manifest name or id
        instance: String,
    },
    /// Make a node fail: its machine hangs
    KillNode {
        /// The node: its manifest name or id
        node: String,
    },
    /// Bring a node that failed back
    ReviveNode {
        /// The node: its manifest name or id
        node: String,
    },
    /// Let time pass
    Pass {
        /// How long, for example 12h
        #[arg(value_parser = super::duration::parse_duration)]
        time: std::time::Duration,
    },
    /// Scale a service by hand
    Scale {
        /// The service
        service: String,
        /// How many replicas
        replicas: u64,
    },
    /// Change a service's image by hand
    SetImage {
        /// The service
        service: String,
        /// The image
        image: String,
    },
    /// Change how long a service's containers may take to stop by hand
    SetStopGrace {
        /// The service
        service: String,
        /// How long, in seconds
        seconds: u64,
    },
    /// Remove a service by hand
    RemoveService {
        /// The service
        service: String,
    },
    /// Remove a network by hand
    RemoveNetwork {
        /// The network
        network: String,
    },
    /// Remove a secret by hand
    RemoveSecret {
        /// The secret, by its name in the swarm
        secret: String,
    },
    /// Add a secret by hand
    AddSecret {
        /// The secret's name in the swarm
        secret: String,
    },
    /// Open a port in the cluster's security group
    OpenPort(PortArgs),
    /// Close a port in the cluster's security group
    ClosePort(PortArgs),
    /// Set a tag of an instance
    Tag {
        /// The instance: its manifest name or id
        instance: String,
        /// KEY=VALUE
        tag: String,
    },
    /// Drain a node by hand
    Drain {
        /// The node: its manifest name or id
        node: String,
    },
}

/// A port of a security group.
#[derive(Debug, Args)]
pub struct PortArgs {
    /// The port, `8080` or `8000-8010`, with `/udp` for UDP
    pub port: String,
    /// From where, in CIDR notation
    #[arg(long, value_name = "CIDR", default_value = "0.0.0.0/0")]
    pub from: String,
}
