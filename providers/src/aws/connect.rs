//! Credentials, region, clients.

use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use subako_world::{Clock, Failure, Result, ScaledClock};

use super::call::{Api, CallRecord};
use super::classify::chain;
use super::cloud::AwsCloud;
use super::operations::Op;
use super::tuning::{Tuning, is_local};
use crate::codes::Ec2Code as _;

/// How to reach EC2.
#[derive(Clone, Default)]
pub struct AwsOptions {
    /// The region; `None` leaves it to the environment or profile.
    pub region: Option<String>,
    /// The endpoint; `None` leaves it to `AWS_ENDPOINT_URL`, and without that to AWS.
    pub endpoint: Option<String>,
    /// Receives every attempt at a call.
    pub log: Option<Arc<dyn Fn(CallRecord) + Send + Sync>>,
    /// The source of time; `None` for the real one.
    pub clock: Option<Arc<dyn Clock>>,
    /// How patient to be; `None` for what suits the endpoint.
    pub tuning: Option<Tuning>,
}

/// Finds credentials and a region in the standard chain (environment, profile, SSO, process,
/// container, instance metadata), and says what to do where there are none.
pub async fn connect(options: AwsOptions) -> Result<AwsCloud> {
    let tuning = options.tuning.clone();
    let sdk = load(&options).await;
    let Some(region) = sdk.region().map(ToString::to_string) else {
        return Err(no_region());
    };
    check_credentials(&sdk).await?;
    let ec2 = aws_sdk_ec2::config::Builder::from(&sdk)
        .interceptor(Guard)
        .build();
    let sts = aws_sdk_sts::config::Builder::from(&sdk)
        .interceptor(Guard)
        .build();
    let tuning = tuning.unwrap_or_else(|| Tuning::for_endpoint(sdk.endpoint_url()));
    let clock = options.clock.unwrap_or_else(|| Arc::new(ScaledClock::new(1)));
    let api = Api::new(
        aws_sdk_ec2::Client::from_conf(ec2),
        aws_sdk_sts::Client::from_conf(sts),
        clock,
        tuning,
        region.clone(),
        options.log,
    );
    Ok(AwsCloud::new(api, region))
}

/// Credentials, a region, an HTTP client and its proxies, as EC2 is called with them, for whatever
/// else of AWS is called. Fails where there are no credentials.
pub async fn sdk_config(options: &AwsOptions) -> Result<SdkConfig> {
    let sdk = load(options).await;
    if sdk.region().is_none() {
        return Err(no_region());
    }
    check_credentials(&sdk).await?;
    Ok(sdk)
}

fn no_region() -> Failure {
    Failure::not_applied("connect to AWS", "no region is set")
        .with_ec2_code("NoRegion")
        .with_hint("set `region` under [aws] in the manifest, or AWS_REGION, or `region` in the AWS profile")
}

async fn load(options: &AwsOptions) -> SdkConfig {
    let tuning = options.tuning.clone().unwrap_or_default();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(tuning.connect_timeout)
        .operation_attempt_timeout(tuning.attempt_timeout)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http(proxies(options)))
        .timeout_config(timeouts)
        // The SDK's retries share one quota a client, which runs dry under throttling: the
        // adapter has its own.
        .retry_config(RetryConfig::disabled());
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// The proxies that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY), but for an
/// endpoint on this machine.
fn proxies(options: &AwsOptions) -> ProxyConfig {
    let endpoint = options
        .endpoint
        .clone()
        .or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
    match endpoint.is_some_and(|url| is_local(&url)) {
        true => ProxyConfig::disabled(),
        false => ProxyConfig::from_env(),
    }
}

/// The client that the SDK makes by itself goes through no proxy.
fn http(proxies: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .proxy_config(proxies.clone())
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}

async fn check_credentials(sdk: &SdkConfig) -> Result<()> {
    let doing = "find AWS credentials";
    let Some(provider) = sdk.credentials_provider() else {
        return Err(no_credentials(Failure::not_applied(
            doing,
            "no provider of credentials is configured",
        )));
    };
    let error = match provider.provide_credentials().await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let failure = Failure::not_applied(doing, chain(&error));
    Err(match error {
        CredentialsError::CredentialsNotLoaded(_) => no_credentials(failure),
        CredentialsError::ProviderTimedOut(_) => failure
            .with_ec2_code("CredentialsTimeout")
            .with_hint("the source of credentials did not answer in time: check the network, or set AWS_PROFILE"),
        CredentialsError::InvalidConfiguration(_) => failure
            .with_ec2_code("InvalidCredentialsConfiguration")
            .with_hint("correct ~/.aws/config and ~/.aws/credentials (`aws configure list` shows what is used); for SSO run `aws sso login`"),
        _ => failure
            .with_ec2_code("CredentialsNotAvailable")
            .with_hint("the source of credentials refused: log in again (for SSO `aws sso login`), then try `aws sts get-caller-identity`"),
    })
}

fn no_credentials(failure: Failure) -> Failure {
    let hint = match std::env::var("AWS_PROFILE") {
        Ok(profile) => format!(
            "AWS_PROFILE says `{profile}`, which has no credentials: `aws configure list-profiles` shows the profiles that there are"
        ),
        Err(_) => "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure` or `aws sso login`".to_owned(),
    };
    failure.with_ec2_code("NoCredentials").with_hint(hint)
}

/// Refuses, before anything is sent, an operation that is not in the table (the policy and the
/// pace are made from it), and afterwards an answer that is not EC2's: operations that answer
/// with nothing would take any text for success, a captive portal's page for example.
#[derive(Debug)]
struct Guard;

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "Guard"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let name = operation(bag);
        match Op::named(name) {
            Some(_) => Ok(()),
            None => Err(format!("{name} is not in the table of operations").into()),
        }
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let answer = context.response();
        let text = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
        if !answer.status().is_success() || text.contains(&format!("<{}Response", operation(bag))) {
            return Ok(());
        }
        Err("the answer is not EC2's".into())
    }
}

fn operation(bag: &ConfigBag) -> &str {
    bag.load::<Metadata>().map_or("", Metadata::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_operation_that_is_not_in_the_table_is_not_sent() {
        let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url("http://127.0.0.1:9")
            .http_client(Builder::new().build_http())
            .no_credentials()
            .load()
            .await;
        let config = aws_sdk_ec2::config::Builder::from(&sdk).interceptor(Guard);
        let client = aws_sdk_ec2::Client::from_conf(config.build());
        let error = client.describe_regions().send().await.unwrap_err();
        assert!(
            chain(&error).contains("DescribeRegions is not in the table"),
            "{error:?}"
        );
        let error = client.describe_vpcs().send().await.unwrap_err();
        assert!(!chain(&error).contains("table"), "{error:?}");
    }
}
