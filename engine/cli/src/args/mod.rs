//! The command line.
//!
//! * `cli`: the commands and the options of every command;
//! * `plan`, `run`, `look`, `state`, `sim`: the options of each.

mod cli;
mod duration;
mod look;
mod plan;
mod run;
mod sim;
mod state;
mod state_place;

pub use cli::{Cli, ColorArg, Command, Global, SchemaOf};
pub use look::{GraphArgs, GraphFormat, NewArgs, OutputArgs, ReachArgs, ShowArgs, StatusArgs};
pub use plan::{Format, PlanArgs, PlanFormat, RehearseArg, SelectionArgs};
pub use run::{
    ApplyArgs, DestroyArgs, OnFailureArg, PowerArgs, RebalanceArgs, RecoverArgs, RunArgs, VerbArgs,
};
pub use sim::{PortArgs, SimCommand};
pub use state::{LockCommand, StateCommand};
pub use state_place::StatePlace;
