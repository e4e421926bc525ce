//! What a plan costs: in words, in text, and for machines.

use std::fmt::Write as _;

use serde::Serialize;
use subako_engine::money::{Amount, Bill, Lasts, Line, Sort, Unit};
use subako_engine::world::prices::{PriceTable, Usd};
use unicode_width::UnicodeWidthStr as _;

use crate::plain::plain;
use crate::style::{Meaning, Paint};

/// A sum a month, with what is not known of it: `$77.57`, `at least $18.25`, `unknown`.
pub fn month(amount: Amount) -> String {
    dollars(amount, amount.month(), 2)
}

fn dollars(amount: Amount, usd: Usd, decimals: u32) -> String {
    match (amount.is_complete, usd == Usd::ZERO) {
        (true, _) => format!("${}", usd.rounded(decimals)),
        (false, true) => "unknown".to_owned(),
        (false, false) => format!("at least ${}", usd.rounded(decimals)),
    }
}

/// By how much a sum changes, signed: `+$3.65`, `-$77.57`, `+$18.25 and what is unknown`.
fn change(amount: Amount) -> String {
    let known = amount.month();
    let sign = if known.is_negative() { "-" } else { "+" };
    match (amount.is_complete, known == Usd::ZERO) {
        (true, true) => "no change".to_owned(),
        (false, true) => "change unknown".to_owned(),
        (true, false) => format!("{sign}${}", known.abs().rounded(2)),
        (false, false) => format!("{sign}${} and what is unknown", known.abs().rounded(2)),
    }
}

/// What a destroy saves, in a sentence; `None` where nothing was billed.
pub fn saved(bill: &Bill) -> Option<String> {
    let less = bill.difference(None);
    let amount = Amount {
        known: -less.known,
        is_complete: less.is_complete,
    };
    let nothing = amount.is_complete && amount.known == Usd::ZERO;
    (!nothing).then(|| match (amount.is_complete, amount.known == Usd::ZERO) {
        (false, true) => format!(
            "This saves what {} cost, for which no price is known.",
            names(&bill.unknown(true))
        ),
        (false, false) => format!(
            "This saves ${} a month, and what {} cost, for which no price is known.",
            amount.month().rounded(2),
            names(&bill.unknown(true))
        ),
        (true, _) => format!(
            "This saves ${} a month, ${} an hour.",
            amount.month().rounded(2),
            amount.hour().rounded(4)
        ),
    })
}

fn names(unknown: &[String]) -> String {
    plain(&unknown.join(", ")).to_string()
}

/// `5 × t2.micro`, `40 GiB gp3`, `5`.
fn counted(line: &Line, count: u64) -> String {
    let what = plain(&line.what).to_string();
    match (line.unit, what.as_str()) {
        (Unit::GibMonth, _) => format!("{count} GiB {what}"),
        (Unit::Hour, "") => count.to_string(),
        (Unit::Hour, _) => format!("{count} × {what}"),
    }
}

/// What the lines of a sort count, before and after where that differs.
fn counts(bill: &Bill, sort: Sort) -> String {
    let side = |of: fn(&Line) -> u64| {
        let counted: Vec<String> = bill
            .of(Some(sort))
            .filter(|line| of(line) > 0)
            .map(|line| counted(line, of(line)))
            .collect();
        match counted.is_empty() {
            true => "none".to_owned(),
            false => counted.join(", "),
        }
    };
    let (before, after) = (side(|line| line.before), side(|line| line.after));
    match (before == after, before.as_str(), after.as_str()) {
        (true, ..) | (_, "none", _) => after,
        (_, _, "none") => before,
        _ => format!("{before} → {after}"),
    }
}

/// The total, the difference and what is missing, in a sentence without a full stop.
pub fn headline(bill: &Bill) -> String {
    let (before, after) = (bill.before(None), bill.after(None));
    let hour = match after.is_complete && after.month() == Usd::ZERO {
        true => String::new(),
        false => format!("; {} an hour", dollars(after, after.hour(), 4)),
    };
    if bill.is_unchanged() {
        return format!("{} a month, as before{hour}", month(after));
    }
    format!(
        "{} → {} a month ({}){hour}",
        month(before),
        month(after),
        change(bill.difference(None))
    )
}

/// What the figures are, in a sentence.
pub fn basis(bill: &Bill) -> String {
    let own = if bill.own_prices {
        ", and the manifest's own"
    } else {
        ""
    };
    format!(
        "An estimate: list prices of {} as of {}{own}, on demand, without tax, traffic, snapshots and surplus CPU credits.",
        plain(&bill.region),
        plain(&bill.as_of)
    )
}

/// What is said beside the sums.
pub fn remarks(bill: &Bill) -> Vec<String> {
    let mut said = Vec::new();
    let unknown = bill.unknown(false);
    if !unknown.is_empty() {
        said.push(format!(
            "No price is known for {}: [prices] in the manifest can give it.",
            names(&unknown)
        ));
    }
    match bill.stopped {
        (0, 0) => {}
        (before, after) if before == after => {
            said.push(format!("{after} stopped: only their volumes are billed."));
        }
        (before, after) => said.push(format!(
            "{before} stopped before, {after} after: of those only the volumes are billed."
        )),
    }
    said.extend(given(bill));
    said
}

/// How long what the account is given lasts, in sentences.
fn given(bill: &Bill) -> Vec<String> {
    let parts = bill.free_tier.map(|given| Lasts::of(given, bill));
    parts.iter().flatten().map(lasts).collect()
}

/// `6 days 6 h`.
fn days(hours: u64) -> String {
    match (hours / 24, hours % 24) {
        (0, hours) => format!("{hours} h"),
        (1, 0) => "1 day".to_owned(),
        (1, hours) => format!("1 day {hours} h"),
        (days, 0) => format!("{days} days"),
        (days, hours) => format!("{days} days {hours} h"),
    }
}

fn lasts(part: &Lasts) -> String {
    match part {
        Lasts::Hours {
            of,
            count,
            hours,
            all_month,
        } => {
            let what = match of {
                Sort::Instances => "instance",
                _ => "public IPv4 address",
            };
            let many = if *of == Sort::Instances { "s" } else { "es" };
            match all_month {
                true => format!("Free tier: 750 hours last all month for {count} {what}."),
                false => format!(
                    "Free tier: 750 hours last {} of each month for {count} {what}{many}.",
                    days(*hours)
                ),
            }
        }
        Lasts::Gib { used, free } if used > free => format!(
            "Free tier: {used} GiB of volumes are {} more than the {free} that are free.",
            used - free
        ),
        Lasts::Gib { used, free } => format!("Free tier: {used} of {free} GiB of volumes."),
        Lasts::NotCovered(types) => {
            let types: Vec<String> = types
                .iter()
                .map(|(name, count)| format!("{count} × {}", plain(name)))
                .collect();
            format!("Free tier: {} not covered.", types.join(", "))
        }
        Lasts::Credits { left, days: None, .. } => {
            format!("Credits: how long ${} last is unknown.", left.rounded(2))
        }
        Lasts::Credits {
            left,
            days: Some(days),
            is_complete,
        } => {
            let about = if *is_complete { "about" } else { "at most" };
            format!("Credits: {about} {days} days at ${} left.", left.rounded(2))
        }
    }
}

/// The sums by kind, as columns: name, before, after, counts.
pub fn rows(bill: &Bill) -> Vec<[String; 4]> {
    let sorts = Sort::ALL
        .into_iter()
        .filter(|sort| bill.of(Some(*sort)).next().is_some());
    let rows = sorts.map(|sort| {
        [
            sort.name().to_owned(),
            month(bill.before(Some(sort))),
            month(bill.after(Some(sort))),
            counts(bill, sort),
        ]
    });
    rows.collect()
}

/// The section of a plan's text: a line for the whole, one a kind, and what the figures are.
pub fn text(bill: &Bill, paint: Paint) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} {}", paint.of(Meaning::Strong, "Cost:"), headline(bill));
    let rows = rows(bill);
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let pad = |text: &str, column: usize| " ".repeat(widths[column].saturating_sub(text.width()));
    for [name, before, after, counts] in &rows {
        let _ = writeln!(
            out,
            "  {name}{}  {}{before} → {after}{}  {counts}",
            pad(name, 0),
            pad(before, 1),
            pad(after, 2)
        );
    }
    for remark in remarks(bill) {
        let _ = writeln!(out, "  {remark}");
    }
    let _ = writeln!(out, "  {}", paint.of(Meaning::Dim, basis(bill)));
    out
}

/// The bill for machines: amounts are decimal strings, and null where they are unknown.
#[derive(Debug, Serialize)]
pub struct CostView<'a> {
    currency: &'static str,
    region: &'a str,
    prices_as_of: &'a str,
    source: &'static str,
    disclaimer: &'static str,
    own_prices: bool,
    total: SumView,
    by_kind: Vec<KindView>,
    lines: &'a [Line],
    stopped: Sides<u64>,
    unknown: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    free_tier: Vec<String>,
}

#[derive(Debug, Serialize)]
struct KindView {
    kind: Sort,
    #[serde(flatten)]
    sum: SumView,
}

#[derive(Debug, Serialize)]
struct Sides<T> {
    before: T,
    after: T,
}

/// What is known of the amounts stands beside them, so that nobody has to take it for all.
#[derive(Debug, Serialize)]
struct SumView {
    before: AmountView,
    after: AmountView,
    difference: AmountView,
}

#[derive(Debug, Serialize)]
struct AmountView {
    usd_per_hour: Option<String>,
    usd_per_month: Option<String>,
    known_usd_per_month: String,
}

impl From<Amount> for AmountView {
    fn from(amount: Amount) -> Self {
        let whole = |text: String| amount.is_complete.then_some(text);
        Self {
            usd_per_hour: whole(amount.hour().rounded(6)),
            usd_per_month: whole(amount.month().rounded(4)),
            known_usd_per_month: amount.month().rounded(4),
        }
    }
}

/// The bill for machines.
pub fn view(bill: &Bill) -> CostView<'_> {
    let sum = |sort| SumView {
        before: bill.before(sort).into(),
        after: bill.after(sort).into(),
        difference: bill.difference(sort).into(),
    };
    let table = PriceTable::built_in();
    let sorts = Sort::ALL
        .into_iter()
        .filter(|sort| bill.of(Some(*sort)).next().is_some());
    CostView {
        currency: "USD",
        region: &bill.region,
        prices_as_of: &bill.as_of,
        source: &table.source,
        disclaimer: &table.disclaimer,
        own_prices: bill.own_prices,
        total: sum(None),
        by_kind: sorts
            .map(|kind| KindView {
                kind,
                sum: sum(Some(kind)),
            })
            .collect(),
        lines: &bill.lines,
        stopped: Sides {
            before: bill.stopped.0,
            after: bill.stopped.1,
        },
        unknown: bill.unknown(false),
        free_tier: given(bill),
    }
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod tests;
