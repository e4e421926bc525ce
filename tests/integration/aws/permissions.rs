//! `plan --preflight` and the minimal policy.

use std::collections::BTreeSet;

use super::bench::{APPLY, Bench};
use super::like_ec2::LAG;
use super::proxy::Fault;
use super::strict::Strict;
use crate::support::{Ran, root, subako};

const PREFLIGHT: [&str; 4] = ["plan", "--target", "instance.*", "--preflight"];

#[test]
fn every_missing_permission_is_reported_at_once_and_nothing_is_made() {
    let Some(bench) = Bench::sandbox() else { return };
    let message = "You are not authorized to perform this operation.";
    let denied = ["ImportKeyPair", "RunInstances"];
    for action in denied {
        let fault = Fault::error(403, "UnauthorizedOperation", message);
        bench.proxy.fault(action, 1, u32::MAX / 2, fault);
    }
    let ran = bench.run(&PREFLIGHT).expect(1);
    for action in denied {
        ran.says(&format!("ec2:{action}"));
    }
    assert!(!ran.stderr.contains("ec2:CreateSecurityGroup:"), "{}", ran.said());
    for action in ["ImportKeyPair", "CreateSecurityGroup", "RunInstances"] {
        for body in bench.proxy.bodies(action) {
            assert!(body.contains("DryRun=true"), "{action}: {body}");
        }
    }
    bench.assert_nothing("after the preflight");
}

#[test]
fn when_everything_is_permitted_the_plan_says_so() {
    let Some(bench) = Bench::sandbox() else { return };
    bench.run(&PREFLIGHT).expect(0).says("refuses none");
    bench.assert_nothing("after the preflight");
    bench.apply().expect(0);
    let (old, new) = (
        "count = 2\ninstance_type = \"t2.micro\"",
        "count = 2\ninstance_type = \"t3.micro\"",
    );
    bench.edit(old, new);
    bench.run(&PREFLIGHT).expect(0).says("refuses none");
    bench
        .run(&["plan", "--destroy", "--preflight"])
        .expect(0)
        .says("refuses none");
    bench.edit(new, old);
    bench.assert_whole(5, "a preflight changes nothing");
}

#[test]
fn the_documentation_shows_the_minimal_policy() {
    let page = std::fs::read_to_string(root().join("docs/aws.md")).expect("the page");
    let shown = page
        .split("```json\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .find(|block| block.contains("Statement"));
    let shown: serde_json::Value = serde_json::from_str(shown.expect("a policy")).expect("JSON");
    let printed = Ran::of(subako().args(["policy"])).expect(0).json();
    assert_eq!(shown, printed);
}

/// The actions that a policy permits.
fn permitted(policy: &serde_json::Value) -> BTreeSet<String> {
    let mut permitted = BTreeSet::new();
    for statement in policy["Statement"].as_array().expect("statements") {
        match &statement["Action"] {
            serde_json::Value::String(action) => permitted.extend([action.clone()]),
            actions => {
                let actions = actions.as_array().expect("actions");
                permitted.extend(actions.iter().map(|a| a.as_str().expect("an action").to_owned()));
            }
        }
    }
    permitted
}

/// What only some manifests need.
const ELASTIC: [&str; 4] = [
    "AllocateAddress",
    "AssociateAddress",
    "DisassociateAddress",
    "ReleaseAddress",
];
const CREDITS: [&str; 1] = ["ModifyInstanceCreditSpecification"];
/// Instances and what they need, without any host, and their elastic addresses.
fn apply(bench: &Bench, elastic: bool) -> Ran {
    let mut args = APPLY.to_vec();
    if elastic {
        args.extend(["--target", "elastic_ip.*"]);
    }
    bench.run(&args).expect(0)
}

#[test]
fn the_least_policy_permits_every_call_of_a_life_with_and_without_each_optional_feature() {
    for (elastic, credits) in [(false, false), (true, false), (false, true), (true, true)] {
        let Some(bench) = super::like_ec2::small(Strict::all(LAG)) else {
            return;
        };
        let text = std::fs::read_to_string(bench.manifest()).expect("the manifest");
        let with = |text: &str, credits: Option<&str>| {
            let line = credits.map(|word| format!("cpu_credits = \"{word}\"\n"));
            let ip = if elastic { "public_ip = \"elastic\"\n" } else { "" };
            let more = format!("[[pool]]\n{ip}{}", line.unwrap_or_default());
            text.replace("[[pool]]\n", &more)
        };
        let word = |word| credits.then_some(word);
        bench.write(&with(&text, word("standard")));
        apply(&bench, elastic);
        // Other credits.
        bench.write(&with(&text, word("unlimited")));
        apply(&bench, elastic);
        let policy = permitted(&bench.run(&["policy"]).expect(0).json());
        bench.run(&["destroy", "--yes"]).expect(0);
        bench.assert_nothing("after the life");
        let counts = bench.proxy.counts();
        let case = format!("elastic {elastic}, credits {credits}");
        for action in counts.keys().filter(|action| *action != "GetCallerIdentity") {
            let known = policy.contains(&format!("ec2:{action}"));
            assert!(known, "{case}: {action} is not in {policy:?}");
        }
        for (wanted, own) in [(elastic, &ELASTIC[..]), (credits, &CREDITS[..])] {
            for action in own {
                let has = policy.contains(&format!("ec2:{action}"));
                assert_eq!(has, wanted, "{case}: {action} in {policy:?}");
            }
        }
        let made = |actions: &[&str]| actions.iter().any(|action| counts.contains_key(*action));
        assert_eq!((made(&ELASTIC), made(&CREDITS)), (elastic, credits), "{case}");
    }
}

#[test]
fn the_least_policy_permits_every_call_of_a_whole_life() {
    let policy = Ran::of(subako().args(["policy"])).expect(0).json();
    let permitted = permitted(&policy);
    let Some(bench) = Bench::sandbox() else { return };
    bench.apply().expect(0);
    bench.run(&["destroy", "--yes"]).expect(0);
    for action in bench.proxy.counts().into_keys() {
        let known = permitted.contains(&format!("ec2:{action}")) || action == "GetCallerIdentity";
        assert!(known, "{action} is not in {permitted:?}");
    }
}
