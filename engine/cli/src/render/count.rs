//! So many of something.

/// `1 warning`, `2 warnings`.
pub fn count(number: usize, what: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {what}{many}")
}
