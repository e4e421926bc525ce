use super::*;

fn line(sort: Sort, what: &str, price: Option<&str>, sides: (u64, u64)) -> Line {
    Line {
        sort,
        what: what.to_owned(),
        unit: match sort {
            Sort::Volumes => Unit::GibMonth,
            _ => Unit::Hour,
        },
        price: price.map(|price| price.parse().expect("an amount")),
        before: sides.0,
        after: sides.1,
    }
}

/// The article's cluster: nothing before, or nothing after.
fn article(sides: fn(u64) -> (u64, u64)) -> Bill {
    Bill {
        region: "ap-northeast-1".to_owned(),
        as_of: "2026-07-20".to_owned(),
        own_prices: false,
        lines: vec![
            line(Sort::Instances, "t2.micro", Some("0.0152"), sides(5)),
            line(Sort::Volumes, "gp3", Some("0.096"), sides(40)),
            line(Sort::PublicIpv4, "", Some("0.005"), sides(5)),
        ],
        stopped: (0, 0),
        free_tier: None,
    }
}

fn shown(bill: &Bill) -> Vec<String> {
    let text = text(bill, Paint::PLAIN);
    let (said, basis) = text.trim_end().rsplit_once('\n').expect("a basis");
    assert!(basis.starts_with("  An estimate: list prices of ap-northeast-1 as of 2026-07-20"));
    said.lines().map(str::to_owned).collect()
}

#[test]
fn a_new_cluster_shows_its_total_and_what_that_is_made_of() {
    let mut bill = article(|count| (0, count));
    bill.free_tier = Some(subako_engine::money::FreeTier::Hours);
    assert_eq!(
        shown(&bill),
        [
            "Cost: $0.00 → $77.57 a month (+$77.57); $0.1063 an hour",
            "  instances    $0.00 → $55.48  5 × t2.micro",
            "  volumes      $0.00 → $3.84   40 GiB gp3",
            "  public IPv4  $0.00 → $18.25  5",
            "  Free tier: 750 hours last 6 days 6 h of each month for 5 instances.",
            "  Free tier: 750 hours last 6 days 6 h of each month for 5 public IPv4 addresses.",
            "  Free tier: 40 GiB of volumes are 10 more than the 30 that are free.",
        ]
    );
    bill.free_tier = Some("credits=100".parse().expect("credits"));
    assert_eq!(
        shown(&bill).last().map(String::as_str),
        Some("  Credits: about 39 days at $100.00 left.")
    );
}

#[test]
fn a_destroy_says_what_it_saves_and_an_unknown_price_is_no_saving() {
    let mut bill = article(|count| (count, 0));
    assert_eq!(shown(&bill)[0], "Cost: $77.57 → $0.00 a month (-$77.57)");
    assert_eq!(
        saved(&bill).as_deref(),
        Some("This saves $77.57 a month, $0.1063 an hour.")
    );
    bill.lines[0].price = None;
    assert_eq!(
        shown(&bill),
        [
            "Cost: at least $22.09 → $0.00 a month (-$22.09 and what is unknown)",
            "  instances    unknown → $0.00  5 × t2.micro",
            "  volumes        $3.84 → $0.00  40 GiB gp3",
            "  public IPv4   $18.25 → $0.00  5",
            "  No price is known for t2.micro: [prices] in the manifest can give it.",
        ]
    );
    assert_eq!(
        saved(&bill).as_deref(),
        Some("This saves $22.09 a month, and what t2.micro cost, for which no price is known.")
    );
    bill.lines.truncate(1);
    assert_eq!(
        saved(&bill).as_deref(),
        Some("This saves what t2.micro cost, for which no price is known.")
    );
    assert_eq!(saved(&article(|count| (count, count))), None);
}

#[test]
fn what_stays_is_said_with_its_total() {
    let mut bill = article(|count| (count, count));
    bill.stopped = (2, 2);
    let shown = shown(&bill);
    assert_eq!(shown[0], "Cost: $77.57 a month, as before; $0.1063 an hour");
    assert_eq!(shown[4], "  2 stopped: only their volumes are billed.");
}

#[test]
fn machines_get_null_where_an_amount_is_unknown_and_what_is_known_beside_it() {
    let mut bill = article(|count| (0, count));
    let json = |bill: &Bill| serde_json::to_value(view(bill)).expect("json");
    let whole = json(&bill);
    assert_eq!(whole["total"]["after"]["usd_per_month"], "77.5700");
    assert_eq!(whole["total"]["after"]["usd_per_hour"], "0.106260");
    assert_eq!(whole["by_kind"][1]["kind"], "volumes");
    assert_eq!(whole["by_kind"][1]["difference"]["usd_per_month"], "3.8400");
    bill.lines[0].price = None;
    let part = json(&bill);
    assert_eq!(part["total"]["after"]["usd_per_month"], serde_json::Value::Null);
    assert_eq!(part["total"]["after"]["known_usd_per_month"], "22.0900");
    assert_eq!(part["unknown"], serde_json::json!(["t2.micro"]));
    assert_eq!(part["lines"][0].get("price"), None);
}
