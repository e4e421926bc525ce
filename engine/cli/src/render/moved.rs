//! What a plan renames.

use subako_engine::plan::{Move, Plan};

use crate::plain::plain;

/// A line for each block: `pool.hand → pool.arm  docker.hand-0 as docker.arm-0, and 8 more`.
pub fn lines(plan: &Plan) -> Vec<String> {
    plan.moved.iter().map(line).collect()
}

fn line(moved: &Move) -> String {
    let names = match &moved.resources[..] {
        [] => String::new(),
        [one] => format!("  {} as {}", plain(&one.from), plain(&one.to)),
        [first, rest @ ..] => {
            format!(
                "  {} as {}, and {} more",
                plain(&first.from),
                plain(&first.to),
                rest.len()
            )
        }
    };
    format!("{} → {}{names}", plain(&moved.from), plain(&moved.to))
}
