//! No text breaks the parser, and every place in a report lies in the text.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

use super::read;

fn holds(text: &str) {
    let Err(errors) = read(text) else { return };
    assert!(!errors.errors().is_empty());
    let mut previous = 0;
    for error in errors.errors() {
        let first = error.spans().next().expect("a place");
        assert!(previous <= first.start, "sorted by place");
        previous = first.start;
        for span in error.spans() {
            assert!(
                span.start <= span.end && span.end <= text.len(),
                "{span:?} of {}",
                text.len()
            );
            assert!(
                text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
                "{span:?}"
            );
        }
        assert!(error.source_code().is_some());
    }
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let report = errors.report(&handler).to_string();
    assert!(!report.contains("Failed to read"), "{report}");
}

/// Values of every type, good and bad.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9:/.@${} -]{0,12}".prop_map(|text| format!("\"{text}\"")),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("TOML's own words", |f| f.is_finite())
            .prop_map(|f| format!("{f:?}")),
        any::<bool>().prop_map(|boolean| boolean.to_string()),
        Just("1979-05-27".to_owned()),
        Just("[\"80:80\", 5, { target = 80 }, \"${var:x}\", \"${var:n}\"]".to_owned()),
        Just("{ aliases = \"a\", memory = \"1\", cpus = 5, test = [], a = \"b\" }".to_owned()),
        Just("[]".to_owned()),
    ]
}

/// Lines of a manifest, shuffled.
fn line() -> impl Strategy<Value = String> {
    let header = prop::sample::select(vec![
        "cluster",
        "aws",
        "key_pair",
        "ssh",
        "security_group",
        "swarm",
        "sim",
        "service.healthcheck",
    ])
    .prop_map(|name| format!("[{name}]"));
    let headers = prop::sample::select(vec!["pool", "network", "service", "sim.faults", "servic"])
        .prop_map(|n| format!("[[{n}]]"));
    let key = prop::sample::select(vec![
        "name",
        "role",
        "count",
        "instance_type",
        "ami",
        "labels",
        "private_ips",
        "tags",
        "subnet",
        "driver",
        "image",
        "command",
        "ports",
        "networks",
        "mounts",
        "environment",
        "healthcheck",
        "resources",
        "update_config",
        "test",
        "ssh_from",
        "ingress",
        "from",
        "call",
        "error",
        "seed",
        "jump",
        "public_key",
        "region",
        "availability_zones",
        "addr_pool",
        "deploy",
        "secrets",
        "replicas",
        "mode",
        "constraints",
        "preferences",
        "max_replicas_per_node",
        "nmae",
    ]);
    prop_oneof![
        1 => header,
        2 => headers,
        9 => (key, value()).prop_map(|(key, value)| format!("{key} = {value}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,200}") {
        holds(&text);
    }

    #[test]
    fn no_bytes_of_toml_break_the_parser(text in "[\\[\\]{}=\"'\\\\a-z0-9 .\\n\\r\\t#$,:_é-]{0,120}") {
        holds(&text);
    }

    #[test]
    fn no_shuffled_manifest_breaks_the_parser(lines in prop::collection::vec(line(), 0..40)) {
        // A key twice in a table is a mistake of syntax that would hide all others.
        let mut seen = std::collections::BTreeSet::new();
        let mut text = String::new();
        for line in lines {
            if line.starts_with('[') {
                seen.clear();
            }
            if seen.insert(line.split(" = ").next().unwrap_or_default().to_owned()) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        holds(&text);
    }

    #[test]
    fn no_edit_of_a_good_manifest_breaks_the_parser(at in 0usize..2000, edit in "\\PC{0,3}", cut in 0usize..9) {
        let good = include_str!("../../../../examples/production.toml");
        let start = (at..good.len()).find(|i| good.is_char_boundary(*i)).unwrap_or(good.len());
        let end = (start + cut..=good.len()).find(|i| good.is_char_boundary(*i)).unwrap_or(good.len());
        holds(&format!("{}{edit}{}", &good[..start], &good[end.max(start)..]));
    }
}
