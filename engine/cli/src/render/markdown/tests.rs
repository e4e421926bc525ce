//! A comment as a forge reads it: nothing in it that came from outside is markup.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::json;
use subako_engine::check::{Finding, Severity, planner};
use subako_engine::display::Display;
use subako_engine::plan::{Change, Drift, Operation, Plan, Reason, Step, Value};
use subako_state::Address;

use super::plan as comment;
use super::section::MOST;
use crate::hint::Invocation;
use crate::render::samples::{self, create, half, step};

fn written(plan: &Plan) -> String {
    comment(
        plan,
        &Display::built_in(),
        false,
        &Invocation::default(),
        &samples::next("sha256:0123"),
    )
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM
}

/// What a forge makes of a comment, without the words in it.
fn shape(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, options());
    let shape = events.filter_map(|event| match event {
        Event::Text(text) => {
            for link in ["://", "www.", "#1"] {
                assert!(
                    !text.contains(link) || is_fenced(&text),
                    "{link} is a link in {text:?}"
                );
            }
            let mentions = text.trim_end_matches('@').contains('@') && !is_fenced(&text);
            assert!(!mentions, "somebody is mentioned in {text:?}");
            None
        }
        Event::Code(_) | Event::SoftBreak => None,
        Event::InlineHtml(html) if &*html == "<!-- -->" => None,
        Event::Html(html) => Some(html.split(|c: char| c.is_ascii_digit()).collect()),
        Event::Start(Tag::CodeBlock(kind)) => Some(format!("{kind:?}")),
        event => Some(format!("{event:?}")),
    });
    shape.filter(|shape| !shape.contains("subako-plan")).collect()
}

/// Text of a fence, in which nothing is a link: it has a line end.
fn is_fenced(text: &str) -> bool {
    text.ends_with('\n')
}

fn plan(text: &str) -> Plan {
    let address = || Address::new("instance", text);
    let change = Change {
        path: text.to_owned(),
        before: Value::Known(json!(text)),
        after: Value::Known(json!(format!("{text}\n{text}"))),
        forces_replacement: Some(text.to_owned()),
        cost: None,
    };
    let reason = || Some(Reason::Text(text.to_owned()));
    let named = |mut step: Step| {
        step.address = address();
        step.reason = reason();
        step
    };
    let mut plan = samples::plan(vec![
        named(create("instance.a", &[])),
        Step {
            changes: vec![change.clone()],
            ..named(half(Operation::Create, "instance.b"))
        },
        named(step(Operation::Delete, "instance.c", &[])),
    ]);
    plan.cluster = text.to_owned();
    plan.drift = vec![Drift {
        address: address(),
        changes: vec![change],
        gone: false,
    }];
    plan.findings = [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| {
            let finding = Finding::new(severity, &planner::FOREIGN, text);
            finding.about(address()).with_remedy(text)
        })
        .to_vec();
    plan
}

fn markup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "`",
        "```",
        "~~",
        "*",
        "**",
        "_",
        "__",
        "[x](http://a)",
        "![x](y)",
        "<b>",
        "</details>",
        "<!--",
        "-->",
        "@root",
        "#12",
        "http://a.b",
        "www.a.b",
        "|",
        "\\",
        "\n",
        "\n\n# x\n",
        "\n- x",
        "$x$",
        "$$",
        "[^1]",
        "&amp;",
        "<http://a>",
        " ",
        "a",
        "-",
        "> ",
        "[!NOTE]",
        "巣",
    ]);
    proptest::collection::vec(pieces, 1..8).prop_map(|pieces| format!("a{}b", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_from_outside_is_markup_in_a_comment(text in markup()) {
        prop_assert_eq!(shape(&written(&plan(&text))), shape(&written(&plan("ab"))));
    }
}

#[test]
fn what_is_lost_comes_first_and_is_not_folded() {
    let text = written(&plan("x"));
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    let order = [
        "### REFUSED: Subako: ",
        "> **REFUSED**",
        "-   instance.x",
        "**1 warning**",
        "<details>",
    ];
    assert!(order.map(at).is_sorted(), "{text}");
    assert!(!text.contains("applies this plan"), "{text}");
    assert!(text.ends_with(&format!("\n\n{}\n", plan("x").marker())), "{text}");
}

#[test]
fn a_plan_of_nothing_is_one_line() {
    let mut empty = samples::plan(vec![]);
    empty.findings = plan("x").findings.split_off(1);
    let text = written(&empty);
    assert_eq!(
        text,
        format!(
            "No changes: sandbox is as the manifest wants it (0 resources). 1 warning. 1 note. {}\n",
            empty.marker()
        )
    );
}

fn huge() -> Plan {
    let mut steps: Vec<Step> = (0..900)
        .map(|n| {
            let name = "x".repeat(30);
            Step {
                reason: Some(Reason::Unwanted),
                ..step(Operation::Delete, &format!("service.{name}{n}"), &[])
            }
        })
        .collect();
    steps.extend((0..400).map(|n| Step {
        changes: vec![Change {
            path: "image".into(),
            before: Value::Known(json!("y".repeat(40 + n))),
            after: Value::Known(json!("z")),
            forces_replacement: None,
            cost: None,
        }],
        ..step(Operation::Update, &format!("service.web-{n}-x"), &[])
    }));
    samples::plan(steps)
}

#[test]
fn a_huge_plan_is_cut_in_the_middle_and_names_everything_that_goes() {
    let text = written(&huge());
    assert!(text.len() <= MOST, "{}", text.len());
    assert_eq!(text, written(&huge()), "the same twice");
    assert!(
        text.contains("service.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0 … xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx899 (900)"),
        "{}",
        &text[..400]
    );
    assert!(text.contains("Cut, so that a comment can hold it: "), "{text}");
    assert!(
        text.contains("`subako plan --full --out sha256:0123` shows and saves all of it"),
        "{text}"
    );
    assert!(text.contains("applies this plan and nothing else"), "{text}");
}
