//! What AWS gives an account.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::world::prices::Usd;

/// What an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeTier {
    /// Hours and GiB a month, of an account from before 2025-07-15.
    Hours,
    /// Credits, of which so many dollars are left.
    Credits(Usd),
}

/// The text names no free tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `hours`, or `credits=` and the dollars left, for example credits=87.50")]
pub struct BadFreeTier;

impl FromStr for FreeTier {
    type Err = BadFreeTier;

    fn from_str(text: &str) -> Result<Self, BadFreeTier> {
        match text.split_once('=') {
            None if text == "hours" => Ok(Self::Hours),
            Some(("credits", left)) => match left.trim_start_matches('$').parse::<Usd>() {
                Ok(left) if !left.is_negative() => Ok(Self::Credits(left)),
                _ => Err(BadFreeTier),
            },
            _ => Err(BadFreeTier),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_tier_is_named_by_hours_or_by_the_credits_left() {
        assert_eq!("hours".parse(), Ok(FreeTier::Hours));
        let left = Usd::billionths(87_500_000_000);
        assert_eq!("credits=87.50".parse(), Ok(FreeTier::Credits(left)));
        assert_eq!("credits=$87.5".parse(), Ok(FreeTier::Credits(left)));
        for text in ["", "credits", "credits=", "credits=-1", "hours=3", "750"] {
            assert_eq!(text.parse::<FreeTier>(), Err(BadFreeTier), "{text}");
        }
    }
}
