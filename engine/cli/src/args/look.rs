//! Commands that look, and `new`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use subako_engine::reach::{Origin, Target};

use super::plan::Format;

/// `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Where to write cluster.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The cluster's name; the directory's name if not given
    #[arg(long)]
    pub name: Option<String>,
    /// The region; the AWS profile's if not given
    #[arg(long)]
    pub region: Option<String>,
    /// Who may log in by SSH: the address that this machine has on the internet, or a range
    #[arg(long, value_name = "ADDRESS")]
    pub ssh_from: Option<String>,
    /// The private key to log in with; made with ssh-keygen if it is not there
    #[arg(long, value_name = "FILE")]
    pub key: Option<String>,
    /// The type of the instances; t3.micro, which both of AWS's free tiers have, if not given
    #[arg(long, value_name = "TYPE")]
    pub instance_type: Option<String>,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Exit with 0 if all is healthy, 2 if something is degraded, 1 if that cannot be told
    #[arg(long, conflicts_with = "watch")]
    pub check: bool,
    /// Look again and again, until interrupted
    #[arg(long)]
    pub watch: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub interval: u64,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Only these; `*` matches any run of characters
    #[arg(value_name = "ADDR")]
    pub addresses: Vec<String>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `output`.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Only this one, its values alone, one a line
    #[arg(value_name = "ADDR")]
    pub address: Option<String>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `graph`.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// In which language
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    pub format: GraphFormat,
}

/// `reach`.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// Where from: `internet`, an IPv4 address, a node (manager-0) or service.NAME
    #[arg(value_name = "FROM")]
    pub from: Origin,
    /// Where to: NODE:PORT, NODE:PORT/udp, service.NAME or service.NAME:PORT
    #[arg(value_name = "TO")]
    pub to: Target,
    /// Exit with 2 if it does not arrive
    #[arg(long)]
    pub check: bool,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The language of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
}
