//! The resources and what they depend on, for those who draw.
//!
//! Both languages read more in a label than its text: names are quoted for each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use subako_state::Address;

use crate::plain::plain;

/// What is drawn: nodes, and edges from what is depended on.
#[derive(Debug, Clone, Default)]
pub struct Drawing<'a> {
    /// The nodes; `kind.*` stands for all of a kind.
    pub nodes: Vec<&'a Address>,
    /// The edges between them.
    pub edges: Vec<(&'a Address, &'a Address)>,
}

impl Drawing<'_> {
    /// In Graphviz's language.
    pub fn dot(&self) -> String {
        let mut out = String::from("digraph subako {\n  rankdir = \"LR\";\n  node [shape = box];\n");
        for node in &self.nodes {
            let style = if is_group(node) { " [shape = diamond]" } else { "" };
            let _ = writeln!(out, "  {}{style};", dot_name(node));
        }
        for (from, to) in &self.edges {
            let _ = writeln!(out, "  {} -> {};", dot_name(from), dot_name(to));
        }
        out.push_str("}\n");
        out
    }

    /// As a Mermaid flow chart.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        let mut names: BTreeMap<&Address, usize> = BTreeMap::new();
        for (position, node) in self.nodes.iter().enumerate() {
            names.insert(node, position);
            let (open, close) = if is_group(node) { ("{{", "}}") } else { ("[", "]") };
            let _ = writeln!(out, "  n{position}{open}\"{}\"{close}", mermaid_label(node));
        }
        for (from, to) in &self.edges {
            if let (Some(from), Some(to)) = (names.get(from), names.get(to)) {
                let _ = writeln!(out, "  n{from} --> n{to}");
            }
        }
        out
    }
}

fn is_group(node: &Address) -> bool {
    node.name() == "*"
}

/// A quoted name: a quote would end it, and a backslash begins an escape (`\N` is the node's name).
fn dot_name(node: &Address) -> String {
    let text = plain(node).to_string();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn mermaid_label(node: &Address) -> String {
    let text = mermaid_text(&node.to_string());
    match is_group(node) {
        // The star of a group stands alone: it emphasises nothing.
        true => text.replace("#42;", "*"),
        false => text,
    }
}

/// What stands in quotes: Mermaid reads markdown and HTML in it, so that what is no part of an
/// ordinary name is written by its number.
pub fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).to_string().chars() {
        match c {
            '.' | '-' | '_' | ' ' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(names: &[&str], edges: &[(usize, usize)]) -> (String, String) {
        let nodes: Vec<Address> = names.iter().map(|name| Address::new("toy", name)).collect();
        let drawing = Drawing {
            nodes: nodes.iter().collect(),
            edges: edges
                .iter()
                .map(|(from, to)| (&nodes[*from], &nodes[*to]))
                .collect(),
        };
        (drawing.dot(), drawing.mermaid())
    }

    #[test]
    fn a_group_is_a_node_of_another_shape() {
        let (dot, mermaid) = drawn(&["a", "*"], &[(0, 1)]);
        assert!(dot.contains("  \"toy.*\" [shape = diamond];\n"), "{dot}");
        assert!(dot.contains("  \"toy.a\" -> \"toy.*\";\n"), "{dot}");
        assert_eq!(
            mermaid,
            "flowchart LR\n  n0[\"toy.a\"]\n  n1{{\"toy.*\"}}\n  n0 --> n1\n"
        );
    }

    #[test]
    fn a_name_ends_no_quotes_and_begins_no_markup() {
        let (dot, mermaid) = drawn(&["a\"]; b -> c [x=\"\\N", "*"], &[]);
        assert!(dot.contains("\"toy.a\\\"]; b -> c [x=\\\"\\\\N\";"), "{dot}");
        assert!(
            mermaid.contains("toy.a#34;#93;#59; b -#62; c #91;x#61;#34;#92;N"),
            "{mermaid}"
        );
        let (_, mermaid) = drawn(&["<b>*x*</b>"], &[]);
        assert!(
            mermaid.contains("toy.#60;b#62;#42;x#42;#60;#47;b#62;"),
            "{mermaid}"
        );
    }
}
