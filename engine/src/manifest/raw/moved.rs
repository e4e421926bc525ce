//! `[[moved]]`.

use crate::manifest::decode::section;
use crate::manifest::formats::BlockName;

section! {
    /// A block that has another name from now on. What the state has under the old name is kept
    /// and goes by the new one; without this it would be destroyed, and created again. Once
    /// that is done the block says nothing any more, and can be removed.
    pub struct Moved = "[[moved]]" {
        /// The old name: "pool.NAME".
        required from: BlockName,
        /// The new name, which the manifest has.
        required to: BlockName,
    }
    elsewhere {
        "name" => "write the old name as from = \"pool.NAME\" and the new one as `to`",
    }
}
