//! Names that become parts of host names, file names and addresses.

use crate::manifest::decode::{FromText, Malformed, plain_schema};
use crate::manifest::error::Code;

/// The longest label of a domain name (RFC 1035).
const LONGEST_LABEL: usize = 63;

/// Lower-case letters, digits and hyphens, beginning with a letter, not ending with a hyphen.
fn label(text: &str, longest: usize) -> Result<(), Malformed> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let reason = if text.is_empty() {
        "a name cannot be empty".to_owned()
    } else if text.len() > longest {
        format!(
            "{} characters long, at most {longest} are possible",
            text.chars().count()
        )
    } else if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        format!("{c:?} cannot be part of it")
    } else if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        "it has to begin with a letter".to_owned()
    } else if text.ends_with('-') {
        "it cannot end with a hyphen".to_owned()
    } else {
        return Ok(());
    };
    let better = slug(text, longest);
    let malformed = Malformed::new(reason);
    Err(if better.is_empty() {
        malformed
    } else {
        malformed.help(format!("write \"{better}\""))
    })
}

/// The nearest text that is a label; empty if there is none.
fn slug(text: &str, longest: usize) -> String {
    let lower = text.to_ascii_lowercase();
    let hyphened: String = lower
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '-'
            }
        })
        .collect();
    let from_letter = hyphened.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let cut = &from_letter[..from_letter.len().min(longest)];
    cut.trim_end_matches('-').to_owned()
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident($longest:expr) = $form:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name(pub String);

        impl FromText for $name {
            const FORM: &'static str = $form;
            const CODE: Code = Code::BadName;

            fn from_text(text: &str) -> Result<Self, Malformed> {
                label(text, $longest)?;
                Ok(Self(text.to_owned()))
            }
        }
    )*};
}

labels! {
    /// A cluster's name: part of tags, directories and the swarm's address.
    ClusterName(LONGEST_LABEL) = "a name of lower-case letters, digits and hyphens";
    /// A pool's name: `name-0` and so on are the host names of its instances, and a pool may
    /// have 100,000.
    PoolName(LONGEST_LABEL - "-99999".len()) = "a name of lower-case letters, digits and hyphens";
}

plain_schema! {
    ClusterName => "ClusterName" { "type": "string", "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$", "maxLength": 63 },
    PoolName => "PoolName" { "type": "string", "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$", "maxLength": 57 },
    SwarmName => "SwarmName" {
        "type": "string", "pattern": "^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$", "maxLength": 63
    },
    Driver => "Driver" { "type": "string" },
}

/// A name that Swarm's DNS answers for: of a service, a network or an alias.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwarmName(pub String);

impl FromText for SwarmName {
    const FORM: &'static str = "a name of letters, digits, hyphens and underscores";
    const CODE: Code = Code::BadName;

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let edge = |c: char| !c.is_ascii_alphanumeric();
        let reason = if text.is_empty() {
            "a name cannot be empty".to_owned()
        } else if text.len() > LONGEST_LABEL {
            format!(
                "{} characters long, at most {LONGEST_LABEL} are possible",
                text.chars().count()
            )
        } else if let Some(c) = text.chars().find(|c| !allowed(*c)) {
            format!("{c:?} cannot be part of it")
        } else if text.starts_with(edge) || text.ends_with(edge) {
            "it has to begin and end with a letter or a digit".to_owned()
        } else {
            return Ok(Self(text.to_owned()));
        };
        let better = slug(text, LONGEST_LABEL);
        let malformed = Malformed::new(reason);
        Err(if better.is_empty() {
            malformed
        } else {
            malformed.help(format!("write \"{better}\""))
        })
    }
}

/// A network driver that spans the nodes of a swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver(pub String);

impl FromText for Driver {
    const FORM: &'static str = "a network driver that spans the swarm";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        match text {
            "bridge" | "host" | "none" | "macvlan" | "ipvlan" => {
                Err(Malformed::new("this one stays within one machine")
                    .help("write \"overlay\", or leave the key out"))
            }
            _ if text.is_empty() || text.contains(char::is_whitespace) => {
                Err(Malformed::new("not a driver's name").help("write \"overlay\", or leave the key out"))
            }
            _ if text != "overlay" && strsim::damerau_levenshtein(text, "overlay") <= 2 => {
                Err(Malformed::new("not a driver's name").help("did you mean \"overlay\"?"))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_name_leaves_room_for_the_number_of_its_last_instance() {
        let longest = "a".repeat(57);
        assert!(PoolName::from_text(&longest).is_ok());
        assert_eq!(format!("{longest}-99999").len(), LONGEST_LABEL);
        assert!(PoolName::from_text(&"a".repeat(58)).is_err());
    }

    #[test]
    fn a_bad_name_comes_with_the_nearest_good_one() {
        let help = |text: &str| ClusterName::from_text(text).expect_err("bad").help;
        assert_eq!(help("My Cluster"), Some("write \"my-cluster\"".to_owned()));
        assert_eq!(help("1st_"), Some("write \"st\"".to_owned()));
        assert_eq!(help("巣箱"), None);
    }

    #[test]
    fn swarm_names_may_have_capitals_and_underscores_inside() {
        assert!(SwarmName::from_text("Stack_web-1").is_ok());
        assert!(SwarmName::from_text("_web").is_err());
        assert!(SwarmName::from_text("a.b").is_err());
    }
}
