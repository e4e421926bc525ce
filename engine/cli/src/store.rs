//! Where the state of a cluster is kept: a directory, or a bucket.

use std::path::Path;

use subako_engine::manifest::StateBackend;
use subako_state::Store;

use crate::error::Result;

/// The store of a cluster on `aws` or `sim`; `directory` is where a local one is. Nothing is read or
/// called yet.
pub fn of(cluster: &str, state: &StateBackend, provider: &str, directory: &Path) -> Result<Store> {
    match state {
        StateBackend::S3(bucket) => in_bucket(bucket, &format!("{cluster}.{provider}")),
        StateBackend::Local => Ok(Store::in_directory(directory)),
    }
}

#[cfg(feature = "s3")]
fn in_bucket(bucket: &subako_engine::manifest::StateBucket, folder: &str) -> Result<Store> {
    use subako_providers::aws::{AwsOptions, sdk_config};
    use subako_s3::{Refusal, S3, S3Options};
    use subako_state::{Bucket, SinceBoot};

    use crate::error::CliError;

    let prefix = match &bucket.prefix {
        Some(prefix) => format!("{prefix}/{folder}/"),
        None => format!("{folder}/"),
    };
    let options = S3Options {
        bucket: bucket.bucket.clone(),
        prefix,
        region: bucket.region.clone(),
        endpoint: bucket.endpoint.clone(),
    };
    let aws = AwsOptions {
        region: bucket.region.clone(),
        endpoint: bucket.endpoint.clone(),
        ..AwsOptions::default()
    };
    let connect = move || {
        let aws = aws.clone();
        let connected = async move {
            sdk_config(&aws).await.map_err(|failure| Refusal {
                why: failure.to_string(),
                help: failure.hint,
            })
        };
        Box::pin(connected) as _
    };
    let s3 = S3::new(options, Box::new(connect))
        .map_err(|error| CliError::io("start", "a thread that calls S3", &error))?;
    let lease = std::time::Duration::from_secs(bucket.lease_s);
    Ok(Store::on(Bucket::with(s3, SinceBoot, lease)))
}

#[cfg(not(feature = "s3"))]
fn in_bucket(_bucket: &subako_engine::manifest::StateBucket, _folder: &str) -> Result<Store> {
    Err(
        crate::error::CliError::new("the state is in a bucket, and this program was built without S3")
            .help("with --sim the state is local; built with its default features Subako has S3"),
    )
}
