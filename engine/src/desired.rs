//! What should be: the manifest lowered to resources.

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
}

impl DesiredSet {
    /// The digest of all of it.
    pub fn digest(&self) -> Digest {
        Digest::of_parts(self.resources.iter().flat_map(|resource| {
            let mut head = format!("{}\n{}\n", resource.address, u8::from(resource.protect));
            for dependency in &resource.depends_on {
                head.push_str(dependency.as_str());
                head.push('\n');
            }
            [
                head.into_bytes(),
                resource.spec.as_str().as_bytes().to_vec(),
                b"\n".to_vec(),
            ]
        }))
    }
}
