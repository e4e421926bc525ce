//! What every backend must do, in a bucket of moto.
//!
//! `SUBAKO_MOTO` is moto's URL. Without it this test skips, and fails where CI is set.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use subako_s3::{S3, S3Options};
use subako_state::testing::CASES;
use subako_state::{Bucket, Objects as _, SinceBoot, Trouble, When};

/// moto's URL, and a bucket there.
fn bucket(name: &str) -> Option<(String, String)> {
    let Ok(url) = std::env::var("SUBAKO_MOTO") else {
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        assert!(!ci, "SUBAKO_MOTO must be set where CI is");
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: SUBAKO_MOTO is not set (tests/run sets it)");
        }
        return None;
    };
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let bucket = format!("{name}-{}", std::process::id());
    let mut stream = TcpStream::connect(host).expect("moto answers");
    write!(
        stream,
        "PUT /{bucket} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Some((url, bucket))
}

fn s3(endpoint: &str, bucket: &str, prefix: &str) -> S3 {
    let options = S3Options {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
    };
    let connect = || {
        let credentials = Credentials::new("nobody", "none", None, None, "test");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Box::pin(async move { Ok(sdk) }) as _
    };
    S3::new(options, Box::new(connect)).expect("a thread")
}

#[test]
fn a_bucket_of_s3_does_what_every_backend_must() {
    let Some((endpoint, bucket)) = bucket("cases") else {
        return;
    };
    for (number, (name, case)) in CASES.iter().enumerate() {
        let s3 = s3(&endpoint, &bucket, &format!("team/{number}/"));
        let backend = Bucket::with(s3, SinceBoot, Duration::from_millis(600));
        std::thread::scope(|scope| {
            let case = std::thread::Builder::new()
                .name((*name).to_owned())
                .spawn_scoped(scope, || case(&backend));
            assert!(case.expect("a thread").join().is_ok(), "{name}");
        });
    }
}

#[test]
fn each_answer_of_s3_is_understood() {
    let Some((endpoint, bucket)) = bucket("answers") else {
        return;
    };
    let ours = s3(&endpoint, &bucket, "a/");
    assert_eq!(ours.place("lock"), format!("s3://{bucket}/a/lock"));
    assert_eq!(ours.get("lock", None), Ok(None));
    let first = ours.put("lock", b"0123456789", &When::Absent).expect("created");
    assert_eq!(ours.put("lock", b"1", &When::Absent), Err(Trouble::Unmet));
    let found = ours.get("lock", Some(4)).expect("readable").expect("there");
    assert_eq!((&found.body[..], &found.tag), (&b"0123"[..], &first));
    let fresh = |age: Duration| age < Duration::from_secs(60);
    assert!(found.age.is_some_and(fresh), "{:?}", found.age);
    let second = ours
        .put("lock", b"2", &When::Tag(first.clone()))
        .expect("replaced");
    let by_first = When::Tag(first.clone());
    assert_eq!(ours.put("lock", b"3", &by_first), Err(Trouble::Unmet));
    assert_eq!(ours.put("none", b"3", &by_first), Err(Trouble::Unmet));
    assert_eq!(ours.delete("lock", &first), Err(Trouble::Unmet));
    assert_eq!(ours.delete("none", &first), Err(Trouble::Unmet));
    // Another prefix is another cluster's.
    let other = s3(&endpoint, &bucket, "ab/");
    other.put("lock", b"4", &When::Absent).expect("created");
    assert_eq!(ours.list(""), Ok(vec!["lock".to_owned()]));
    ours.delete("lock", &second).expect("deleted");
    assert_eq!(ours.list(""), Ok(vec![]));
    match s3(&endpoint, "there-is-no-such-bucket", "").get("lock", None) {
        Err(Trouble::Refused {
            why,
            help: Some(help),
        }) => {
            assert!(
                why.contains("NoSuchBucket") && help.contains("`bucket`"),
                "{why}: {help}"
            );
        }
        other => panic!("{other:?}"),
    }
    let nobody = s3("http://127.0.0.1:9", &bucket, "");
    assert!(matches!(nobody.get("lock", None), Err(Trouble::Busy(_))));
}

#[test]
fn more_names_than_one_page_has_are_all_listed() {
    let Some((endpoint, bucket)) = bucket("pages") else {
        return;
    };
    let ours = s3(&endpoint, &bucket, "a/");
    std::thread::scope(|scope| {
        for part in 0..4 {
            let ours = &ours;
            scope.spawn(move || {
                for number in 0..251 {
                    let key = format!("journal/{part}{number:03}");
                    ours.put(&key, b"", &When::Absent).expect("created");
                }
            });
        }
    });
    // A page of S3's has 1,000.
    assert_eq!(ours.list("journal/").expect("listed").len(), 1004);
}
