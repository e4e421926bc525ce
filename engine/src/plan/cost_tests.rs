//! What plans cost, against figures worked by hand.

use std::collections::BTreeMap;

use serde_json::json;
use subako_state::{AccountId, Json, Snapshot};

use super::cost::Ledger;
use super::{Planning, Selection, draft};
use crate::kind::Sighting;
use crate::kinds;
use crate::lower::testing::{answer, applied, empty};
use crate::lower::{lower, needs};
use crate::manifest::{Manifest, Source, Variables, parse};
use crate::money::{Bill, Sort};
use crate::refresh::Observed;
use crate::world::Reach;
use crate::world::WayOut;

/// A manager and four workers in a VPC whose subnets give public addresses, with `more`.
fn article(instance_type: &str, more: &str) -> Manifest {
    parsed(&format!(
        r#"{more}
[cluster]
name = "sandbox"
provider = "sim"
[[pool]]
name = "manager"
role = "manager"
count = 3
disk_gib = 8
instance_type = "{instance_type}"
[[pool]]
name = "node"
role = "worker"
count = 2
disk_gib = 8
instance_type = "{instance_type}"
"#
    ))
}

fn parsed(text: &str) -> Manifest {
    let source = Source {
        name: "cluster.toml".into(),
        text: text.into(),
        dir: "/srv".into(),
    };
    parse(&source, &Variables::default()).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

struct Case {
    manifest: Manifest,
    region: &'static str,
    snapshot: Snapshot,
    observed: Observed,
    /// Whether subnets give addresses; `None` where nobody knows.
    public: Option<bool>,
    destroy: bool,
}

impl Case {
    fn of(manifest: Manifest, region: &'static str) -> Self {
        Self {
            manifest,
            region,
            snapshot: empty(),
            observed: Observed::default(),
            public: Some(true),
            destroy: false,
        }
    }

    /// With everything there as wanted.
    fn there(mut self) -> Self {
        let answer = answer(&needs(&self.manifest, &empty(), &[]));
        let desired = lower(&self.manifest, &empty(), &[], &answer).expect("it can be lowered");
        self.snapshot = applied(&desired);
        for (number, resource) in self.snapshot.resources.iter_mut().enumerate() {
            let outputs = match resource.address.kind() {
                "instance" => json!({
                    "instance_id": format!("i-{number}"),
                    "private_ip": format!("172.31.0.{number}"),
                    "public_ip": format!("198.51.100.{number}"),
                }),
                _ => continue,
            };
            resource.outputs = serde_json::from_value::<Json>(outputs).expect("json");
        }
        self.observed = Observed::as_recorded(&self.snapshot);
        self
    }

    /// With every instance stopped.
    fn stopped(mut self) -> Self {
        for (resource, sighting) in self.snapshot.resources.iter().zip(&mut self.observed.recorded) {
            if resource.address.kind() == "instance" {
                let (mut spec, mut outputs) = (resource.spec.value(), resource.outputs.value());
                spec["running"] = json!(false);
                outputs.as_object_mut().expect("an object").remove("public_ip");
                *sighting = Sighting::There {
                    spec: serde_json::from_value(spec).expect("json"),
                    outputs: serde_json::from_value(outputs).expect("json"),
                    generation: 0,
                    unconverged: None,
                    whole: None,
                };
            }
        }
        self
    }

    fn bill(&self) -> Option<Bill> {
        let answer = answer(&needs(&self.manifest, &self.snapshot, &[]));
        let desired = match self.destroy {
            true => Default::default(),
            false => lower(&self.manifest, &self.snapshot, &[], &answer).expect("it can be lowered"),
        };
        let account = AccountId {
            id: "123456789012".into(),
            region: self.region.into(),
        };
        let plan = draft(&Planning {
            registry: &kinds::registry(),
            desired: &desired,
            snapshot: &self.snapshot,
            base: None,
            observed: &self.observed,
            moved: &[],
            account: Some(account),
            selection: &Selection {
                destroy: self.destroy,
                ..Selection::default()
            },
        })
        .expect("a plan");
        let reach: BTreeMap<String, Reach> = ["a", "b", "c", "d"]
            .into_iter()
            .filter_map(|zone| {
                let way_out = WayOut::Gateway;
                let public_ip = self.public?;
                Some((format!("subnet-{zone}"), Reach { public_ip, way_out }))
            })
            .collect();
        let ledger = Ledger {
            plan: &plan,
            snapshot: &self.snapshot,
            observed: &self.observed,
            registry: &kinds::registry(),
            reach: Some(&reach),
            prices: &self.manifest.prices,
        };
        ledger.bill()
    }
}

/// Before, after and the difference a month, in cents; `~` before what is not all of it.
fn months(bill: &Bill, sort: Option<Sort>) -> [String; 3] {
    [bill.before(sort), bill.after(sort), bill.difference(sort)].map(|amount| {
        let about = if amount.is_complete { "" } else { "~" };
        format!("{about}{}", amount.month().rounded(2))
    })
}

#[test]
fn the_articles_cluster_costs_what_its_author_worked_out_in_two_regions() {
    for (region, machines, disks, total, hour) in [
        // 5 × 0.0152 × 730, 40 × 0.096, 5 × 0.005 × 730.
        ("ap-northeast-1", "55.48", "3.84", "77.57", "0.1063"),
        // 5 × 0.0116 × 730, 40 × 0.08.
        ("us-east-1", "42.34", "3.20", "63.79", "0.0874"),
    ] {
        let bill = Case::of(article("t2.micro", ""), region).bill().expect("a bill");
        for (sort, month) in [
            (Some(Sort::Instances), machines),
            (Some(Sort::Volumes), disks),
            (Some(Sort::PublicIpv4), "18.25"),
            (Some(Sort::ElasticIps), "0.00"),
            (None, total),
        ] {
            assert_eq!(months(&bill, sort), ["0.00", month, month], "{region} {sort:?}");
        }
        assert_eq!(bill.after(None).hour().rounded(4), hour);
    }
}

#[test]
fn what_stays_makes_no_difference_and_a_destroy_saves_all_of_it() {
    let mut case = Case::of(article("t2.micro", ""), "ap-northeast-1").there();
    let bill = case.bill().expect("a bill");
    assert_eq!(months(&bill, None), ["77.57", "77.57", "0.00"]);
    assert!(bill.is_unchanged());
    case.destroy = true;
    let bill = case.bill().expect("a bill");
    assert_eq!(months(&bill, None), ["77.57", "0.00", "-77.57"]);
}

#[test]
fn stopped_machines_cost_their_disks_until_they_are_started() {
    let mut case = Case::of(article("t2.micro", ""), "ap-northeast-1")
        .there()
        .stopped();
    let bill = case.bill().expect("a bill");
    assert_eq!(bill.stopped, (5, 0));
    assert_eq!(months(&bill, None), ["3.84", "77.57", "73.73"]);
    case.destroy = true;
    let bill = case.bill().expect("a bill");
    assert_eq!(months(&bill, None), ["3.84", "0.00", "-3.84"]);
}

#[test]
fn an_unknown_type_is_unknown_and_neither_free_nor_a_saving() {
    let mut case = Case::of(article("x9.mega", ""), "us-east-1");
    let bill = case.bill().expect("a bill");
    assert_eq!(months(&bill, None), ["0.00", "~21.45", "~21.45"]);
    assert_eq!(months(&bill, Some(Sort::Instances)), ["0.00", "~0.00", "~0.00"]);
    assert_eq!(bill.unknown(true), ["x9.mega"]);
    case = case.there();
    // It stays: how much that is is unknown, that it is no difference is not.
    let bill = case.bill().expect("a bill");
    assert_eq!(months(&bill, None), ["~21.45", "~21.45", "0.00"]);
    assert_eq!(
        (bill.unknown(true), bill.unknown(false)),
        (vec![], vec!["x9.mega".to_owned()])
    );
    // What takes its place is counted, what it saves is not.
    case.manifest = article("t3.micro", "");
    let bill = case.bill().expect("a bill");
    assert_eq!(months(&bill, None), ["~21.45", "59.41", "~37.96"]);
    case.manifest = article("x9.mega", "");
    case.destroy = true;
    let bill = case.bill().expect("a bill");
    assert_eq!(months(&bill, None), ["~21.45", "0.00", "~-21.45"]);
}

#[test]
fn the_manifests_own_prices_win_and_a_region_without_any_is_unknown() {
    let own = "[prices]\ninstance_hour = { \"x9.mega\" = 1 }\ngib_month = 0.5\npublic_ipv4_hour = 0.01\n";
    let bill = Case::of(article("x9.mega", own), "mars-north-1")
        .bill()
        .expect("a bill");
    // 5 × 730, 40 × 0.5, 5 × 0.01 × 730.
    assert_eq!(months(&bill, None)[1], "3706.50");
    assert!(bill.own_prices);
    let bill = Case::of(article("t3.micro", ""), "mars-north-1")
        .bill()
        .expect("a bill");
    assert_eq!(months(&bill, None), ["0.00", "~0.00", "~0.00"]);
    assert!(!bill.own_prices);
}

#[test]
fn an_elastic_address_takes_the_place_of_a_lent_one() {
    let elastic = |public: &str| {
        let text = format!(
            "[cluster]\nname = \"sandbox\"\nprovider = \"sim\"\n[[pool]]\nname = \"m\"\nrole = \"manager\"\ncount = 1\ninstance_type = \"t3.micro\"\npublic_ip = {public}\n"
        );
        Case::of(parsed(&text), "us-east-1").bill().expect("a bill")
    };
    let cents = |bill: &Bill| {
        [Sort::PublicIpv4, Sort::ElasticIps].map(|sort| bill.after(Some(sort)).month().rounded(2))
    };
    assert_eq!(cents(&elastic("true")), ["3.65", "0.00"]);
    assert_eq!(cents(&elastic("\"elastic\"")), ["0.00", "3.65"]);
    assert_eq!(cents(&elastic("false")), ["0.00", "0.00"]);
}

#[test]
fn whether_a_subnet_gives_addresses_is_read_and_not_guessed() {
    let mut case = Case::of(article("t3.micro", ""), "us-east-1");
    let month = |case: &Case| months(&case.bill().expect("a bill"), Some(Sort::PublicIpv4))[1].clone();
    assert_eq!(month(&case), "18.25");
    case.public = Some(false);
    assert_eq!(month(&case), "0.00");
    case.public = None;
    assert_eq!(month(&case), "~0.00");
}
