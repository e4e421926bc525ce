//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use subako_engine::plan::Selection;

use crate::exit::Exit;

/// All-or-nothing plan/apply for Docker Swarm clusters on AWS EC2.
#[derive(Debug, Parser)]
#[command(name = "subako", version, max_term_width = 100, after_help = Exit::help())]
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
    /// Act on the simulator, whatever the manifest's provider is
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub sim: bool,
    /// Keep states under DIR instead of `.subako` beside the manifest
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub state_dir: Option<PathBuf>,
    /// Give `${var:KEY}` in the manifest a value (repeatable)
    #[arg(long = "var", global = true, value_name = "KEY=VALUE", value_parser = parse_var, help_heading = GLOBAL)]
    pub vars: Vec<(String, String)>,
    /// When to use colour (auto: on a terminal, unless NO_COLOR is set)
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = GLOBAL)]
    pub color: ColorArg,
    /// Say more: every step and field, every note
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub verbose: bool,
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
    /// Finish or undo a run that was interrupted
    Recover(RecoverArgs),
    /// Show the live cluster: nodes, services, tasks
    Status(StatusArgs),
    /// Show what the state knows
    Show(ShowArgs),
    /// Show endpoints: addresses and published URLs
    Output(OutputArgs),
    /// Draw the resources and what they depend on
    Graph(GraphArgs),
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
    /// Print the JSON Schema of the manifest
    Schema,
    /// Print the least IAM policy that permits everything Subako does
    Policy,
}

/// `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Where to write cluster.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The cluster's name; the directory's name if not given
    #[arg(long)]
    pub name: Option<String>,
}

/// Which part of the whole.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectionArgs {
    /// Only this and what it needs; `*` matches any run of characters (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub target: Vec<String>,
    /// Not this, nor what needs it (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub exclude: Vec<String>,
    /// Make this anew (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub replace: Vec<String>,
}

impl SelectionArgs {
    /// As the engine wants it.
    pub fn selection(&self, destroy: bool) -> Selection {
        Selection {
            target: self.target.clone(),
            exclude: self.exclude.clone(),
            replace: self.replace.clone(),
            destroy,
        }
    }
}

/// Whether the world is read before planning.
#[derive(Debug, Clone, Copy, Args)]
pub struct RefreshArg {
    /// Read the world first; `--refresh=false` trusts the state
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub refresh: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Save the plan, for `subako apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: PlanFormat,
    /// Exit with 2 if changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Show every step and field, folding nothing
    #[arg(long)]
    pub full: bool,
    /// Plan to delete everything
    #[arg(long)]
    pub destroy: bool,
    /// Ask AWS whether it would permit the plan's calls, without making any
    #[arg(long)]
    pub preflight: bool,
    /// Whether to read the world.
    #[command(flatten)]
    pub refresh: RefreshArg,
    /// Which part of the whole.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For pull requests.
    Markdown,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// How a run goes about its work.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// What to do when a step fails
    #[arg(long, value_name = "WHAT", default_value = "rollback")]
    pub on_failure: OnFailureArg,
    /// How many steps may be in flight at once
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub parallelism: u16,
    /// How to write progress (json: one event a line)
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// What happens when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnFailureArg {
    /// Everything is undone.
    Rollback,
    /// What was done stays.
    Keep,
}

/// `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan saved by `plan --out`: nothing else is applied
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "exclude", "replace", "destroy"])]
    pub plan_file: Option<PathBuf>,
    /// Apply only if the plan has this digest (whole, or its first twelve digits or more)
    #[arg(long, value_name = "DIGEST")]
    pub expect: Option<String>,
    /// Show every step and field of the plan, folding nothing
    #[arg(long)]
    pub full: bool,
    /// Delete everything
    #[arg(long)]
    pub destroy: bool,
    /// How to go about it.
    #[command(flatten)]
    pub run: RunArgs,
    /// Whether to read the world.
    #[command(flatten)]
    pub refresh: RefreshArg,
    /// Which part of the whole.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// `destroy`.
#[derive(Debug, Args)]
pub struct DestroyArgs {
    /// Destroy only if the plan has this digest (whole, or its first twelve digits or more)
    #[arg(long, value_name = "DIGEST")]
    pub expect: Option<String>,
    /// Show every step and field of the plan, folding nothing
    #[arg(long)]
    pub full: bool,
    /// How to go about it.
    #[command(flatten)]
    pub run: RunArgs,
    /// Whether to read the world.
    #[command(flatten)]
    pub refresh: RefreshArg,
    /// Which part of the whole.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// `recover`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("direction").required(true))]
pub struct RecoverArgs {
    /// Finish what the interrupted run had begun
    #[arg(long, group = "direction")]
    pub forward: bool,
    /// Undo what the interrupted run did
    #[arg(long, group = "direction")]
    pub back: bool,
    /// How to go about it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
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

/// The language of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
}

/// `state …`.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// List the addresses that the state knows
    List {
        /// Only these; `*` matches any run of characters
        #[arg(value_name = "PATTERN")]
        patterns: Vec<String>,
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
    /// List earlier states, oldest first, and check their chain
    History {
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Put an earlier state in place of the current one
    Restore {
        /// Its serial, as `state history` lists it
        serial: u64,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Make the state anew from the world's tags
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
