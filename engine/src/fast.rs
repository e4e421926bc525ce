//! Hash maps for names, where nothing depends on their order.
//!
//! The standard hasher withstands keys chosen to collide. Names here come from the user's own
//! manifest and state, and looking them up is most of what planning a large cluster costs.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map from names.
pub type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// A set of names.
pub type FastSet<K> = HashSet<K, BuildHasherDefault<FastHasher>>;

/// Mixes eight bytes at a time by a multiplication whose halves are folded together, so that
/// every bit of the input reaches every bit of the hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct FastHasher(u64);

/// The golden ratio's fraction, which is odd and has no pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl FastHasher {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ FACTOR) * u128::from(FACTOR.rotate_left(32) | 1);
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(last) ^ ((rest.len() as u64) << 56));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn numbered_names_spread_over_low_and_high_bits() {
        let build = BuildHasherDefault::<FastHasher>::default();
        let mut low = HashSet::new();
        let mut high = HashSet::new();
        for number in 0..4096 {
            let hash = build.hash_one(format!("instance.worker-{number}"));
            low.insert(hash & 0xffff);
            high.insert(hash >> 48);
        }
        // 4,096 balls in 65,536 bins meet about 124 times.
        assert!(low.len() > 3_800, "{}", low.len());
        assert!(high.len() > 3_800, "{}", high.len());
    }
}
