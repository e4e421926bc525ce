//! Where a state is kept: buckets, prefixes, endpoints.

use crate::manifest::decode::{FromText, Malformed, plain_schema};

/// A bucket's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketName(pub String);

/// What keys in a bucket begin with, without a slash at either end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPrefix(pub String);

/// The URL of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint(pub String);

plain_schema! {
    BucketName => "BucketName" {
        "type": "string", "pattern": "^[a-z0-9][a-z0-9.-]*[a-z0-9]$", "minLength": 3, "maxLength": 63
    },
    KeyPrefix => "KeyPrefix" { "type": "string", "pattern": "^[A-Za-z0-9._/-]+$", "maxLength": 512 },
    Endpoint => "Endpoint" { "type": "string", "pattern": "^https?://" },
}

impl FromText for BucketName {
    const FORM: &'static str = "a bucket's name";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(name) = text.strip_prefix("s3://") {
            let name = name.split('/').next().unwrap_or_default();
            return Err(Malformed::new("this is a URL").help(format!("write \"{name}\"")));
        }
        if !(3..=63).contains(&text.len()) {
            return Err(Malformed::new("a bucket's name has 3 to 63 characters"));
        }
        if let Some(c) = text.chars().find(|c| !ends(*c) && !"-.".contains(*c)) {
            return Err(Malformed::new(format!("{c:?} cannot be part of it")));
        }
        match text.starts_with(ends) && text.ends_with(ends) {
            true => Ok(Self(text.to_owned())),
            false => Err(Malformed::new("it begins and ends with a letter or a digit")),
        }
    }
}

impl FromText for KeyPrefix {
    const FORM: &'static str = "a prefix such as \"team/clusters\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let prefix = text.trim_end_matches('/');
        if prefix.len() > 512 {
            return Err(Malformed::new("longer than 512 characters"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if let Some(c) = prefix.chars().find(|c| !allowed(*c)) {
            return Err(Malformed::new(format!("{c:?} cannot be part of it")));
        }
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        match prefix.split('/').any(odd) {
            false => Ok(Self(prefix.to_owned())),
            true => Err(Malformed::new("every part between its slashes has to be a name")),
        }
    }
}

impl FromText for Endpoint {
    const FORM: &'static str = "a URL such as \"https://minio.example.com\"";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let host = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let Some(host) = host else {
            return Err(Malformed::new("it does not begin with https:// or http://"));
        };
        match host.is_empty() || host.starts_with('/') || host.chars().any(|c| c.is_whitespace() || c == '@')
        {
            false => Ok(Self(text.trim_end_matches('/').to_owned())),
            true => Err(Malformed::new("it needs a host, and no user or password")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok<T: FromText>(text: &str) -> bool {
        T::from_text(text).is_ok()
    }

    #[test]
    fn a_bucket_is_named_as_s3_names_it() {
        for good in ["abc", "my-team.state", "0-9"] {
            assert!(ok::<BucketName>(good), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Team",
            "a_b",
            "-ab",
            "ab-",
            "s3://team/x",
            &"a".repeat(64),
        ] {
            assert!(!ok::<BucketName>(bad), "{bad}");
        }
    }

    #[test]
    fn a_prefix_stays_below_itself() {
        for (text, prefix) in [("team", "team"), ("team/a/", "team/a")] {
            assert_eq!(
                KeyPrefix::from_text(text).ok(),
                Some(KeyPrefix(prefix.to_owned()))
            );
        }
        for bad in ["", "/", "/a", "a//b", "a/../b", "a b", "ä"] {
            assert!(!ok::<KeyPrefix>(bad), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_a_url_without_credentials() {
        for good in ["https://minio.example.com", "http://127.0.0.1:9000/"] {
            assert!(ok::<Endpoint>(good), "{good}");
        }
        for bad in [
            "minio.example.com",
            "https://",
            "https:///x",
            "https://me:pw@host",
            "ftp://host",
        ] {
            assert!(!ok::<Endpoint>(bad), "{bad}");
        }
    }
}
