//! What AWS refuses: capacity, credentials, permissions, another account. Nothing is left behind.

use std::process::Command;

use super::bench::{APPLY, Bench};
use super::proxy::Fault;
use super::strict::{Internet, Strict};
use crate::support::Ran;

/// Answers of EC2 and of the token service to credentials that they do not like.
fn refuse_everything(bench: &Bench, status: u16, code: &str, message: &str) {
    bench.proxy.fault(
        "GetCallerIdentity",
        1,
        u32::MAX / 2,
        Fault::identity_error(status, code, message),
    );
    for action in [
        "DescribeVpcs",
        "DescribeSubnets",
        "DescribeImages",
        "DescribeInstanceTypeOfferings",
        "DescribeInstanceTypes",
    ] {
        bench
            .proxy
            .fault(action, 1, u32::MAX / 2, Fault::error(status, code, message));
    }
}

/// Calls that change something, of those that came.
fn changes(bench: &Bench) -> Vec<String> {
    let counts = bench.proxy.counts().into_keys();
    counts
        .filter(|action| !(action.starts_with("Describe") || action.starts_with("Get")))
        .filter(|action| {
            let asks = |body: &String| body.contains("DryRun=true");
            !bench.proxy.bodies(action).iter().all(asks)
        })
        .collect()
}

#[test]
fn no_capacity_for_the_third_instance_undoes_everything_and_says_what_to_try() {
    let Some(bench) = Bench::sandbox() else { return };
    let message = "We currently do not have sufficient t2.micro capacity.";
    let full = Fault::error(500, "InsufficientInstanceCapacity", message);
    // The first only asks (DryRun) whether instances may be run.
    bench.proxy.fault("RunInstances", 4, 1, full);
    let ran = bench.apply().expect(3);
    let zone = format!("{}a", bench.region);
    for said in [
        "InsufficientInstanceCapacity",
        "t2.micro",
        &zone,
        "another zone",
        "instance_type",
        "everything it did was undone",
    ] {
        ran.says(said);
    }
    let bodies = bench.proxy.bodies("RunInstances");
    let asked = bodies.iter().filter(|body| body.contains("DryRun=true")).count();
    assert!(asked == 1 && bodies.len() >= 4, "{bodies:?}");
    bench.assert_nothing("after the rollback");
    assert!(bench.resources().is_empty());
    bench.apply().expect(0);
    bench.assert_whole(5, "when there is room again");
}

#[test]
fn without_credentials_nothing_is_called() {
    let Some(bench) = Bench::small() else { return };
    let ran = Ran::of(&mut bench.anonymous(&APPLY)).expect(1);
    ran.says("failed to find AWS credentials")
        .says("AWS_PROFILE")
        .says("aws sso login");
    assert!(bench.proxy.counts().is_empty(), "{:?}", bench.proxy.counts());
    bench.assert_nothing("without credentials");
}

#[test]
fn expired_and_wrong_credentials_end_before_anything_is_made() {
    let Some(bench) = Bench::small() else { return };
    let moto = super::bench::moto().expect("it is there");
    for (status, code, said) in [
        (403, "ExpiredToken", "session has expired"),
        (403, "InvalidClientTokenId", "access key does not exist"),
        (403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
    ] {
        let bench = bench.behind_another_proxy(&moto);
        refuse_everything(&bench, status, code, "It is refused.");
        bench.run(&APPLY).expect(1).says(code).says(said);
        assert_eq!(changes(&bench), Vec::<String>::new(), "{code}");
        bench.assert_nothing(code);
        assert!(bench.resources().is_empty());
    }
}

#[test]
fn a_call_that_is_not_permitted_is_named_and_leaves_nothing() {
    let Some(bench) = Bench::small() else { return };
    let moto = super::bench::moto().expect("it is there");
    let message = "You are not authorized to perform this operation.";
    for action in [
        "DescribeVpcs",
        "DescribeImages",
        "DescribeInstances",
        "ImportKeyPair",
        "CreateSecurityGroup",
        "RunInstances",
    ] {
        let bench = bench.behind_another_proxy(&moto);
        let denied = Fault::error(403, "UnauthorizedOperation", message);
        bench.proxy.fault(action, 1, u32::MAX / 2, denied);
        let ran = bench.run(&APPLY);
        assert_eq!(ran.code, Some(1), "{action}: {}", ran.said());
        ran.says(&format!("ec2:{action}")).says("minimal policy");
        assert_eq!(changes(&bench), Vec::<String>::new(), "{action}");
        bench.assert_nothing(action);
        assert!(bench.resources().is_empty(), "{action}");
    }
}

#[test]
fn a_call_that_is_refused_although_it_seemed_permitted_is_undone() {
    let Some(bench) = Bench::small() else { return };
    let moto = super::bench::moto().expect("it is there");
    let message = "You are not authorized to perform this operation.";
    // Whether rules may be added to a group cannot be asked before the group is there.
    for (action, preflight) in [
        ("AuthorizeSecurityGroupIngress", "--preflight=true"),
        ("RunInstances", "--preflight=false"),
    ] {
        let bench = bench.behind_another_proxy(&moto);
        let denied = Fault::error(403, "UnauthorizedOperation", message);
        bench.proxy.fault(action, 1, u32::MAX / 2, denied);
        let ran = bench.run(&["apply", "--target", "instance.*", "--yes", preflight]);
        assert_eq!(ran.code, Some(3), "{action}: {}", ran.said());
        ran.says(&format!("ec2:{action}")).says("minimal policy");
        bench.assert_nothing(action);
        assert!(bench.resources().is_empty(), "{action}");
    }
}

#[test]
fn a_destroy_that_is_not_permitted_changes_nothing() {
    let Some(bench) = Bench::small() else { return };
    bench.apply().expect(0);
    let denied = Fault::error(403, "UnauthorizedOperation", "No.");
    bench.proxy.fault("TerminateInstances", 1, u32::MAX / 2, denied);
    bench
        .run(&["destroy", "--yes"])
        .expect(1)
        .says("ec2:TerminateInstances")
        .says("nothing was changed");
    bench.assert_whole(2, "after the refused destroy");
}

#[test]
fn a_missing_private_key_is_found_before_anything_is_made() {
    let Some(bench) = Bench::small() else { return };
    bench.proxy.be(Strict::only(Internet));
    bench.edit("jump = \"nobody@127.0.0.1:1\"", "private_key = \"no-such-key\"");
    bench.run(&["plan"]).expect(0);
    bench
        .run(&["apply", "--yes"])
        .expect(1)
        .says("no-such-key")
        .says("private_key");
    assert_eq!(changes(&bench), Vec::<String>::new());
    bench.assert_nothing("without a key");
    // The instances alone need none.
    bench.apply().expect(0);
    assert_eq!(bench.census(), [2, 1, 1, 2]);
}

#[test]
fn another_account_or_region_is_refused() {
    let Some(bench) = Bench::small() else { return };
    bench.apply().expect(0);
    // moto gives every access key the same account, unless the proxy answers for it.
    let moto = super::bench::moto().expect("it is there");
    let other = bench.behind_another_proxy(&moto);
    let answer = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::999999999999:user/x</Arn><UserId>AIDA</UserId><Account>999999999999</Account>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>";
    other.proxy.fault(
        "GetCallerIdentity",
        1,
        u32::MAX / 2,
        Fault::Answer(200, answer.to_owned()),
    );
    for args in [&APPLY[..], &["plan"], &["destroy", "--yes"]] {
        other
            .run(args)
            .expect(5)
            .says("999999999999")
            .says("123456789012");
        assert_eq!(changes(&other), Vec::<String>::new(), "{args:?}");
    }
    let region = bench.region;
    let elsewhere = if region == "us-east-1" {
        "us-east-2"
    } else {
        "us-east-1"
    };
    let text = std::fs::read_to_string(bench.manifest()).expect("the manifest");
    bench.write(&text.replace(region, elsewhere));
    bench.apply().expect(5).says(region).says(elsewhere);
    bench.write(&text);
    bench.assert_whole(2, "after the refusals");
}

#[test]
fn the_binary_takes_its_region_from_the_environment_where_the_manifest_has_none() {
    let Some(bench) = Bench::small() else { return };
    let text = std::fs::read_to_string(bench.manifest()).expect("the manifest");
    let named = |line: &&str| line.starts_with("region") || line.starts_with("availability_zones");
    let text: Vec<&str> = text.lines().filter(|line| !named(line)).collect();
    let text = text.join("\n");
    bench.write(&text);
    let mut without: Command = bench.command(&APPLY);
    Ran::of(&mut without).expect(1).says("AWS_REGION");
    let mut with = bench.command(&APPLY);
    with.env("AWS_REGION", bench.region);
    Ran::of(&mut with).expect(0);
    assert_eq!(bench.census(), [2, 1, 1, 2]);
}
