//! Credentials, region and VPC: what is missing is said before anything is made.
//!
//! The environment belongs to the process: what depends on it runs in a child of its own.

use subako_engine::world::{Certainty, Cloud, Lookup};
use subako_providers::aws::{AwsOptions, connect};

use super::proxy::Fault;
use super::support::*;

/// Connects in an environment with nothing but `variables`, and prints what came of it.
fn connect_with(variables: &[(&str, &str)]) -> String {
    super::support::child("credentials::child", variables)
}

#[tokio::test]
#[ignore = "the child of the tests in this file"]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child() {
    match connect(AwsOptions::default()).await {
        Ok(_) => println!("connected"),
        Err(failure) => println!("{failure}\nhint: {}", failure.hint.clone().unwrap_or_default()),
    }
}

#[test]
fn without_credentials_it_says_how_to_get_some() {
    let said = connect_with(&[("AWS_REGION", "us-east-1")]);
    assert!(
        said.contains("failed to find AWS credentials: NoCredentials"),
        "{said}"
    );
    assert!(
        said.contains("AWS_PROFILE") && said.contains("aws sso login"),
        "{said}"
    );
}

#[test]
fn without_a_region_it_says_where_to_set_one() {
    let said = connect_with(&[("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y")]);
    assert!(said.contains("NoRegion: no region is set"), "{said}");
    assert!(said.contains("[aws]") && said.contains("AWS_REGION"), "{said}");
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    let said = connect_with(&[("AWS_REGION", "us-east-1"), ("AWS_PROFILE", "nowhere")]);
    assert!(said.contains("nowhere"), "{said}");
    assert!(said.contains("hint: ") && !said.contains("connected"), "{said}");
}

#[test]
fn the_environment_gives_region_and_credentials() {
    let said = connect_with(&[
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "y"),
    ]);
    assert!(said.contains("connected"), "{said}");
}

#[test]
fn a_profile_of_aws_login_is_understood() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config");
    let profile = "[profile me]\nregion = us-east-1\nlogin_session = arn:aws:iam::123456789012:user/me\n";
    std::fs::write(&config, profile).unwrap();
    // Nobody has logged in here: the session is looked for, and not found.
    let said = connect_with(&[
        ("AWS_PROFILE", "me"),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_LOGIN_CACHE_DIRECTORY", dir.path().to_str().unwrap()),
    ]);
    assert!(said.contains("log in again"), "{said}");
    // A program without the source would ask for it to be compiled in.
    assert!(
        !said.contains("feature") && !said.contains("NoCredentials"),
        "{said}"
    );
}

#[tokio::test]
async fn the_account_is_the_callers() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let account = cloud.account().await.unwrap();
    assert_eq!(
        (account.id.as_str(), account.region.as_str()),
        ("123456789012", REGION)
    );
    cloud.account().await.unwrap();
    assert_eq!(proxy.counts()["GetCallerIdentity"], 1);
}

#[tokio::test]
async fn wrong_and_expired_credentials_are_told_apart_and_nothing_is_made() {
    let Some(moto) = moto() else { return };
    for (status, code, hint) in [
        (401, "AuthFailure", "credentials are wrong"),
        (400, "RequestExpired", "session has expired"),
        (403, "SignatureDoesNotMatch", "secret key"),
        (403, "InvalidClientTokenId", "access key does not exist"),
        (403, "ExpiredToken", "session has expired"),
        (401, "OptInRequired", "enable it"),
    ] {
        let (proxy, cloud) = world(&moto).await;
        proxy.fault(
            "GetCallerIdentity",
            1,
            100,
            Fault::identity_error(status, code, "It failed."),
        );
        for action in ["DescribeVpcs", "ImportKeyPair"] {
            proxy.fault(action, 1, 100, Fault::error(status, code, "It failed."));
        }
        for failure in [
            cloud.account().await.unwrap_err(),
            cloud.lookup(&Lookup::default()).await.unwrap_err(),
            cloud
                .import_key_pair(&key_request(&cluster("creds")))
                .await
                .unwrap_err(),
        ] {
            assert_eq!(failure.service_code.as_deref(), Some(code), "{failure}");
            assert_eq!(failure.certainty, Certainty::NotApplied, "{failure}");
            assert!(
                failure.hint.as_deref().unwrap_or_default().contains(hint),
                "{failure:?}"
            );
        }
        // Refused once is refused: nothing is tried again.
        assert!(cloud.retries().is_empty());
        assert_eq!(
            cloud
                .find_key_pair(&key_request(&cluster("creds")).name)
                .await
                .unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn without_a_default_vpc_it_says_how_to_make_one() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world(&moto).await;
    let none = "<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><vpcSet/></DescribeVpcsResponse>";
    proxy.fault("DescribeVpcs", 1, 1, Fault::Answer(200, none.to_owned()));
    let failure = cloud.lookup(&Lookup::default()).await.unwrap_err();
    assert_eq!(failure.service_code.as_deref(), Some("DefaultVpcDoesNotExist"));
    assert!(
        failure
            .hint
            .unwrap_or_default()
            .contains("aws ec2 create-default-vpc")
    );
    let elsewhere = Lookup {
        vpc: Some("vpc-0123456789abcdef0".to_owned()),
        ..Lookup::default()
    };
    let failure = cloud.lookup(&elsewhere).await.unwrap_err();
    assert_eq!(failure.service_code.as_deref(), Some("InvalidVpcID.NotFound"));
}
