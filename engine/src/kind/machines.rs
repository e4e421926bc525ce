//! Kinds that supply machines.

use async_trait::async_trait;
use subako_state::Json;

use super::StepContext;
use crate::machine::Machine;
use crate::world::Result;

/// The machines that a kind supplies: Docker Engines, nodes and the swarm stand on them without
/// knowing whose they are.
#[async_trait]
pub trait Machines: Send + Sync {
    /// The kind's name.
    fn kind(&self) -> &'static str;

    /// The machine that a resource's outputs speak of; `None` if they cannot be read.
    fn recorded(&self, outputs: &Json) -> Option<Machine>;

    /// The machine with that id as it is now; `None` if there is none.
    async fn find(&self, id: &str, cx: &StepContext) -> Result<Option<Machine>>;

    /// All machines of the step's cluster as they are now.
    async fn of_cluster(&self, cx: &StepContext) -> Result<Vec<Machine>>;

    /// Starts one, whatever it is on its way to, and waits until it runs.
    async fn start(&self, machine: &Machine, cx: &StepContext) -> Result<Machine>;

    /// Stops one, and waits until it has stopped.
    async fn stop(&self, machine: &Machine, cx: &StepContext) -> Result<()>;
}
