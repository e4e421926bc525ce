//! An amount of US dollars, exact.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Billionths in one.
const ONE: i64 = 1_000_000_000;
/// Decimals of an amount.
const DECIMALS: usize = 9;

/// US dollars, in billionths: AWS's price list has at most that many decimals that matter, and
/// sums of it come out the same on every machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount of dollars such as 0.0104, with at most nine decimals")]
pub struct BadAmount;

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many billionths of a dollar.
    pub const fn billionths(amount: i64) -> Self {
        Self(amount)
    }

    /// This many times as much; stays at the largest amount rather than wrapping.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        let count = if count > i64::MAX as u64 {
            i64::MAX
        } else {
            count as i64
        };
        Self(self.0.saturating_mul(count))
    }

    /// One of so many equal parts, rounded to the nearest billionth.
    #[must_use]
    pub const fn divided_by(self, parts: u32) -> Self {
        let parts = if parts == 0 { 1 } else { parts as i64 };
        let half = if self.0 < 0 { -(parts / 2) } else { parts / 2 };
        Self(self.0.saturating_add(half) / parts)
    }

    /// How often an amount, which must be more than nothing, goes into this one, in thousandths.
    pub const fn thousandths_of(self, other: Self) -> Option<u64> {
        if other.0 <= 0 || self.0 < 0 {
            return None;
        }
        Some((self.0 as u128 * 1000 / other.0 as u128) as u64)
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Dollars as a floating point number, for those who only show it.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / ONE as f64
    }

    /// With so many decimals (at most nine), rounded half away from zero: `3.84`.
    pub fn rounded(self, decimals: u32) -> String {
        let decimals = decimals.min(DECIMALS as u32);
        let unit = 10_u64.pow(DECIMALS as u32 - decimals);
        let whole = (self.0.unsigned_abs() + unit / 2) / unit;
        let scale = 10_u64.pow(decimals);
        let sign = if self.0 < 0 && whole > 0 { "-" } else { "" };
        match decimals {
            0 => format!("{sign}{whole}"),
            _ => format!(
                "{sign}{}.{:0width$}",
                whole / scale,
                whole % scale,
                width = decimals as usize
            ),
        }
    }
}

/// Every decimal that it has, at least two.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.rounded(DECIMALS as u32);
        let least = all.len() - DECIMALS + 2;
        let trimmed = all.trim_end_matches('0');
        f.write_str(&all[..trimmed.len().max(least)])
    }
}

impl FromStr for Usd {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        // AWS writes ten decimals, of which the last is a zero.
        let decimals = match decimals.trim_end_matches('0') {
            "" => "0",
            trimmed => trimmed,
        };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > DECIMALS {
            return Err(BadAmount);
        }
        let whole: i64 = whole.parse().map_err(|_| BadAmount)?;
        let part: i64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| BadAmount)?;
        let amount = whole.checked_mul(ONE).and_then(|whole| whole.checked_add(part));
        amount.map(|amount| Self(sign * amount)).ok_or(BadAmount)
    }
}

/// As a decimal string, which loses nothing.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Usd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Usd {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().expect("an amount")
    }

    #[test]
    fn amounts_are_read_as_people_and_the_price_list_write_them() {
        for (text, billionths) in [
            ("0.0104", 10_400_000),
            ("0.0104000000", 10_400_000),
            ("3", 3_000_000_000),
            ("3.", 3_000_000_000),
            ("-1.5", -1_500_000_000),
            ("0.000000001", 1),
        ] {
            assert_eq!(usd(text), Usd::billionths(billionths), "{text}");
        }
        for text in [
            "",
            ".5",
            "1e3",
            "$1",
            "1,000",
            "0.0000000001",
            "99999999999",
            "NaN",
            "--1",
            "+1",
        ] {
            assert_eq!(text.parse::<Usd>(), Err(BadAmount), "{text}");
        }
    }

    #[test]
    fn amounts_are_rounded_half_away_from_zero_and_nothing_has_no_sign() {
        for (text, decimals, rounded) in [
            ("0.125", 2, "0.13"),
            ("-0.125", 2, "-0.13"),
            ("0.1249", 2, "0.12"),
            ("-0.001", 2, "0.00"),
            ("77.566", 0, "78"),
            ("0.10626", 4, "0.1063"),
        ] {
            assert_eq!(usd(text).rounded(decimals), rounded, "{text}");
        }
        assert_eq!(usd("3.8400").to_string(), "3.84");
        assert_eq!(usd("3").to_string(), "3.00");
        assert_eq!(usd("-0.0104").to_string(), "-0.0104");
        assert_eq!(usd("1").divided_by(3).to_string(), "0.333333333");
        assert_eq!(usd("-2").divided_by(3).to_string(), "-0.666666667");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(amount in any::<i64>()) {
            let amount = Usd::billionths(amount.max(-i64::MAX));
            prop_assert_eq!(amount.to_string().parse::<Usd>(), Ok(amount));
        }
    }
}
