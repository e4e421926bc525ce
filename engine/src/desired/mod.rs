//! What should be: the manifest lowered to resources.

mod ignored;

pub use ignored::Ignored;

use subako_state::{Address, Digest, Json};

/// One resource that should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Its address.
    pub address: Address,
    /// What is wanted of it, references unresolved.
    pub spec: Json,
    /// What has to be there first, beside what the spec refers to: addresses, or `kind.*`.
    pub depends_on: Vec<Address>,
    /// Whether deleting or replacing it is refused.
    pub protect: bool,
}

/// Everything that should be, in the order of the manifest: kinds first that others need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredSet {
    /// The resources.
    pub resources: Vec<Desired>,
    /// What of those that are there is left as it is.
    pub ignored: Ignored,
}

impl DesiredSet {
    /// The digest of all of it.
    pub fn digest(&self) -> Digest {
        let ignored: Vec<String> = self.ignored.lines().collect();
        let resources = self.resources.iter().flat_map(|resource| {
            let protect = if resource.protect { "\n1\n" } else { "\n0\n" };
            let depends_on = resource.depends_on.iter();
            [resource.address.as_str(), protect]
                .into_iter()
                .chain(depends_on.flat_map(|dependency| [dependency.as_str(), "\n"]))
                .chain([resource.spec.as_str(), "\n"])
        });
        // Where nothing is ignored a digest is what it was before anything could be.
        Digest::of_parts(resources.chain(ignored.iter().map(String::as_str)))
    }
}
