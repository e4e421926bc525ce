//! `.ci/prices` makes the price table from AWS's public price list: on a small list in that format.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use subako_engine::world::prices::PriceTable;

use crate::support::{Ran, root};

/// A product as the list has it, with its terms on demand.
struct Product {
    sku: &'static str,
    family: &'static str,
    attributes: Value,
    unit: &'static str,
    usd: &'static str,
}

fn instance(sku: &'static str, instance_type: &str, usd: &'static str) -> Product {
    Product {
        sku,
        family: "Compute Instance",
        attributes: json!({
            "instanceType": instance_type, "operatingSystem": "Linux", "tenancy": "Shared",
            "preInstalledSw": "NA", "capacitystatus": "Used", "operation": "RunInstances",
        }),
        unit: "Hrs",
        usd,
    }
}

/// Two instance types, what is beside them in the list, and a gp3 volume.
fn ec2() -> Vec<Product> {
    let other = |sku, key: &str, value: &str| {
        let mut other = instance(sku, "t3.micro", "0.0000000000");
        other.attributes[key] = json!(value);
        other
    };
    vec![
        instance("A1", "t3.micro", "0.0104000000"),
        instance("A2", "t4g.small", "0.0168000000"),
        other("B1", "operatingSystem", "Windows"),
        other("B2", "tenancy", "Dedicated"),
        other("B3", "capacitystatus", "AllocatedCapacityReservation"),
        other("B4", "preInstalledSw", "SQL Web"),
        Product {
            sku: "C1",
            family: "Storage",
            attributes: json!({"volumeApiName": "gp3", "usagetype": "EBS:VolumeUsage.gp3"}),
            unit: "GB-Mo",
            usd: "0.0800000000",
        },
    ]
}

fn vpc() -> Vec<Product> {
    let address = |sku, usage: &str| Product {
        sku,
        family: "VpcPublicIPv4Address",
        attributes: json!({"usagetype": usage}),
        unit: "Hrs",
        usd: "0.0050000000",
    };
    vec![
        address("D1", "USE1-PublicIPv4:InUseAddress"),
        address("D2", "USE1-PublicIPv4:IdleAddress"),
    ]
}

fn list(offer: &str, date: &str, products: &[Product]) -> Value {
    let mut of_sku = serde_json::Map::new();
    let mut terms = serde_json::Map::new();
    for product in products {
        let mut attributes = product.attributes.clone();
        attributes["locationType"] = json!("AWS Region");
        attributes["regionCode"] = json!("us-east-1");
        of_sku.insert(
            product.sku.to_owned(),
            json!({"sku": product.sku, "productFamily": product.family, "attributes": attributes}),
        );
        let term = format!("{}.JRTCKXETXF", product.sku);
        let rate = format!("{term}.6YS6EN2CT7");
        terms.insert(
            product.sku.to_owned(),
            json!({term: {"offerTermCode": "JRTCKXETXF", "priceDimensions": {rate: {
                "unit": product.unit, "beginRange": "0", "endRange": "Inf",
                "pricePerUnit": {"USD": product.usd},
            }}}}),
        );
    }
    json!({
        "formatVersion": "v1.0", "offerCode": offer, "publicationDate": date,
        "disclaimer": "This pricing list is for informational purposes only.",
        "products": of_sku, "terms": {"OnDemand": terms, "Reserved": {}},
    })
}

/// What the script makes of lists; `None` where there is no Python to run it.
fn made(lists: &[Value]) -> Option<Ran> {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("python3");
    command.arg(root().join(".ci/prices"));
    for (number, list) in lists.iter().enumerate() {
        let file = dir.path().join(format!("{number}.json"));
        fs::write(&file, list.to_string()).expect("written");
        command.arg(file);
    }
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "no python3");
        // Nothing is said where there is nobody to read it; CI fails instead.
        return None;
    }
    Some(Ran::of(&mut command))
}

#[test]
fn a_price_list_becomes_a_table_that_the_program_reads() {
    let lists = [
        list("AmazonEC2", "2026-11-21T00:51:31Z", &ec2()),
        list("AmazonVPC", "2026-11-18T10:00:00Z", &vpc()),
    ];
    let Some(ran) = made(&lists) else { return };
    let table = PriceTable::read(&ran.expect(0).stdout).expect("a table");
    assert_eq!(table.publication_date, "2026-11-18");
    assert!(table.source.contains("AmazonEC2") && table.disclaimer.contains("estimate"));
    let price = |usd: Option<subako_engine::world::prices::Usd>| usd.map(|usd| usd.to_string());
    assert_eq!(
        price(table.instance_hour("us-east-1", "t3.micro")).as_deref(),
        Some("0.0104")
    );
    assert_eq!(
        price(table.instance_hour("us-east-1", "t4g.small")).as_deref(),
        Some("0.0168")
    );
    assert_eq!(
        price(table.gib_month("us-east-1", "gp3")).as_deref(),
        Some("0.08")
    );
    assert_eq!(
        price(table.public_ipv4_hour("us-east-1")).as_deref(),
        Some("0.005")
    );
}

#[test]
fn a_list_with_a_zero_two_prices_another_unit_or_a_part_missing_makes_no_table() {
    let both = |ec2: &[Product]| {
        let date = "2026-11-21T00:51:31Z";
        [list("AmazonEC2", date, ec2), list("AmazonVPC", date, &vpc())]
    };
    let changed = |change: fn(&mut Vec<Product>)| {
        let mut products = ec2();
        change(&mut products);
        made(&both(&products))
    };
    let zero = changed(|products| products[0].usd = "0.0000000000");
    let twice = changed(|products| products.push(instance("A3", "t3.micro", "0.0100000000")));
    let unit = changed(|products| products[0].unit = "Quantity");
    let missing = made(&[list("AmazonEC2", "2026-11-21T00:51:31Z", &ec2())]);
    for (ran, why) in [
        (
            zero,
            "t3.micro in us-east-1 costs 0E-10: a price is more than nothing",
        ),
        (twice, "t3.micro in us-east-1 costs 0.0104000000 and 0.0100000000"),
        (unit, "A1 is priced by Quantity, where Hrs is expected"),
        (missing, "us-east-1 has no public_ipv4_hour"),
    ] {
        let Some(ran) = ran else { return };
        let ran = ran.expect(1);
        assert!(ran.stderr.contains(why), "{}", ran.said());
        assert_eq!(ran.stdout, "", "half a table");
    }
}
