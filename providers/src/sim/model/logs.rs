//! What the programs of tasks have written.

use subako_world::{ServiceSpec, TaskFilter, TaskState};

use super::program::Images;
use super::swarm::{At, SwarmFacts};

impl SwarmFacts {
    /// The last lines of a task's program, at most so many; none of one that never started, nor of an
    /// earlier version of its service.
    pub fn task_logs(&self, at: At, task_id: &str, most: u32) -> Vec<String> {
        let tasks = self.list_tasks(at, &TaskFilter::default());
        let task = tasks.into_iter().find(|task| task.id == task_id);
        let started =
            task.filter(|task| task.state >= TaskState::Running && task.state != TaskState::Rejected);
        let Some(task) = started else {
            return Vec::new();
        };
        let service = self.services.get(&task.service);
        let spec = service
            .map(|service| &service.spec)
            .filter(|spec| spec.image == task.image);
        let mut lines = spec.map_or_else(Vec::new, |spec| written(spec, self.images));
        let first = lines.len().saturating_sub(most as usize);
        lines.drain(..first);
        lines
    }
}

/// What a program writes: one that crashes says why, and every `echo` its words.
fn written(spec: &ServiceSpec, images: Images) -> Vec<String> {
    let mut lines = Vec::new();
    if images == Images::Telling && spec.image.contains("crash") {
        lines.push(format!("{}: starting", spec.image));
        lines.push("fatal: no configuration".to_owned());
    }
    let program = spec.entrypoint.iter().chain(&spec.command);
    for command in program.flat_map(|part| part.split(['\n', ';', '&', '|'])) {
        if let Some(words) = command.trim().strip_prefix("echo ") {
            lines.push(words.trim_matches(['"', '\'']).to_owned());
        }
    }
    lines
}
