//! What changes and what it depends on, as a Mermaid flow chart: only what changes.

use std::collections::{BTreeMap, BTreeSet};

use subako_engine::plan::{Action, Plan, Step};
use subako_state::Address;

use super::section::{Rank, Section};
use crate::render::drawing::mermaid_text;
use crate::render::{fold, plan_text};

/// Larger drawings are not read, and forges refuse to draw the largest.
const NODES: usize = 60;
/// The same for lines between them.
const EDGES: usize = 150;

/// Word, fill and stroke of each symbol. The word stands in the label, too: a symbol at its
/// beginning would be taken for a list.
const CLASSES: [(&str, &str, &str); 5] = [
    ("+", "create", "fill:#dafbe1,stroke:#1a7f37,color:#0d2b16"),
    ("~", "change", "fill:#fff8c5,stroke:#9a6700,color:#3b2300"),
    ("-/+", "replace", "fill:#ffd8b5,stroke:#bc4c00,color:#471700"),
    ("-", "destroy", "fill:#ffebe9,stroke:#cf222e,color:#4c0014"),
    ("↻", "adopt", "fill:#ddf4ff,stroke:#0969da,color:#002155"),
];

/// The drawing, or nothing where it would be too large to be read.
pub fn section(plan: &Plan, entries: &[fold::Entry]) -> Option<Section> {
    let graph = Graph::of(plan, entries);
    let drawn = graph.nodes.len();
    if !(2..=NODES).contains(&drawn) || graph.edges.len() > EDGES {
        return None;
    }
    Some(
        Section::of(Rank::Graph, "the graph", graph.lines())
            .whole()
            .fenced("mermaid")
            .folded("Graph of what changes"),
    )
}

struct Graph {
    /// Label and symbol of each.
    nodes: Vec<(String, &'static str)>,
    /// From what is depended on; by number.
    edges: BTreeSet<(usize, usize)>,
}

impl Graph {
    fn of(plan: &Plan, entries: &[fold::Entry]) -> Self {
        let mut nodes = Vec::new();
        let mut places: BTreeMap<&Address, usize> = BTreeMap::new();
        let mut kinds: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        // The old half of a replacement, or what is gone already, is in the node of the new one.
        let created: BTreeSet<&Address> = plan
            .steps
            .iter()
            .filter(|step| step.action() == Action::Create)
            .map(|step| &step.address)
            .collect();
        let old_half = |step: &Step| step.action() != Action::Create && created.contains(&step.address);
        let drawn: Vec<&fold::Entry> = entries
            .iter()
            .filter(|entry| !old_half(&plan.steps[entry[0]]))
            .collect();
        for entry in &drawn {
            let step = &plan.steps[entry[0]];
            for number in *entry {
                places.insert(&plan.steps[*number].address, nodes.len());
            }
            kinds.entry(step.address.kind()).or_default().insert(nodes.len());
            nodes.push((fold::label(&plan.steps, entry), plan_text::symbol(step).0));
        }
        let mut edges = BTreeSet::new();
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &drawn {
            let of = places[&plan.steps[entry[0]].address];
            for number in *entry {
                for wanted in plan.steps[*number].depends_on() {
                    let from = match (wanted.name(), kinds.get(wanted.kind())) {
                        ("*", Some(all)) if all.len() > 1 => {
                            // All of a kind meet in one node, so that lines stay few.
                            let meet = *groups.entry(wanted.kind()).or_insert_with(|| {
                                nodes.push((format!("every {}", wanted.kind()), ""));
                                nodes.len() - 1
                            });
                            edges.extend(all.iter().map(|one| (*one, meet)));
                            Some(meet)
                        }
                        ("*", Some(all)) => all.first().copied(),
                        _ => places.get(wanted).copied(),
                    };
                    edges.extend(from.filter(|from| *from != of).map(|from| (from, of)));
                }
            }
        }
        Self { nodes, edges }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec!["flowchart LR".to_owned()];
        for (number, (label, symbol)) in self.nodes.iter().enumerate() {
            let class = CLASSES.iter().find(|(of, ..)| of == symbol);
            lines.push(match class {
                Some((_, class, _)) => {
                    format!(
                        "  n{number}[\"{}\"]:::{class}",
                        mermaid_text(&format!("{class} {label}"))
                    )
                }
                None => format!("  n{number}{{{{\"{}\"}}}}", mermaid_text(label)),
            });
        }
        let edges = self.edges.iter();
        lines.extend(edges.map(|(from, to)| format!("  n{from} --> n{to}")));
        let used = CLASSES
            .iter()
            .filter(|(of, ..)| self.nodes.iter().any(|(_, symbol)| symbol == of));
        lines.extend(used.map(|(_, class, style)| format!("  classDef {class} {style}")));
        lines
    }
}
