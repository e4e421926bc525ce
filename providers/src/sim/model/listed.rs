//! Large maps as lists in the world's file: a sorted list becomes a map in one go, which is what
//! makes a world of many thousand instances quick to open.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes a map as a list of pairs.
pub(super) fn serialize<V: Serialize, S: Serializer>(
    map: &BTreeMap<String, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map)
}

/// Reads a list of pairs as a map.
pub(super) fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
    // Collecting sorts first, which costs nothing here, and builds the tree from the bottom up.
    Ok(Vec::<(String, V)>::deserialize(deserializer)?
        .into_iter()
        .collect())
}
