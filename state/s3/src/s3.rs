//! The calls, each one attempt with a deadline, on a runtime of their own: whoever waits for one
//! blocks its thread, so that a paused clock of its runtime does not run ahead of the network.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use subako_state::{Objects, Stored, Trouble, When};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::age::Answered;
use crate::classify::{chain, classify};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one attempt may take, its answer's body included.
const ATTEMPT: Duration = Duration::from_secs(15);
/// How long it may take to find credentials.
const CREDENTIALS: Duration = Duration::from_secs(60);

/// Where a state is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Options {
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with; ends with `/` unless it is empty.
    pub prefix: String,
    /// The bucket's region; `None` for that of the credentials' configuration.
    pub region: Option<String>,
    /// The URL of another service than AWS's; `None` leaves it to the environment.
    pub endpoint: Option<String>,
}

/// Why there is no connection.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What is wrong.
    pub why: String,
    /// What to do about it, if that is known.
    pub help: Option<String>,
}

/// Finds credentials, a region and an HTTP client: called once, when the first call is made.
pub type Connect =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<SdkConfig, Refusal>> + Send>> + Send + Sync>;

/// Objects in a bucket, below a prefix.
pub struct S3 {
    inner: Arc<Inner>,
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
}

struct Inner {
    options: S3Options,
    connect: Connect,
    client: OnceCell<Client>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3").field(&self.inner.options).finish()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        // Where a runtime is dropped inside another one it may not be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl S3 {
    /// Objects there. Nothing is called yet. Fails if no thread can be started.
    pub fn new(options: S3Options, connect: Connect) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("s3")
            .enable_all()
            .build()?;
        let inner = Inner {
            options,
            connect,
            client: OnceCell::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            runtime: Some(runtime),
        })
    }

    /// Makes one call and waits for it.
    fn wait<T: Send + 'static, F>(&self, call: impl FnOnce(Client, Arc<Inner>) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        let gone = || Trouble::Lost("the thread that calls S3 is gone".to_owned());
        let Some(runtime) = &self.runtime else {
            return Err(gone());
        };
        let client = self.spawned(runtime, {
            let inner = Arc::clone(&self.inner);
            async move { within(CREDENTIALS, inner.client()).await }
        })?;
        let call = call(client, Arc::clone(&self.inner));
        self.spawned(runtime, async move { within(ATTEMPT, call).await })
    }

    fn spawned<T: Send + 'static>(
        &self,
        runtime: &Runtime,
        work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (sender, receiver) = mpsc::channel();
        runtime.spawn(async move {
            // Whoever waited is there: it waits without end, for what has a deadline.
            let _ = sender.send(work.await);
        });
        let gone = |_| Trouble::Lost("the call to S3 was given up".to_owned());
        receiver.recv().map_err(gone)?
    }
}

/// The outcome of something, if it comes in time.
async fn within<T>(time: Duration, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    match tokio::time::timeout(time, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Trouble::Lost(format!("no answer within {} s", time.as_secs()))),
    }
}

impl Inner {
    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.options.prefix)
    }

    async fn client(&self) -> Result<Client, Trouble> {
        let client = self.client.get_or_try_init(|| async {
            let sdk = (self.connect)().await?;
            Ok(Client::from_conf(self.config(&sdk)))
        });
        client
            .await
            .cloned()
            .map_err(|Refusal { why, help }| Trouble::Refused { why, help })
    }

    fn config(&self, sdk: &SdkConfig) -> aws_sdk_s3::Config {
        let elsewhere = self.options.endpoint.is_some()
            || sdk.endpoint_url().is_some()
            || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT);
        let mut config = aws_sdk_s3::config::Builder::from(sdk)
            .timeout_config(timeouts.build())
            // What else speaks S3 has seldom a host name for each bucket, or AWS's later checksums.
            .force_path_style(elsewhere)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = &self.options.endpoint {
            config = config.endpoint_url(endpoint);
        }
        if let Some(region) = &self.options.region {
            config = config.region(Region::new(region.clone()));
        }
        config.build()
    }
}

impl Objects for S3 {
    fn place(&self, key: &str) -> String {
        format!("s3://{}/{}", self.inner.options.bucket, self.inner.key(key))
    }

    fn get(&self, key: &str, at_most: Option<u64>) -> Result<Option<Stored>, Trouble> {
        let range = at_most.map(|most| format!("bytes=0-{}", most.saturating_sub(1)));
        let key = self.inner.key(key);
        self.wait(|client, inner| async move {
            let answered = Answered::default();
            let bucket = &inner.options.bucket;
            let get = client.get_object().bucket(bucket).key(key).set_range(range);
            let get = get.customize().interceptor(answered.clone());
            let got = match get.send().await {
                Ok(got) => got,
                Err(error) => {
                    return match classify(&error) {
                        Trouble::Unmet => Ok(None),
                        trouble => Err(trouble),
                    };
                }
            };
            let written = got.last_modified().map(|time| time.secs());
            let age = answered.at().zip(written);
            let age = age
                .map(|(now, written)| Duration::from_secs(u64::try_from(now.secs() - written).unwrap_or(0)));
            let tag = got.e_tag().unwrap_or_default().to_owned();
            let body = got.body.collect().await;
            let body = body.map_err(|error| Trouble::Lost(chain(&error)))?;
            Ok(Some(Stored {
                body: body.to_vec(),
                tag,
                age,
            }))
        })
    }

    fn put(&self, key: &str, body: &[u8], when: &When) -> Result<String, Trouble> {
        let key = self.inner.key(key);
        let body = ByteStream::from(body.to_vec());
        let when = when.clone();
        self.wait(|client, inner| async move {
            let put = client.put_object().bucket(&inner.options.bucket).key(key);
            let put = match when {
                When::Absent => put.if_none_match("*"),
                When::Tag(tag) => put.if_match(tag),
            };
            let put = put.content_type("application/json").body(body).send().await;
            match put {
                Ok(done) => Ok(done.e_tag().unwrap_or_default().to_owned()),
                Err(error) => Err(classify(&error)),
            }
        })
    }

    fn delete(&self, key: &str, tag: &str) -> Result<(), Trouble> {
        let (key, tag) = (self.inner.key(key), tag.to_owned());
        self.wait(|client, inner| async move {
            let delete = client.delete_object().bucket(&inner.options.bucket).key(key);
            let deleted = delete.if_match(tag).send().await;
            deleted.map(drop).map_err(|error| classify(&error))
        })
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, Trouble> {
        let below = self.inner.key("");
        let prefix = self.inner.key(prefix);
        let mut keys = Vec::new();
        let mut next = None;
        loop {
            let (prefix, token) = (prefix.clone(), next.take());
            let page = self.wait(|client, inner| async move {
                let list = client.list_objects_v2().bucket(&inner.options.bucket);
                let list = list.prefix(prefix).set_continuation_token(token);
                list.send().await.map_err(|error| match classify(&error) {
                    Trouble::Unmet => Trouble::Lost("the list was not found".to_owned()),
                    trouble => trouble,
                })
            })?;
            let found = page.contents().iter().filter_map(|object| object.key());
            keys.extend(
                found
                    .filter_map(|key| key.strip_prefix(&below))
                    .map(str::to_owned),
            );
            match (page.is_truncated(), page.next_continuation_token()) {
                (Some(true), Some(token)) => next = Some(token.to_owned()),
                // A part of a list is not a list.
                (Some(true), None) => return Err(Trouble::Lost("the list is cut off".to_owned())),
                _ => break,
            }
        }
        keys.sort();
        Ok(keys)
    }
}
