//! `plan`, and the options that choose a part of the whole.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use subako_engine::money::FreeTier;
use subako_engine::plan::Selection;
use subako_engine::session::Guards;

/// Which part of the whole.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectionArgs {
    /// Only this and what it needs; `*` matches any run of characters (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub target: Vec<String>,
    /// Not this, nor what needs it (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub exclude: Vec<String>,
    /// Recreate this (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub replace: Vec<String>,
}

impl SelectionArgs {
    /// A selection as it has to be typed.
    pub fn words(selection: &Selection) -> Vec<String> {
        let chosen = [
            ("--target", &selection.target),
            ("--exclude", &selection.exclude),
            ("--replace", &selection.replace),
        ];
        let chosen = chosen.into_iter().flat_map(|(option, patterns)| {
            // A pattern that looks like an option has to stand in the same word.
            patterns
                .iter()
                .flat_map(move |pattern| match pattern.starts_with('-') {
                    true => vec![format!("{option}={pattern}")],
                    false => vec![option.to_owned(), pattern.clone()],
                })
        });
        let destroy = selection.destroy.then(|| "--destroy".to_owned());
        chosen.chain(destroy).collect()
    }

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

/// Whether plans are rehearsed.
#[derive(Debug, Clone, Copy, Args)]
pub struct RehearseArg {
    /// Play the plan on a model of the world first (default: yes, for plans of up to 5,000 steps)
    #[arg(long, value_name = "BOOL", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub rehearse: Option<bool>,
}

/// What is not to happen: such a plan is refused (exit code 5).
#[derive(Debug, Clone, Default, Args)]
pub struct GuardArgs {
    /// Refuse a plan that deletes or replaces more than N resources
    #[arg(long, value_name = "N")]
    pub max_destroy: Option<u32>,
    /// Refuse a plan with findings of this check, or with any `warnings` (repeatable)
    #[arg(long, value_name = "warnings|ID")]
    pub deny: Vec<String>,
}

impl GuardArgs {
    /// As the engine wants it.
    pub fn guards(&self) -> Guards {
        Guards {
            max_destroy: self.max_destroy,
            deny: self.deny.clone(),
        }
    }
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
    /// Only compare the state with the world, whatever the manifest wants: exit with 0 if nothing
    /// differs, with 2 if something does, with 1 if it cannot tell
    #[arg(long, conflicts_with_all = ["out", "destroy", "free_tier", "preflight", "refresh", "rehearse", "max_destroy", "deny", "target", "exclude", "replace"])]
    pub drift: bool,
    /// Plan to delete everything
    #[arg(long)]
    pub destroy: bool,
    /// Say how long the free tier lasts: `hours` (accounts from before 2025-07-15), or `credits=USD` left
    #[arg(long, value_name = "hours|credits=USD")]
    pub free_tier: Option<FreeTier>,
    /// Ask AWS whether it would permit the plan's calls, without making any
    #[arg(long)]
    pub preflight: bool,
    /// Whether to read the world.
    #[command(flatten)]
    pub refresh: RefreshArg,
    /// Whether to rehearse it.
    #[command(flatten)]
    pub rehearse: RehearseArg,
    /// What is not to happen.
    #[command(flatten)]
    pub guards: GuardArgs,
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
