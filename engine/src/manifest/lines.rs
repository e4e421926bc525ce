//! On which line each section, block and key of a manifest stands.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// The line of a block and of each of its keys.
#[derive(Debug, Clone, Default)]
struct Block {
    line: u32,
    keys: BTreeMap<String, u32>,
}

/// The lines of a manifest, from 1. They are no part of what it says: two manifests that say the
/// same are equal wherever their keys stand.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// Tables by path: `ssh`, `secret.NAME`.
    sections: BTreeMap<String, Block>,
    /// Blocks of lists, in the order written.
    lists: BTreeMap<String, Vec<Block>>,
}

impl PartialEq for Lines {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Lines {
    pub(super) fn of(text: &str, root: &DeTable<'_>) -> Self {
        let starts: Vec<usize> = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1)
            .collect();
        let line = |offset: usize| {
            let above = starts.partition_point(|start| *start <= offset);
            u32::try_from(above + 1).unwrap_or(u32::MAX)
        };
        let block = |at: usize, table: &DeTable<'_>| Block {
            line: line(at),
            keys: table
                .iter()
                .map(|(key, _)| (key.get_ref().to_string(), line(key.span().start)))
                .collect(),
        };
        let mut lines = Self::default();
        for (name, value) in root {
            match value.get_ref() {
                DeValue::Table(table) => {
                    let found = block(name.span().start, table);
                    lines.sections.insert(name.get_ref().to_string(), found);
                    for (inner, value) in table {
                        if let DeValue::Table(table) = value.get_ref() {
                            let path = format!("{}.{}", name.get_ref(), inner.get_ref());
                            lines.sections.insert(path, block(inner.span().start, table));
                        }
                    }
                }
                DeValue::Array(items) => {
                    let tables = items.iter().filter_map(|item| match item.get_ref() {
                        DeValue::Table(table) => Some(block(item.span().start, table)),
                        _ => None,
                    });
                    lines.lists.insert(name.get_ref().to_string(), tables.collect());
                }
                _ => {}
            }
        }
        lines
    }

    /// The line of a key in a table such as `ssh` or `secret.NAME`; of the table itself if the
    /// key is empty. `None` if the manifest does not have it.
    pub fn in_section(&self, section: &str, key: &str) -> Option<u32> {
        self.sections.get(section)?.line_of(key)
    }

    /// The same for a block of a list such as `pool`, counted from 0.
    pub fn in_block(&self, list: &str, index: usize, key: &str) -> Option<u32> {
        self.lists.get(list)?.get(index)?.line_of(key)
    }
}

impl Block {
    fn line_of(&self, key: &str) -> Option<u32> {
        match key {
            "" => Some(self.line),
            key => self.keys.get(key).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_block_and_key_has_its_line() {
        let text = "\
[ssh]
user = 'x'

[[pool]]
name = 'a'
[[pool]]
name = 'b'
count = 1
labels = { x = 'y' }

[secret.one]
file = 'f'
";
        let table = DeTable::parse(text).expect("toml");
        let lines = Lines::of(text, table.get_ref());
        assert_eq!(lines.in_section("ssh", ""), Some(1));
        assert_eq!(lines.in_section("ssh", "user"), Some(2));
        assert_eq!(lines.in_section("ssh", "port"), None);
        assert_eq!(lines.in_section("aws", ""), None);
        assert_eq!(lines.in_block("pool", 0, ""), Some(4));
        assert_eq!(lines.in_block("pool", 1, ""), Some(6));
        assert_eq!(lines.in_block("pool", 1, "labels"), Some(9));
        assert_eq!(lines.in_block("pool", 2, ""), None);
        assert_eq!(lines.in_section("secret.one", ""), Some(11));
        assert_eq!(lines.in_section("secret.one", "file"), Some(12));
    }
}
