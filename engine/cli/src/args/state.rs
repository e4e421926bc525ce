//! `state …` and `lock …`.

use clap::Subcommand;

use super::plan::Format;
use super::state_place::StatePlace;

/// `state …`.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// List the addresses that the state knows
    List {
        /// Only these; `*` matches any run of characters
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Show one resource
    Show {
        /// Its address
        #[arg(value_name = "ADDR")]
        address: String,
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Forget resources; the world is left as it is
    Rm {
        /// Their addresses; `*` matches any run of characters
        #[arg(value_name = "ADDR", required = true)]
        addresses: Vec<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Give a machine another name, as when its pool is renamed in the manifest
    Mv {
        /// The name it has, for example `node-0`
        from: String,
        /// The name it gets, as the manifest has it
        to: String,
    },
    /// List earlier states, oldest first: who wrote each, when, with which command and plan
    History {
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Show what differs between two states
    Diff {
        /// A serial, as `state history` lists it; 0 is before the first
        #[arg(value_name = "SERIAL")]
        from: u64,
        /// Another one; the state as it is now if not given
        #[arg(value_name = "SERIAL")]
        to: Option<u64>,
        /// Show every step and field
        #[arg(long)]
        full: bool,
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Check digests, chain and journals against each other; exit with 2 if something does not hold
    Verify {
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Check the place where the state is to be, and show what it needs; nothing else is made there
    Init,
    /// Move the state from somewhere else to where the manifest keeps it
    Migrate {
        /// Where it was: the directory of all states, as --state-dir takes it, or
        /// `s3://BUCKET/PREFIX?region=R`
        #[arg(long, value_name = "WHERE")]
        from: StatePlace,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Put an earlier state in place of the current one
    Restore {
        /// Its serial, as `state history` lists it
        serial: u64,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Forget the bastion's host key; the next apply pins the one that is shown then
    Unpin {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Rebuild the state from the world's tags
    Rebuild {
        /// Only this and what it needs; `*` matches any run of characters (repeatable)
        #[arg(long, value_name = "ADDR")]
        target: Vec<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// `lock …`.
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Show who holds the lock
    Show {
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Release the lock that a dead process left
    Release,
}
