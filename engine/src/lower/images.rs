//! Which image each instance boots. An image is looked up once and then kept: a newer one of
//! the same family is no reason to replace anything.

use super::image_query::query;
use super::records::Records;
use crate::manifest::Pool;
use crate::world::ImageQuery;

/// The images of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PoolImages {
    /// By index: the image that an instance has and keeps.
    pub kept: Vec<Option<String>>,
    /// The image of all the others: the pool's, else one to be looked up.
    pub others: Option<String>,
}

impl PoolImages {
    /// What a pool keeps of what the state has.
    pub fn recorded(pool: &Pool, records: &Records<'_>) -> Self {
        let kept: Vec<Option<String>> = records.images(pool).collect();
        let others = kept.iter().flatten().next().cloned();
        Self { kept, others }
    }

    /// The question that is left open.
    pub fn query(&self, pool: &Pool) -> Option<ImageQuery> {
        (self.others.is_none() && pool.count > 0).then(|| query(pool))
    }

    /// The image of an instance.
    pub fn of(&self, index: usize) -> &str {
        let kept = self.kept.get(index).and_then(Option::as_deref);
        kept.or(self.others.as_deref()).unwrap_or_default()
    }
}
