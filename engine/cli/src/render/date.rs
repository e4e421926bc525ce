//! Dates.

use std::time::SystemTime;

/// A system time, RFC 3339, to the second. A clock that is set beyond what RFC 3339 can write
/// (the year 9999) is said as its last second: a wrong clock must not end a program.
pub fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time)
        .and_then(|time| jiff::Timestamp::from_second(time.as_second()))
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_beyond_the_year_9999_is_said_and_does_not_panic() {
        let at = |years: u64| rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(years * 31_556_952));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert!(at(8_050).starts_with("9999-"), "{}", at(8_050));
    }
}
