//! `[[moved]]`: what of the state still goes by an old name, and the state with the new ones.

use std::collections::BTreeSet;

use subako_state::{Address, Snapshot};

use super::rename::Moving;
use crate::finding::{About, Category, Finding, Severity};
use crate::kind::Registry;
use crate::manifest::{Block, Manifest};
use crate::plan::{Move, Renaming, moved};

/// Something cannot be moved.
static MOVED: About = About {
    id: "moved",
    category: Category::State,
    documentation: "What has another name keeps what it stands for, unless something goes by the new name already.",
};

/// What has yet to be moved.
pub(super) struct Moves {
    /// The blocks with something under their old name.
    pub moves: Vec<Move>,
    /// The state as if they were moved.
    pub snapshot: Snapshot,
    /// What cannot be moved.
    pub findings: Vec<Finding>,
}

impl Moves {
    /// Of a manifest and what is recorded. A destroy moves nothing.
    pub fn of(manifest: &Manifest, snapshot: &Snapshot, registry: &Registry, destroy: bool) -> Self {
        let mut found = Self {
            moves: Vec::new(),
            snapshot: snapshot.clone(),
            findings: Vec::new(),
        };
        let kinds = Moving::of(registry).kinds;
        for block in manifest.moved.iter().filter(|_| !destroy) {
            let resources = match block.block {
                Block::Pool => machines(&kinds, snapshot, &block.from, &block.to),
            };
            if resources.is_empty() {
                continue;
            }
            let taken = resources.iter().map(|each| &each.to);
            let taken = taken.filter(|address| snapshot.get(address).is_some());
            let taken: BTreeSet<&Address> = taken.collect();
            let word = block.block.word();
            match taken.first() {
                Some(first) => found.findings.push(
                    Finding::new(
                        Severity::Error,
                        &MOVED,
                        format!(
                            "{word} `{}` cannot become `{}`: the state has {first} already",
                            block.from, block.to
                        ),
                    )
                    .with_remedy(format!(
                        "remove this [[moved]] block to destroy what goes by `{}`, or give it a name that is free",
                        block.from
                    ))
                    .at("moved", &block.from, "from"),
                ),
                None => found.moves.push(Move {
                    from: format!("{word}.{}", block.from),
                    to: format!("{word}.{}", block.to),
                    resources,
                }),
            }
        }
        if !found.moves.is_empty() {
            found.snapshot.resources = moved(&snapshot.resources, &found.moves);
        }
        found
    }
}

/// The machines of a pool, and what takes their names along: all that is recorded, however many the
/// manifest wants now.
fn machines(kinds: &[&str], snapshot: &Snapshot, from: &str, to: &str) -> Vec<Renaming> {
    let addresses = snapshot.resources.iter().map(|resource| &resource.address);
    let of_pool = addresses.filter_map(|address| {
        let (pool, index) = address.name().rsplit_once('-')?;
        let is_number = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
        (pool == from && is_number && kinds.contains(&address.kind())).then(|| Renaming {
            from: address.clone(),
            to: Address::new(address.kind(), &format!("{to}-{index}")),
        })
    });
    let all: BTreeSet<Renaming> = of_pool.collect();
    all.into_iter().collect()
}
