//! Memory and CPU as Compose writes them.

use crate::manifest::decode::{Context, Decode, FromText, Malformed, Node, plain_schema};
use crate::manifest::error::{Code, ManifestError};
use toml::de::DeValue;

use super::duration::scaled;

/// Memory in bytes: `512M`, `1.5GiB`, `536870912`; units are powers of 1024.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A size in bytes, in the same words, however small: `64k`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// CPU in billionths: `0.5`, as a number or a string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpus(pub u64);

plain_schema! {
    Bytes => "Bytes" { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?([bB]|[kKmMgGtT](i?[bB])?)?$" },
    Size => "Size" { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?([bB]|[kKmMgGtT](i?[bB])?)?$" },
    Cpus => "Cpus" { "anyOf": [
        { "type": "number", "minimum": 0.001 },
        { "type": "string", "pattern": "^[0-9]*\\.?[0-9]+$" },
    ] },
}

/// Swarm refuses less for a task.
const LEAST_MEMORY: u64 = 4 << 20;
/// Swarm refuses less for a task.
const LEAST_CPU: u64 = 1_000_000;

impl FromText for Bytes {
    const FORM: &'static str = "an amount of memory such as \"512M\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let (number, unit) = parts(text);
        let bytes = counted(number, unit)?;
        if bytes < LEAST_MEMORY {
            let reason = Malformed::new("Swarm refuses less than 4 MiB");
            // Who writes 512 means no bytes.
            return Err(match unit.is_empty() && bytes > 0 && bytes < 1 << 16 {
                true => reason.help(format!(
                    "a number alone is bytes: write \"{number}M\" for mebibytes, \"{number}G\" for gibibytes"
                )),
                false => reason.help("write \"4M\" or more"),
            });
        }
        Ok(Self(bytes))
    }
}

impl FromText for Size {
    const FORM: &'static str = "a size such as \"64M\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let (number, unit) = parts(text);
        match counted(number, unit)? {
            0 => Err(Malformed::new("nothing fits into that").help("leave it out for no limit")),
            bytes => Ok(Self(bytes)),
        }
    }
}

/// A number and its unit.
fn parts(text: &str) -> (&str, &str) {
    let unit_at = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text.split_at(unit_at)
}

fn counted(number: &str, unit: &str) -> Result<u64, Malformed> {
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        // A number alone is bytes, as for Docker.
        "b" => 0,
        "" if !number.is_empty() => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => {
            return Err(Malformed::new("not a number with a unit of memory")
                .help("the units are b, k, m, g and t, each 1024 times the one before"));
        }
    };
    scaled(number, 1 << shift)
        .filter(|bytes| *bytes <= i64::MAX as u64)
        .ok_or_else(|| {
            Malformed::new(format!(
                "\"{number}\" is not a number that memory can be counted in"
            ))
        })
}

impl Cpus {
    fn parse(text: &str) -> Result<Self, Malformed> {
        let cpus = scaled(text, 1_000_000_000)
            .filter(|cpus| *cpus <= i64::MAX as u64)
            .ok_or_else(|| Malformed::new("not a number of CPUs"))?;
        if cpus < LEAST_CPU {
            return Err(Malformed::new("Swarm refuses less than 0.001"));
        }
        Ok(Self(cpus))
    }
}

impl Decode for Cpus {
    const EXPECTED: &'static str = "a number of CPUs such as 0.5";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let text = match node.get_ref() {
            DeValue::String(text) => cx.interpolate(text, node.span().into())?,
            DeValue::Integer(int) if int.radix() == 10 => int.as_str().to_owned(),
            DeValue::Float(float) => float.as_str().to_owned(),
            _ => {
                cx.wrong_type::<Self>(key, node);
                return None;
            }
        };
        match Self::parse(&text) {
            Ok(cpus) => Some(cpus),
            Err(malformed) => {
                cx.report(
                    ManifestError::new(Code::BadFormat, format!("`{key}` must be {}", Self::EXPECTED))
                        .at(node.span().into(), malformed.reason),
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_in_powers_of_1024() {
        let bytes = |text: &str| Bytes::from_text(text).ok().map(|b| b.0);
        assert_eq!(bytes("512M"), Some(512 << 20));
        assert_eq!(bytes("512mb"), Some(512 << 20));
        assert_eq!(bytes("1.5GiB"), Some(3 << 29));
        assert_eq!(bytes("4194304b"), Some(4 << 20));
        assert_eq!(bytes("536870912"), Some(512 << 20));
        for text in ["", "M", "512", "5 apples", "1.2.3M", "99999999999T", "1M", "-5M"] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
    }

    #[test]
    fn cpus_are_counted_in_billionths() {
        let cpus = |text: &str| Cpus::parse(text).ok().map(|c| c.0);
        assert_eq!(cpus("0.5"), Some(500_000_000));
        assert_eq!(cpus("2"), Some(2_000_000_000));
        for text in ["", "half", "0.0001", "-1", "1e3", "inf"] {
            assert_eq!(cpus(text), None, "{text:?}");
        }
    }
}
