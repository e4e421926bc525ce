//! What a task that failed has written last: kept before its service is taken away by an undo.

use crate::kind::StepContext;
use crate::kinds::nodes::display_name;
use crate::world::{Host, Node, Task};

/// So many lines are kept.
const LINES: u32 = 20;
/// So many characters of each.
const LONGEST: usize = 400;

/// A line that says whose they are, and the lines, without the contents of secrets that are at hand.
/// They are a courtesy: where they cannot be read, there are none.
pub(super) async fn last_words(
    task: &Task,
    nodes: &[Node],
    host: &dyn Host,
    cx: &StepContext,
) -> Vec<String> {
    let Ok(lines) = host.task_logs(&task.id, LINES).await else {
        return Vec::new();
    };
    let mut kept: Vec<String> = lines
        .iter()
        .rev()
        .map(|line| line.trim_end())
        .filter(|line| !line.is_empty())
        .take(LINES as usize)
        .map(|line| cut(&cx.world.vault.hide(line)))
        .collect();
    if kept.is_empty() {
        return kept;
    }
    kept.push(whose(task, nodes));
    kept.reverse();
    kept
}

fn whose(task: &Task, nodes: &[Node]) -> String {
    let slot = task.slot.map_or_else(String::new, |slot| format!(".{slot}"));
    let node = task.node_id.as_ref().map_or_else(String::new, |id| {
        let known = nodes.iter().find(|node| node.id == *id);
        format!(" on {}", known.map_or(id.as_str(), display_name))
    });
    format!("{}{slot}{node} wrote last:", task.service)
}

/// A line, cut where it is too long.
fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"é".repeat(LONGEST + 1));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'));
        assert_eq!(cut(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
    }
}
