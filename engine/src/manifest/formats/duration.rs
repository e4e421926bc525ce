//! Durations as Compose writes them: `10s`, `1m30s`, `1.5h`.

use crate::manifest::decode::{FromText, Malformed, plain_schema};

/// A duration in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub u64);

plain_schema!(Duration => "Duration" {
    "type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(h|m|s|ms|us))+$|^0$"
});

impl Duration {
    /// Whole seconds, rounded up: a deadline may be later, never earlier.
    pub fn seconds(self) -> u64 {
        self.0.div_ceil(1_000_000_000)
    }
}

/// Units with their nanoseconds, longer names before their prefixes.
const UNITS: [(&str, u64); 6] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

impl FromText for Duration {
    const FORM: &'static str = "a duration such as \"30s\" or \"1m30s\"";

    fn meant(written: &str) -> Option<String> {
        Some(format!("{written}s"))
    }

    fn from_text(text: &str) -> Result<Self, Malformed> {
        if text == "0" {
            return Ok(Self(0));
        }
        if text.is_empty() {
            return Err(Malformed::new("this is empty"));
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Malformed::new("a number without a unit").help(format!(
                "write \"{text}s\" for seconds, \"{text}m\" for minutes, \"{text}ms\" for milliseconds"
            )));
        }
        let mut nanos: u64 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let (number, after) = rest.split_at(digits);
            let unit = UNITS.iter().find(|(unit, _)| after.starts_with(unit));
            let Some((unit, factor)) = unit else {
                let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect();
                return Err(Malformed::new(if number.is_empty() {
                    format!("a number is missing before \"{after}\"")
                } else if word.is_empty() {
                    format!("a unit is missing after {number}")
                } else {
                    format!("\"{word}\" is not a unit of time")
                })
                .help("the units are h, m, s, ms and us"));
            };
            let part = scaled(number, *factor)
                .ok_or_else(|| Malformed::new(format!("\"{number}{unit}\" is not a number with a unit")))?;
            nanos = nanos
                .checked_add(part)
                .ok_or_else(|| Malformed::new("too long"))?;
            rest = &after[unit.len()..];
        }
        // Docker keeps durations in a signed 64-bit number.
        if nanos > i64::MAX as u64 {
            return Err(Malformed::new("longer than 292 years"));
        }
        Ok(Self(nanos))
    }
}

/// A decimal number times a factor, exactly, what is below one cut off; `None` if it is no
/// number or too large.
pub(super) fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(factor)?;
    let mut place = u128::from(factor);
    let mut part: u128 = 0;
    let mut divisor: u128 = 1;
    // Nineteen digits are below any factor here.
    for digit in fraction.bytes().take(18) {
        divisor *= 10;
        part = part * 10 + u128::from(digit - b'0');
    }
    place *= part;
    total = total.checked_add(u64::try_from(place / divisor).ok()?)?;
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<u64> {
        Duration::from_text(text).ok().map(|d| d.0)
    }

    #[test]
    fn durations_are_sums_of_numbers_with_units() {
        assert_eq!(nanos("10s"), Some(10_000_000_000));
        assert_eq!(nanos("1m30s"), Some(90_000_000_000));
        assert_eq!(nanos("1.5h"), Some(5_400_000_000_000));
        assert_eq!(nanos("2m500ms3us"), Some(120_500_003_000));
        assert_eq!(nanos("0"), Some(0));
        assert_eq!(nanos(".5s"), Some(500_000_000));
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "10",
            "s",
            "10 s",
            "1d",
            "10s5",
            "-1s",
            "1.2.3s",
            ".s",
            "9999999999999h",
            "1e3s",
            "１s",
        ] {
            assert_eq!(nanos(text), None, "{text:?}");
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(Duration(1_500_000_000).seconds(), 2);
        assert_eq!(Duration(2_000_000_000).seconds(), 2);
    }
}
