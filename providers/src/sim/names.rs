//! Ids, durations and addresses made from the seed and an object's identity, never from the
//! order in which calls arrive.

use std::net::Ipv4Addr;

/// Milliseconds of the world's own time.
pub(crate) type Ms = u64;

/// Mixes a seed and an identity into 64 evenly spread bits (FNV-1a, finished as SplitMix64).
pub(crate) fn mix(seed: u64, parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ finish(seed);
    for part in parts {
        // A separator that no part contains keeps ("ab", "c") apart from ("a", "bc").
        for byte in part.bytes().chain(std::iter::once(0xff)) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    finish(hash)
}

/// SplitMix64's finaliser.
pub(crate) fn finish(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A duration between `low` and `high` milliseconds, both included.
pub(crate) fn span(seed: u64, low: Ms, high: Ms, parts: &[&str]) -> Ms {
    low + mix(seed, parts) % (high - low + 1)
}

/// An EC2 id: `prefix-` and seventeen hexadecimal digits.
pub(crate) fn ec2_id(prefix: &str, seed: u64, parts: &[&str]) -> String {
    let first = mix(seed, parts);
    format!("{prefix}-{first:016x}{:x}", finish(first) & 0xf)
}

/// A Swarm object's id: 25 characters of base 36, as the engine makes them.
pub(crate) fn swarm_id(seed: u64, parts: &[&str]) -> String {
    base36(mix(seed, parts), 25)
}

/// `length` characters of base 36, drawn from a stream that starts at `from`.
pub(crate) fn base36(from: u64, length: usize) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut state = from;
    let mut text = String::with_capacity(length);
    while text.len() < length {
        state = finish(state);
        let mut word = state;
        for _ in 0..8.min(length - text.len()) {
            text.push(char::from(DIGITS[(word % 36) as usize]));
            word /= 36;
        }
    }
    text
}

/// A public address out of ranges that EC2 uses; it differs with every start.
pub(crate) fn public_address(seed: u64, id: &str, starts: u32) -> Ipv4Addr {
    const FIRST: [u8; 6] = [3, 13, 18, 35, 52, 54];
    let bits = mix(seed, &["public address", id, &starts.to_string()]);
    let [a, b, c, d, ..] = bits.to_le_bytes();
    Ipv4Addr::new(FIRST[usize::from(a) % FIRST.len()], 64 + b % 128, c, 1 + d % 254)
}

/// An ed25519 host key as ssh shows it: `ssh-ed25519 ` and the base64 of the wire form.
pub(crate) fn host_key(seed: u64, id: &str) -> String {
    let mut wire = Vec::with_capacity(51);
    wire.extend_from_slice(&11_u32.to_be_bytes());
    wire.extend_from_slice(b"ssh-ed25519");
    wire.extend_from_slice(&32_u32.to_be_bytes());
    let mut state = mix(seed, &["host key", id]);
    for _ in 0..4 {
        state = finish(state);
        wire.extend_from_slice(&state.to_be_bytes());
    }
    format!("ssh-ed25519 {}", base64(&wire))
}

/// Standard base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| (word << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(DIGITS[((word >> (18 - 6 * place)) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_gives_the_same_bits_and_another_gives_others() {
        assert_eq!(mix(7, &["a", "b"]), mix(7, &["a", "b"]));
        assert_ne!(mix(7, &["ab", "c"]), mix(7, &["a", "bc"]));
        assert_ne!(mix(7, &["a"]), mix(8, &["a"]));
    }

    #[test]
    fn ids_have_the_shape_of_the_real_ones() {
        let id = ec2_id("i", 1, &["token"]);
        assert_eq!(id.len(), 19);
        assert!(id[2..].bytes().all(|b| b.is_ascii_hexdigit()));
        let id = swarm_id(1, &["node"]);
        assert_eq!(id.len(), 25);
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    }

    #[test]
    fn a_span_stays_within_its_ends() {
        for n in 0..500_u32 {
            let ms = span(3, 40, 120, &[&n.to_string()]);
            assert!((40..=120).contains(&ms), "{ms}");
        }
    }

    #[test]
    fn base64_agrees_with_the_test_vectors_of_rfc_4648() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert!(host_key(1, "i-0").starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
    }
}
