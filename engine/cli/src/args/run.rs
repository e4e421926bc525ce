//! `apply`, `destroy`, `park`, `resume`, `rebalance`, `recover`, and how a run goes about its work.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::plan::{Format, GuardArgs, RefreshArg, RehearseArg, SelectionArgs};

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

/// Whether AWS is asked for its permission before anything is changed.
#[derive(Debug, Clone, Copy, Args)]
pub struct PreflightArg {
    /// Ask AWS (DryRun) whether it permits the plan's calls before making the first
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub preflight: bool,
}

/// `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan saved by `plan --out`: nothing else is applied
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "exclude", "replace", "destroy"])]
    pub plan_file: Option<PathBuf>,
    /// Apply only if the plan has this digest (whole, or its first twelve digits or more), or is
    /// the one of this marker of a comment (`<!-- subako-plan … -->`)
    #[arg(long, value_name = "DIGEST|MARKER")]
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
    /// Whether to ask first.
    #[command(flatten)]
    pub preflight: PreflightArg,
    /// Whether to read the world.
    #[command(flatten)]
    pub refresh: RefreshArg,
    /// Whether to rehearse the plan.
    #[command(flatten)]
    pub rehearse: RehearseArg,
    /// What is not to happen.
    #[command(flatten)]
    pub guards: GuardArgs,
    /// Which part of the whole.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// `destroy`.
#[derive(Debug, Args)]
pub struct DestroyArgs {
    /// Destroy only if the plan has this digest (whole, or its first twelve digits or more), or is
    /// the one of this marker of a comment (`<!-- subako-plan … -->`)
    #[arg(long, value_name = "DIGEST|MARKER")]
    pub expect: Option<String>,
    /// Show every step and field of the plan, folding nothing
    #[arg(long)]
    pub full: bool,
    /// How to go about it.
    #[command(flatten)]
    pub run: RunArgs,
    /// Whether to ask first.
    #[command(flatten)]
    pub preflight: PreflightArg,
    /// Whether to read the world.
    #[command(flatten)]
    pub refresh: RefreshArg,
    /// Whether to rehearse the plan.
    #[command(flatten)]
    pub rehearse: RehearseArg,
    /// What is not to happen.
    #[command(flatten)]
    pub guards: GuardArgs,
    /// Which part of the whole.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// What every verb beside `apply` and `destroy` takes.
#[derive(Debug, Args)]
pub struct VerbArgs {
    /// Go ahead only if the plan has this digest (whole, or its first twelve digits or more)
    #[arg(long, value_name = "DIGEST")]
    pub expect: Option<String>,
    /// Show every step and field of the plan, folding nothing
    #[arg(long)]
    pub full: bool,
    /// How to go about it.
    #[command(flatten)]
    pub run: RunArgs,
    /// Whether to rehearse the plan.
    #[command(flatten)]
    pub rehearse: RehearseArg,
}

/// `park`, `resume`.
#[derive(Debug, Args)]
pub struct PowerArgs {
    /// What every verb takes.
    #[command(flatten)]
    pub verb: VerbArgs,
    /// Whether to ask first.
    #[command(flatten)]
    pub preflight: PreflightArg,
}

/// `rebalance`.
#[derive(Debug, Args)]
pub struct RebalanceArgs {
    /// Change nothing: exit with 0 if every service is spread evenly, with 2 if one is not
    #[arg(long, conflicts_with_all = ["expect", "full", "yes"])]
    pub check: bool,
    /// What every verb takes.
    #[command(flatten)]
    pub verb: VerbArgs,
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
    /// Begin a swarm that has lost its quorum for good again, from one of its managers
    #[arg(long, group = "direction")]
    pub quorum: bool,
    /// With --quorum: go ahead only if the plan has this digest (whole, or its first twelve digits or more)
    #[arg(long, value_name = "DIGEST", requires = "quorum")]
    pub expect: Option<String>,
    /// Whether to rehearse it.
    #[command(flatten)]
    pub rehearse: RehearseArg,
    /// How to go about it.
    #[command(flatten)]
    pub run: RunArgs,
}
