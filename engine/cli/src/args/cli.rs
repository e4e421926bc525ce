//! The commands and the options of every command.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use subako_engine::manifest::StateBucket;

use super::duration::parse_duration;
use super::look::{GraphArgs, NewArgs, OutputArgs, ReachArgs, ShowArgs, StatusArgs};
use super::plan::PlanArgs;
use super::run::{ApplyArgs, DestroyArgs, PowerArgs, RebalanceArgs, RecoverArgs};
use super::sim::SimCommand;
use super::state::{LockCommand, StateCommand};
use crate::exit::Exit;

/// All-or-nothing plan/apply for Docker Swarm clusters on AWS EC2.
#[derive(Debug, Parser)]
#[command(name = "subako", version = env!("SUBAKO_VERSION"), max_term_width = 100, after_help = Exit::help())]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The manifest
    #[arg(short, long, global = true, value_name = "FILE", default_value = "cluster.toml", help_heading = GLOBAL)]
    pub file: PathBuf,
    /// The cluster to look at or to repair without its manifest, by its name
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "file", help_heading = GLOBAL)]
    pub cluster: Option<String>,
    /// The bucket that the state is in, with --cluster: `s3://BUCKET/PREFIX?region=R`
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    pub state: Option<StateBucket>,
    /// Act on the simulator, whatever the manifest's provider is
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub sim: bool,
    /// Keep states under DIR instead of `.subako` beside the manifest
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub state_dir: Option<PathBuf>,
    /// Give `${var:KEY}` in the manifest a value (repeatable)
    #[arg(long = "var", global = true, value_name = "KEY=VALUE", value_parser = parse_var, help_heading = GLOBAL)]
    pub vars: Vec<(String, String)>,
    /// Give variables the values of a TOML file of `NAME = value` lines (repeatable: later ones win)
    #[arg(long = "var-file", global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub var_files: Vec<PathBuf>,
    /// When to use colour (auto: on a terminal, unless NO_COLOR is set)
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = GLOBAL)]
    pub color: ColorArg,
    /// Say more: every step and field, every note
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub verbose: bool,
    /// Wait this long for a lock that somebody else holds, for example 5m
    #[arg(long, global = true, value_name = "DURATION", default_value = "0s", value_parser = parse_duration, help_heading = GLOBAL)]
    pub lock_timeout: Duration,
}

const GLOBAL: &str = "Global options";

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn parse_var(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The manifest.
    Manifest,
    /// `plan`.
    Plan,
    /// `plan --drift`.
    Drift,
    /// `status`.
    Status,
    /// `show`.
    Show,
    /// A line of what a run prints: `apply`, `destroy`, `recover`, …
    Events,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented starter manifest
    New(NewArgs),
    /// Check the manifest alone, offline
    Validate,
    /// Show what an apply would change
    Plan(PlanArgs),
    /// Make the changes, or undo what was done
    Apply(ApplyArgs),
    /// Delete everything, and look for residue
    Destroy(DestroyArgs),
    /// Stop every instance; nothing is deleted
    Park(PowerArgs),
    /// Start a parked cluster again
    Resume(PowerArgs),
    /// Spread the tasks of services evenly again
    Rebalance(RebalanceArgs),
    /// Finish or undo a run that was interrupted
    Recover(RecoverArgs),
    /// Show the live cluster: nodes, services, tasks
    Status(StatusArgs),
    /// Show what is in the state
    Show(ShowArgs),
    /// Show endpoints: addresses and published URLs
    Output(OutputArgs),
    /// Draw the resources and what they depend on
    Graph(GraphArgs),
    /// Show the path from one end to another, proven from rules, subnets and routes, or where it stops
    Reach(ReachArgs),
    /// Look at the state, or repair it
    #[command(subcommand)]
    State(StateCommand),
    /// Look at the lock, or release a dead one
    #[command(subcommand)]
    Lock(LockCommand),
    /// Change the simulated world, as somebody or something outside of Subako would
    #[command(subcommand)]
    Sim(SimCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write the page of every command into a directory
    Man {
        /// Write `subako.1`, `subako-plan.1` and the others there
        dir: Option<PathBuf>,
    },
    /// Print a JSON Schema: of the manifest, or of what is printed with `--format json`
    Schema {
        /// Of what
        #[arg(long, value_name = "WHAT", default_value = "manifest")]
        of: SchemaOf,
    },
    /// Print the minimal IAM policy that permits everything Subako does
    Policy {
        /// With what it takes where the account encrypts disks with a KMS key of its own
        #[arg(long)]
        kms: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn refresh_can_be_switched_off() {
        let refresh = |arguments: &[&str]| match Cli::try_parse_from(arguments).expect("valid").command {
            Command::Plan(plan) => plan.refresh.refresh,
            other => panic!("expected a plan, got {other:?}"),
        };
        assert!(refresh(&["subako", "plan"]));
        assert!(!refresh(&["subako", "plan", "--refresh=false"]));
    }

    #[test]
    fn global_options_may_stand_after_the_command() {
        let cli = Cli::try_parse_from(["subako", "plan", "-f", "x.toml", "--sim", "--var", "a=b=c"])
            .expect("valid");
        assert_eq!(cli.global.vars, [("a".to_owned(), "b=c".to_owned())]);
        assert!(cli.global.sim);
        assert!(Cli::try_parse_from(["subako", "plan", "--var", "a"]).is_err());
    }

    #[test]
    fn a_saved_plan_takes_no_selection() {
        assert!(Cli::try_parse_from(["subako", "apply", "p", "--target", "service.x"]).is_err());
        assert!(Cli::try_parse_from(["subako", "apply", "p", "--expect", "abc"]).is_ok());
    }
}
