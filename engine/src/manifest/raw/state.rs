//! `[state]`.

use crate::manifest::decode::{keywords, plain_schema, section};
use crate::manifest::formats::{BucketName, Duration, Endpoint, KeyPrefix, Region};

section! {
    /// Where the state is kept. Left out, in `.subako` beside the manifest.
    pub struct State = "[state]" {
        /// "local" (the default), or "s3": in a bucket, for a team and its CI. With --sim the state
        /// is local, beside the simulated world.
        optional backend: BackendName,
        /// The bucket, which has to exist.
        optional bucket: BucketName,
        /// What the keys begin with, before the cluster's name: "team/clusters". Default: none.
        optional prefix: KeyPrefix,
        /// The bucket's region. Left out, that of the cluster, the environment or the profile.
        optional region: Region,
        /// The URL of another service than Amazon's that speaks S3.
        optional endpoint: Endpoint,
        /// How long a command that is not heard of keeps the lock, from "5s" to "10m". It is then
        /// taken over. Default: "60s".
        optional lease: Duration,
    }
    elsewhere {
        "key" => "did you mean `prefix`? The cluster's name follows it",
        "path" => "a local state is kept where --state-dir says",
        "encrypt" => "set the bucket's default encryption",
        "dynamodb_table" => "none is needed: the lock is an object in the bucket",
        "use_lockfile" => "it always is locked",
        "profile" => "choose the profile with the environment variable AWS_PROFILE",
        "access_key" => "a manifest holds no credentials: use the environment, a profile or SSO",
        "secret_key" => "a manifest holds no credentials: use the environment, a profile or SSO",
    }
}

/// What keeps a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendName {
    /// A directory.
    Local,
    /// A bucket.
    S3,
}

keywords!(BackendName, "\"local\" or \"s3\"", { "local" => BackendName::Local, "s3" => BackendName::S3, });
plain_schema! {
    BackendName => "BackendName" { "enum": ["local", "s3"] },
}
