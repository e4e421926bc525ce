//! What a step is about to do, for the calls that it will make.

use crate::world::Ownership;

use super::Kind;

/// What a step is about to do: create what was not there, change it, or delete it.
#[derive(Debug)]
pub struct Intent<'a, K: Kind> {
    /// Whose the object is. Its token is not the step's: nothing is called yet.
    pub ownership: &'a Ownership,
    /// What is there; `None` if nothing is.
    pub before: Option<K>,
    /// What will be; `None` if nothing will. References are unresolved.
    pub after: Option<K>,
    /// What the world answered of what is there.
    pub outputs: Option<K::Outputs>,
}
