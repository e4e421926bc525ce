//! What EC2 refuses for reasons that its code does not name.

use subako_engine::world::{Certainty, Cloud, Lookup};
use subako_providers::aws::{AwsOptions, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::proxy::Proxy;
use super::super::strict::{ClockOff, RegionOff, Strict};
use super::super::support::*;

#[tokio::test]
async fn a_region_that_is_not_enabled_is_named_before_the_key() {
    let Some(moto) = moto() else { return };
    let (proxy, cloud) = world_in(&moto, "ap-east-1").await;
    proxy.be(Strict::only(RegionOff));
    for failure in [
        cloud.account().await.unwrap_err(),
        cloud.lookup(&Lookup::default()).await.unwrap_err(),
    ] {
        assert_eq!(failure.certainty, Certainty::NotApplied, "{failure}");
        let hint = failure.hint.unwrap_or_default();
        assert!(
            hint.contains("ap-east-1 knows only accounts that have enabled it"),
            "{hint}"
        );
    }
    assert!(cloud.retries().is_empty());
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_off_is_named_instead_of_the_key() {
    let Some(moto) = moto() else { return };
    for (ahead, said) in [(600, "10 min behind"), (-600, "10 min ahead")] {
        let (proxy, cloud) = world(&moto).await;
        proxy.be(Strict::only(ClockOff { ahead }));
        for failure in [
            cloud.account().await.unwrap_err(),
            cloud.lookup(&Lookup::default()).await.unwrap_err(),
        ] {
            let hint = failure.hint.clone().unwrap_or_default();
            assert!(hint.contains(&format!("clock is {said}")), "{failure}: {hint}");
        }
        assert!(cloud.retries().is_empty());
    }
}

/// The account as another process sees it, in an environment with nothing but `variables`.
fn account_with(variables: &[(&str, &str)]) -> String {
    let known = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "y"),
    ];
    super::super::support::child("real::refusals::child", &[&known, variables].concat())
}

#[tokio::test]
#[ignore = "the child of the tests in this file"]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child() {
    let tuning = subako_providers::aws::Tuning {
        attempts: 2,
        ..tuning()
    };
    let cloud = connect(AwsOptions {
        tuning: Some(tuning),
        ..AwsOptions::default()
    });
    match cloud.await.unwrap().account().await {
        Ok(account) => println!("account {}", account.id),
        Err(failure) => println!("{failure}\nhint: {}", failure.hint.clone().unwrap_or_default()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_that_the_environment_names_is_gone_through() {
    let Some(moto) = moto() else { return };
    let proxy = Proxy::start(&moto).await.unwrap();
    let url = proxy.url();
    let endpoint = ("AWS_ENDPOINT_URL", "http://ec2.nowhere.invalid");
    let said = account_with(&[endpoint, ("HTTP_PROXY", &url)]);
    assert!(said.contains("account 123456789012"), "{said}");
    assert_eq!(proxy.counts()["GetCallerIdentity"], 1);
    // What it is not to be used for does not go there, nor does this machine's own endpoint.
    let said = account_with(&[endpoint, ("HTTP_PROXY", &url), ("NO_PROXY", "nowhere.invalid")]);
    assert!(
        said.contains("hint: check the network") && said.contains("HTTPS_PROXY"),
        "{said}"
    );
    let nobody = ("HTTP_PROXY", "http://127.0.0.1:9");
    let said = account_with(&[("AWS_ENDPOINT_URL", &url), nobody]);
    assert!(said.contains("account 123456789012"), "{said}");
    assert_eq!(proxy.counts()["GetCallerIdentity"], 2);
}

/// A proxy that makes tunnels: what it was asked, and the first bytes that it was to carry. The tunnel
/// leads nowhere.
async fn tunnel(answer: &'static str) -> (String, tokio::task::JoinHandle<(String, Vec<u8>)>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let first = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(client.read_buf(&mut head).await.unwrap() > 0, "cut short");
        }
        client.write_all(answer.as_bytes()).await.unwrap();
        let mut carried = Vec::with_capacity(4096);
        client.read_buf(&mut carried).await.unwrap_or_default();
        (String::from_utf8(head).unwrap(), carried)
    });
    (address.to_string(), first)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_with_tls_is_reached_by_a_tunnel_through_the_proxy() {
    let endpoint = ("AWS_ENDPOINT_URL", "https://ec2.nowhere.invalid");
    let (address, first) = tunnel("HTTP/1.1 200 Connection established\r\n\r\n").await;
    let proxy = format!("http://me:hush@{address}");
    let said = account_with(&[endpoint, ("HTTPS_PROXY", &proxy)]);
    let (asked, carried) = first.await.unwrap();
    assert!(
        asked.starts_with("CONNECT ec2.nowhere.invalid:443 HTTP/1.1\r\n"),
        "{asked}"
    );
    // "me:hush", as a proxy wants to be told it (RFC 7617).
    let named = asked.to_ascii_lowercase().contains("proxy-authorization: basic ");
    assert!(named && asked.contains("bWU6aHVzaA=="), "{asked}");
    // The proxy carries TLS to the endpoint by name, and sees nothing of the request.
    assert_eq!(carried.first(), Some(&0x16), "a TLS handshake");
    let name = b"ec2.nowhere.invalid";
    assert!(carried.windows(name.len()).any(|some| some == name));
    assert!(!said.contains("hush"), "{said}");

    // One that makes no tunnel is named with what to check.
    let (address, first) = tunnel("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    let proxy = format!("http://{address}");
    let said = account_with(&[endpoint, ("HTTPS_PROXY", &proxy)]);
    assert!(first.await.unwrap().0.starts_with("CONNECT "));
    assert!(said.contains("HTTPS_PROXY"), "{said}");
}
