//! `[[moved]]`.

use std::collections::{BTreeMap, BTreeSet};

use super::unique::Unique;
use crate::manifest::decode::{Context, did_you_mean};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::BlockName;
use crate::manifest::model::{Block, Moved};
use crate::manifest::raw::{self, Document};
use crate::manifest::span::{At, Span};

/// What the manifest has, by kind and name.
#[derive(Debug, Default)]
pub struct Blocks {
    names: BTreeMap<(Block, String), Span>,
    /// Kinds of which one has no usable name: it may be any.
    unnamed: BTreeSet<Block>,
}

impl Blocks {
    /// Those of a document.
    pub fn of(document: &Document) -> Self {
        let mut blocks = Self::default();
        for pool in document.pool.iter().flat_map(|pools| &pools.0) {
            let name = pool.name.as_ref().map(|name| (name.0.clone(), name.span));
            blocks.add(Block::Pool, name);
        }
        blocks
    }

    fn add(&mut self, block: Block, name: Option<(String, Span)>) {
        match name {
            Some((name, span)) => {
                self.names.insert((block, name), span);
            }
            None => {
                self.unnamed.insert(block);
            }
        }
    }

    fn span(&self, name: &BlockName) -> Option<Span> {
        self.names.get(&(name.block, name.name.clone())).copied()
    }

    fn may_have(&self, name: &BlockName) -> bool {
        self.unnamed.contains(&name.block) || self.span(name).is_some()
    }

    /// The names of a kind, as `[[moved]]` writes them, sorted.
    fn of_kind(&self, block: Block) -> Vec<String> {
        let names = self.names.keys().filter(|(kind, _)| *kind == block);
        names
            .map(|(kind, name)| format!("{}.{name}", kind.word()))
            .collect()
    }
}

/// One block as written.
type Written = (At<BlockName>, At<BlockName>);

/// Checks the blocks, one by one and together. What was moved more than once is moved at once to
/// where it is now.
pub fn check(cx: &mut Context<'_>, raw: Vec<At<raw::Moved>>, blocks: &Blocks) -> Vec<Moved> {
    let (mut from, mut to) = (Unique::new(), Unique::new());
    let mut written: Vec<Written> = Vec::new();
    for At { value: raw, span: _ } in raw {
        let (Some(old), Some(new)) = (raw.from, raw.to) else {
            continue;
        };
        if old.block != new.block {
            across(cx, &old, &new);
            continue;
        }
        from.claim(cx, old.value.clone(), old.span, || {
            format!("{} is moved twice", old.value)
        });
        to.claim(cx, new.value.clone(), new.span, || {
            format!("two blocks are moved to {}", new.value)
        });
        written.push((old, new));
    }
    let next: BTreeMap<&BlockName, &BlockName> = written
        .iter()
        .map(|(old, new)| (&old.value, &new.value))
        .collect();
    let mut told: BTreeSet<&BlockName> = BTreeSet::new();
    let mut moved = Vec::new();
    for (old, new) in &written {
        match goal(&next, &old.value) {
            Ok(goal) => {
                ends(cx, old, new, &next, blocks);
                moved.push(Moved {
                    block: old.block,
                    from: old.name.clone(),
                    to: goal.name.clone(),
                });
            }
            Err(circle) => {
                if !circle.iter().any(|name| told.contains(name)) {
                    in_circle(cx, old, new, &circle);
                }
                told.extend(circle);
            }
        }
    }
    moved
}

/// Where something that is moved from here is in the end, or the circle that it goes in.
fn goal<'a>(
    next: &BTreeMap<&'a BlockName, &'a BlockName>,
    from: &'a BlockName,
) -> Result<&'a BlockName, Vec<&'a BlockName>> {
    let mut way = vec![from];
    let mut at = from;
    while let Some(to) = next.get(at) {
        if let Some(first) = way.iter().position(|name| name == to) {
            return Err(way.split_off(first));
        }
        way.push(to);
        at = to;
    }
    Ok(at)
}

fn across(cx: &mut Context<'_>, old: &At<BlockName>, new: &At<BlockName>) {
    let (a, b) = (old.block.word(), new.block.word());
    cx.report(
        ManifestError::new(Code::Conflict, format!("a {a} cannot become a {b}"))
            .at(new.span, format!("a {b}"))
            .at(old.span, format!("a {a}"))
            .help("a block keeps its kind: only its name can change"),
    );
}

fn in_circle(cx: &mut Context<'_>, old: &At<BlockName>, new: &At<BlockName>, circle: &[&BlockName]) {
    let names: Vec<String> = circle
        .iter()
        .chain(circle.first())
        .map(ToString::to_string)
        .collect();
    let message = match circle {
        [one] => format!("{one} is moved to itself"),
        _ => format!("these are moved in a circle: {}", names.join(" → ")),
    };
    cx.report(
        ManifestError::new(Code::Conflict, message)
            .at(new.span, "back to where it was")
            .at(old.span, "from here")
            .help("remove one of these [[moved]] blocks: a name is given up for another that is free"),
    );
}

/// Whether the old name is free and the new one there.
fn ends(
    cx: &mut Context<'_>,
    old: &At<BlockName>,
    new: &At<BlockName>,
    next: &BTreeMap<&BlockName, &BlockName>,
    blocks: &Blocks,
) {
    let word = old.block.word();
    if let Some(still) = blocks.span(&old.value) {
        cx.report(
            ManifestError::new(
                Code::Conflict,
                format!("{} is moved, and the manifest still has it", old.value),
            )
            .at(old.span, "moved from here")
            .at(still, "still called so")
            .help(format!(
                "call that {word} \"{}\", or remove this [[moved]] block",
                new.name
            )),
        );
    }
    if !blocks.may_have(&new.value) && !next.contains_key(&new.value) {
        let known = blocks.of_kind(new.block);
        let near = did_you_mean(&new.value.to_string(), known.iter().map(String::as_str));
        let help = near.unwrap_or_else(|| match known.is_empty() {
            true => format!("the manifest has no {word}"),
            false => format!("the manifest has {}", known.join(", ")),
        });
        cx.report(
            ManifestError::new(Code::UnknownReference, format!("there is no {}", new.value))
                .at(new.span, "nothing in the manifest is called so")
                .help(help),
        );
    }
}
