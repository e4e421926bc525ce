//! Hash maps for names, where nothing depends on their order.
//!
//! The standard hasher withstands keys chosen to collide. Names here come from the user's own
//! manifest and state, and looking them up is most of what planning a large cluster costs.

/// A map from names.
pub type FastMap<K, V> = rustc_hash::FxHashMap<K, V>;

/// A set of names.
pub type FastSet<K> = rustc_hash::FxHashSet<K>;
