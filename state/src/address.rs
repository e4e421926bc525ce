//! `kind.name`: the name of a resource.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a resource: `kind.name`, unique in a cluster. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

/// A text that is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address: expected `kind.name`, for example `instance.manager-0`")]
pub struct AddressError(pub String);

impl Address {
    /// The address of `name` among the resources of `kind`.
    pub fn new(kind: &str, name: &str) -> Self {
        let mut text = String::with_capacity(kind.len() + 1 + name.len());
        text.push_str(kind);
        text.push('.');
        text.push_str(name);
        Self(text.into())
    }

    /// Where the first dot is. A kind is so short that stepping is faster than searching.
    fn dot(&self) -> Option<usize> {
        self.0.bytes().position(|byte| byte == b'.')
    }

    /// The part before the first dot.
    pub fn kind(&self) -> &str {
        self.dot().map_or(&self.0, |dot| &self.0[..dot])
    }

    /// The part after the first dot.
    pub fn name(&self) -> &str {
        self.dot().map_or("", |dot| &self.0[dot + 1..])
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `pattern` names this address: itself, or with `*` for any run of characters.
    pub fn matches(&self, pattern: &str) -> bool {
        matches(pattern.as_bytes(), self.0.as_bytes())
    }
}

/// Glob match with `*` only; linear, because only the last star is ever retried.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            retry = Some((p, t));
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((star, from)) = retry {
            p = star + 1;
            t = from + 1;
            retry = Some((star, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once('.') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(Self(text.into())),
            _ => Err(AddressError(text.to_owned())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Address, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_at_its_first_dot() {
        let address: Address = "service.a.b".parse().expect("an address");
        assert_eq!((address.kind(), address.name()), ("service", "a.b"));
        assert!("service".parse::<Address>().is_err());
        assert!(".x".parse::<Address>().is_err());
    }

    #[test]
    fn a_star_matches_any_run_of_characters() {
        let address = Address::new("instance", "node-12");
        for pattern in ["instance.node-12", "instance.*", "*node*", "*", "i*.*-*2"] {
            assert!(address.matches(pattern), "{pattern}");
        }
        for pattern in ["instance.node-1", "docker.*", "", "*-3"] {
            assert!(!address.matches(pattern), "{pattern}");
        }
    }

    /// What a pattern means, in its shortest form.
    fn meant(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|from| meant(rest, &text[from..])),
            ([first, rest @ ..], [byte, text @ ..]) => first == byte && meant(rest, text),
            (_, []) => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_matches_what_it_means(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
            let matched = matches(pattern.as_bytes(), text.as_bytes());
            proptest::prop_assert_eq!(matched, meant(pattern.as_bytes(), text.as_bytes()));
        }
    }

    #[test]
    fn an_address_is_written_as_it_is_read() {
        let address = Address::new("instance", "node-12");
        assert_eq!(address.as_str(), "instance.node-12");
        assert_eq!(format!("{address:?}"), "instance.node-12");
        assert_eq!(format!("[{address:<18}]"), "[instance.node-12  ]");
        let text = serde_json::to_string(&address).expect("json");
        assert_eq!(text, r#""instance.node-12""#);
        assert_eq!(
            serde_json::from_str::<Address>(&text).expect("an address"),
            address
        );
        let refused = |text: &str| serde_json::from_str::<Address>(text).expect_err(text).to_string();
        assert!(refused("1").contains("expected a string"), "{}", refused("1"));
        assert!(
            refused(r#""node""#).contains("`node` is not an address"),
            "{}",
            refused(r#""node""#)
        );
    }
}
