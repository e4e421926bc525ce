//! A bucket of states on a command line: `s3://BUCKET/PREFIX?region=eu-central-1`.

use std::fmt;
use std::str::FromStr;

use super::decode::{FromText, Malformed};
use super::formats::{BucketName, Duration, Endpoint, KeyPrefix, Region};
use super::model::StateBucket;

/// How long a lease lasts where nothing says it, seconds: as in a manifest.
const LEASE_S: u64 = 60;

/// Why a text names no bucket of states.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadStateUrl {
    /// It is no URL of a bucket.
    #[error("expected s3://BUCKET/PREFIX")]
    Scheme,
    /// A part of it is not as it has to be.
    #[error("{part}: {why}")]
    Part {
        /// Which.
        part: &'static str,
        /// Why.
        why: String,
    },
    /// It has a setting that there is not.
    #[error("`{0}` is none of its settings: region, endpoint, lease")]
    Setting(String),
}

impl FromStr for StateBucket {
    type Err = BadStateUrl;

    fn from_str(text: &str) -> Result<Self, BadStateUrl> {
        let rest = text.strip_prefix("s3://").ok_or(BadStateUrl::Scheme)?;
        let (path, settings) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let prefix = prefix.trim_end_matches('/');
        let mut found = Self {
            bucket: part::<BucketName>("the bucket", bucket)?.0,
            prefix: match prefix.is_empty() {
                true => None,
                false => Some(part::<KeyPrefix>("the prefix", prefix)?.0),
            },
            region: None,
            endpoint: None,
            lease_s: LEASE_S,
        };
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            match name {
                "region" => found.region = Some(part::<Region>("the region", value)?.0),
                "endpoint" => found.endpoint = Some(part::<Endpoint>("the endpoint", value)?.0),
                "lease" => found.lease_s = part::<Duration>("the lease", value)?.seconds(),
                name => return Err(BadStateUrl::Setting(name.to_owned())),
            }
        }
        Ok(found)
    }
}

impl fmt::Display for StateBucket {
    /// The URL, as it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if let Some(prefix) = &self.prefix {
            write!(f, "/{prefix}")?;
        }
        let lease = (self.lease_s != LEASE_S).then(|| format!("{}s", self.lease_s));
        let settings = [
            ("region", &self.region),
            ("endpoint", &self.endpoint),
            ("lease", &lease),
        ];
        let given = settings
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        for (place, (name, value)) in given.enumerate() {
            write!(f, "{}{name}={value}", if place == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

fn part<T: FromText>(part: &'static str, text: &str) -> Result<T, BadStateUrl> {
    T::from_text(text).map_err(|Malformed { reason, .. }| BadStateUrl::Part { part, why: reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_by_its_url() {
        let whole =
            "s3://acme-subako/team/clusters/?region=eu-central-1&endpoint=https://minio.acme.io&lease=90s";
        let bucket =
            |prefix: Option<&str>, region: Option<&str>, endpoint: Option<&str>, lease_s| StateBucket {
                bucket: "acme-subako".to_owned(),
                prefix: prefix.map(str::to_owned),
                region: region.map(str::to_owned),
                endpoint: endpoint.map(str::to_owned),
                lease_s,
            };
        let minio = Some("https://minio.acme.io");
        let read: StateBucket = whole.parse().expect("a URL");
        assert_eq!(read.to_string().parse(), Ok(read));
        assert_eq!(
            whole.parse(),
            Ok(bucket(Some("team/clusters"), Some("eu-central-1"), minio, 90))
        );
        for plain in ["s3://acme-subako", "s3://acme-subako/", "s3://acme-subako?"] {
            assert_eq!(plain.parse(), Ok(bucket(None, None, None, 60)), "{plain}");
        }
    }

    #[test]
    fn what_names_no_bucket_is_said() {
        for (text, why) in [
            ("acme-subako", "s3://BUCKET"),
            ("s3://", "the bucket"),
            ("s3://Acme", "the bucket"),
            ("s3://acme/a//b", "the prefix"),
            ("s3://acme?zone=a", "`zone`"),
            ("s3://acme?endpoint=minio", "the endpoint"),
            ("s3://acme?lease=9", "the lease"),
        ] {
            let error = text.parse::<StateBucket>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
