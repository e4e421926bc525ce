//! The article's cluster in an EC2 that is as strict as the real one, everything at once: its
//! cloud half, through the built binary.

use std::time::Duration;

use aws_sdk_ec2::types::AttributeBooleanValue;

use super::bench::{Bench, PLAN, id, tags};
use super::proxy::Fault;
use super::strict::{AUTO_TAG, Strict, ZoneOut};
use crate::support::replace;

/// What takes seconds in EC2.
pub const LAG: Duration = Duration::from_millis(500);

/// The example cluster, of types that a free plan has, wherever there is room.
pub fn anywhere(strict: Strict) -> Option<Bench> {
    changed(strict, |text| text)
}

/// The same with one manager and one worker.
pub fn small(strict: Strict) -> Option<Bench> {
    changed(strict, |text| {
        let text = replace(&text, "count = 3", "count = 1");
        replace(&text, "count = 2", "count = 1")
    })
}

fn changed(strict: Strict, edit: impl FnOnce(String) -> String) -> Option<Bench> {
    let bench = Bench::with(|text| {
        let text = edit(text);
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("availability_zones"));
        let text: Vec<&str> = lines.collect();
        let text = text.join("\n").replace("t2.micro", "t3.micro");
        // Logged in to by public addresses: whether there are any is looked at.
        replace(&text, "jump = \"nobody@127.0.0.1:1\"", "")
    })?;
    bench.proxy.be(strict);
    Some(bench)
}

#[test]
fn the_articles_cluster_comes_up_changes_and_goes_in_a_strict_ec2() {
    let Some(bench) = anywhere(Strict::all(LAG)) else {
        return;
    };
    bench.apply().expect(0).says("Done");
    for instance in bench.instances() {
        // Zone a does not offer t3.micro, and a local zone sorts before it.
        let zone = instance.placement().and_then(|place| place.availability_zone());
        assert_eq!(zone, Some(&*format!("{}b", bench.region)), "{instance:?}");
        assert_eq!(tags(&instance)[AUTO_TAG], "AROAX:me");
    }
    let encrypted = bench.volumes();
    assert!(encrypted.iter().all(|volume| volume.encrypted() == Some(true)));
    let addresses = bench.resources().into_iter().filter(|resource| {
        let instance = resource["address"]
            .as_str()
            .is_some_and(|a| a.starts_with("instance."));
        instance && resource["outputs"]["public_ip"].is_string()
    });
    assert_eq!(addresses.count(), 5, "every public address was waited for");
    // Encrypted by the account, tagged by others: nothing to do.
    bench.run(&PLAN).expect(0);
    // The image is deprecated by now. One worker more, other tags.
    let text = std::fs::read_to_string(bench.manifest()).expect("the manifest");
    let text = text
        .replace("count = 2", "count = 3")
        .replace("Unit = \"Sandbox\"", "Unit = \"Changed\"");
    bench.write(&text);
    bench.apply().expect(0);
    bench.run(&PLAN).expect(0);
    let instances = bench.instances();
    assert_eq!(instances.len(), 6);
    for instance in &instances {
        let tags = tags(instance);
        assert_eq!(
            (tags["Unit"].as_str(), tags[AUTO_TAG].as_str()),
            ("Changed", "AROAX:me")
        );
    }
    bench.run(&["destroy", "--yes"]).expect(0).says("Nothing is left");
    bench.assert_nothing("after the destroy");
}

#[test]
fn hosts_that_nobody_can_log_in_to_are_refused_before_anything_is_made() {
    // The API behind the proxy has no route to the internet.
    let Some(bench) = anywhere(Strict::default()) else {
        return;
    };
    let ran = bench.apply().expect(5);
    ran.says("Subako cannot log in to pool `manager`")
        .says("internet gateway");
    bench.assert_nothing("after the refusal");
}

#[test]
fn while_a_zone_is_out_its_machines_are_unread_and_not_replaced() {
    let Some(bench) = Bench::small() else { return };
    bench.apply().expect(0);
    let out = id(&bench.instances()[0]).to_owned();
    bench.proxy.be(Strict::only(ZoneOut::with([out])));
    let ran = bench.run(&PLAN).expect(0);
    ran.says("it cannot be read now")
        .says("The service is unavailable");
    bench.proxy.be(Strict::default());
    bench.run(&PLAN).expect(0);
    bench.run(&["destroy", "--yes"]).expect(0);
    bench.assert_nothing("after the destroy");
}

#[test]
fn an_instance_that_somebody_protected_is_left_alone_and_named() {
    let Some(bench) = Bench::small() else { return };
    bench.apply().expect(0);
    let guarded = id(&bench.instances()[0]).to_owned();
    let protect = |on| {
        let value = AttributeBooleanValue::builder().value(on).build();
        let call = bench.ec2.modify_instance_attribute().instance_id(&guarded);
        bench
            .wait(call.disable_api_termination(value).send())
            .expect("it is set");
    };
    protect(true);
    let ran = bench.run(&["destroy", "--yes"]);
    assert_eq!(ran.code, Some(4), "{}", ran.said());
    ran.says("OperationNotPermitted")
        .says("--no-disable-api-termination");
    let left = bench.instances();
    assert_eq!(left.iter().map(id).collect::<Vec<_>>(), [guarded.as_str()]);
    protect(false);
    bench.run(&["destroy", "--yes"]).expect(0);
    bench.assert_nothing("after the destroy");
}

#[test]
fn a_session_that_expires_in_mid_run_leaves_a_run_that_can_be_finished() {
    let Some(bench) = Bench::small() else { return };
    let moto = super::bench::moto().expect("it is there");
    let dying = bench.behind_another_proxy(&moto);
    let expired = || Fault::error(400, "RequestExpired", "Request has expired.");
    // The first only asks; from the second instance on nothing is answered any more.
    dying.proxy.fault("RunInstances", 3, u32::MAX / 2, expired());
    for action in [
        "DescribeInstances",
        "DescribeSecurityGroups",
        "DescribeKeyPairs",
        "TerminateInstances",
        "DeleteSecurityGroup",
        "DeleteKeyPair",
    ] {
        dying.proxy.fault_once_met(action, "RunInstances", 3, expired());
    }
    let ran = dying.run(&["apply", "--target", "instance.*", "--yes", "--parallelism", "1"]);
    assert_eq!(ran.code, Some(4), "{}", ran.said());
    // The journal is whole: the run is there to be gone on with, and that is said.
    ran.says("session has expired").says("log in again");
    ran.says("recover");
    // Logged in again: everything that was made is known, and nothing is made twice.
    bench.apply().expect(0);
    bench.assert_whole(2, "after the session was renewed");
}

#[test]
fn a_session_that_expires_before_anything_is_made_leaves_no_run() {
    let Some(bench) = Bench::small() else { return };
    let moto = super::bench::moto().expect("it is there");
    let dying = bench.behind_another_proxy(&moto);
    let expired = || Fault::error(400, "RequestExpired", "Request has expired.");
    // The first of each only asks.
    for action in ["ImportKeyPair", "CreateSecurityGroup", "RunInstances"] {
        dying.proxy.fault(action, 2, u32::MAX / 2, expired());
        for other in ["DescribeInstances", "DescribeSecurityGroups", "DescribeKeyPairs"] {
            dying.proxy.fault_once_met(other, action, 2, expired());
        }
    }
    let ran = dying.run(&["apply", "--target", "instance.*", "--yes", "--parallelism", "1"]);
    // Nothing was made, for certain: not 4.
    assert_eq!(ran.code, Some(3), "{}", ran.said());
    ran.says("session has expired").says("log in again");
    bench.assert_nothing("after the session expired");
    bench.apply().expect(0);
    bench.assert_whole(2, "after the session was renewed");
}
