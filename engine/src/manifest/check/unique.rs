//! Values that only one may have.

use std::collections::BTreeMap;

use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::span::Span;

/// Who has which value, each with the place where it was taken.
#[derive(Debug)]
pub struct Unique<K>(BTreeMap<K, Span>);

impl<K: Ord> Unique<K> {
    /// Nothing taken.
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a value; gives the place where it had been taken before, if it had.
    pub fn take(&mut self, key: K, span: Span) -> Option<Span> {
        match self.0.entry(key) {
            std::collections::btree_map::Entry::Occupied(taken) => Some(*taken.get()),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(span);
                None
            }
        }
    }

    /// As [`Self::take`], reporting a second taker: `two pools are called "x"`.
    pub fn claim(&mut self, cx: &mut Context<'_>, key: K, span: Span, message: impl FnOnce() -> String) {
        if let Some(first) = self.take(key, span) {
            cx.report(
                ManifestError::new(Code::Duplicate, message())
                    .at(span, "again here")
                    .at(first, "first here")
                    .help("remove one of the two, or change it"),
            );
        }
    }
}
