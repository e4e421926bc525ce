//! Times for people.

/// `0.4 s`, `14 s`, `3 min 5 s`, `1 h 2 min`.
pub fn short(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..60_000 => format!("{} s", (ms + 500) / 1_000),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_as_many_digits_as_people_need() {
        let cases = [
            (0, "0.0 s"),
            (449, "0.4 s"),
            (9_999, "9.9 s"),
            (14_400, "14 s"),
            (59_999, "60 s"),
            (185_000, "3 min 5 s"),
            (3_725_000, "1 h 2 min"),
        ];
        for (ms, text) in cases {
            assert_eq!(short(ms), text);
        }
    }
}
