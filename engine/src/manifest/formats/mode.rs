//! Permissions of files.

use crate::manifest::decode::{FromText, Malformed, plain_schema};

/// Permissions as octal digits, `"0400"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode(pub u32);

plain_schema!(FileMode => "FileMode" { "type": "string", "pattern": "^0?[0-7]{3,4}$" });

impl FromText for FileMode {
    const FORM: &'static str = "permissions in octal digits, for example \"0400\"";

    /// An integer with digits of octal numbers alone is taken for them, any other is converted:
    /// YAML's 0440 arrives as 288.
    fn meant(written: &str) -> Option<String> {
        let octal = written.strip_prefix("0o").unwrap_or(written);
        if octal.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) {
            return Some(format!("0{}", octal.trim_start_matches('0')));
        }
        let mode: u32 = written.parse().ok()?;
        Some(format!("0{mode:o}"))
    }

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        match u32::from_str_radix(digits, 8) {
            Ok(mode) if mode <= 0o7777 && digits.len() >= 3 => Ok(Self(mode)),
            _ => Err(
                Malformed::new(format!("\"{text}\" is not three or four octal digits"))
                    .help("write \"0400\" for a file that only its owner can read, \"0444\" for all"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal() {
        assert_eq!(FileMode::from_text("0400"), Ok(FileMode(0o400)));
        assert_eq!(FileMode::from_text("444"), Ok(FileMode(0o444)));
        assert_eq!(FileMode::from_text("0o1777"), Ok(FileMode(0o1777)));
        for text in ["", "4", "0888", "rw-", "10000", "-444"] {
            assert!(FileMode::from_text(text).is_err(), "{text}");
        }
    }
}
