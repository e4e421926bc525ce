//! What the planner comes across by itself.

use super::{About, Category};

/// Something could not be read.
pub static REFRESH: About = About {
    id: "refresh",
    category: Category::State,
    documentation: "What cannot be read is planned as the state has it.",
};

/// A name is taken.
pub static FOREIGN: About = About {
    id: "foreign",
    category: Category::State,
    documentation: "What does not carry the cluster's tags is somebody else's, and is left alone.",
};

/// Something is taken in that is not what is wanted, and cannot become so in place.
pub static ADOPTION: About = About {
    id: "adoption",
    category: Category::State,
    documentation: "What carries the cluster's tags is taken into the state as it is; what only a replacement could change is for the next plan.",
};

/// What only one can hold cannot be handed over.
pub static CLAIMS: About = About {
    id: "claims",
    category: Category::Network,
    documentation: "A port, a range, an address or a name is released before somebody else takes it.",
};

/// A plan fails when it is played in a model of the world.
pub static REHEARSAL: About = About {
    id: "rehearsal",
    category: Category::State,
    documentation: "What fails in a model of the world as it is would fail in the world.",
};

/// There is something beside what the manifest wants.
pub static STRAYS: About = About {
    id: "strays",
    category: Category::State,
    documentation: "What carries the cluster's tags and is in neither manifest nor state is shown, and deleted.",
};

/// A machine cannot be stopped or started with the others.
pub static POWER: About = About {
    id: "power",
    category: Category::Availability,
    documentation: "Parking stops every machine of the cluster, and resuming starts every one of them.",
};

/// A swarm that has lost its quorum is re-formed.
pub static QUORUM_LOST: About = About {
    id: "quorum-lost",
    category: Category::Availability,
    documentation: "A swarm without a majority of its managers is re-formed from a surviving one; what only the others knew is lost.",
};

/// More would go than whoever plans allows.
pub static MAX_DESTROY: About = About {
    id: "max-destroy",
    category: Category::Availability,
    documentation: "No more is deleted or replaced than --max-destroy allows.",
};

/// The manifest says what a check matters that does not exist.
pub static CHECKS: About = About {
    id: "checks",
    category: Category::State,
    documentation: "What [checks] says of a finding holds only if there is such a check.",
};

/// A part of the whole is planned.
pub static SELECTION: About = About {
    id: "selection",
    category: Category::State,
    documentation: "What can only change together is planned together, or left for a later apply.",
};

/// A field is left as it is.
pub static IGNORED: About = About {
    id: "ignored",
    category: Category::State,
    documentation: "What ignore_changes names is left as it is, and said where it hides a difference.",
};

/// All of these.
pub static ALL: [&About; 12] = [
    &REFRESH,
    &FOREIGN,
    &ADOPTION,
    &CLAIMS,
    &REHEARSAL,
    &STRAYS,
    &POWER,
    &QUORUM_LOST,
    &MAX_DESTROY,
    &CHECKS,
    &SELECTION,
    &IGNORED,
];
