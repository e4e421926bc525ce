//! `[security_group]`.

use super::unique::Unique;
use super::{place, value};
use crate::manifest::decode::{Context, OneOrMany};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Cidr;
use crate::manifest::model::SecurityGroup;
use crate::manifest::raw::{self, From, Ingress};
use crate::manifest::span::{At, Span};
use crate::world::{Port, Protocol, Rule, Source};

/// The ports of a protocol that has none.
const ALL_PORTS: Port = Port {
    from: 0,
    to: u16::MAX,
};
/// The longest description of a rule (EC2).
const LONGEST_DESCRIPTION: usize = 255;
/// What descriptions may hold besides letters and digits (EC2).
const DESCRIPTION_SIGNS: &str = " ._-:/()#,@[]+=&;{}!$*";

/// Checks the security group.
pub fn check(cx: &mut Context<'_>, raw: raw::SecurityGroup, cluster: &str) -> SecurityGroup {
    let ssh_from = ranges(cx, "ssh_from", value(raw.ssh_from));
    let publish_to = raw.publish_to.map_or_else(
        || vec!["0.0.0.0/0".to_owned()],
        |at| ranges(cx, "publish_to", at.value),
    );
    let mut rules = Vec::new();
    let mut seen = Unique::new();
    for written in value(raw.ingress) {
        for (rule, span) in ingress(cx, written) {
            let traffic = (rule.protocol, rule.ports, rule.source.clone());
            seen.claim(cx, traffic, span, || {
                format!("two rules let in the same traffic from {}", rule.source)
            });
            rules.push(rule);
        }
    }
    SecurityGroup {
        name: raw.name.map_or_else(|| cluster.to_owned(), |name| name.value.0),
        ssh_from,
        publish_to,
        ingress: rules,
    }
}

fn ranges(cx: &mut Context<'_>, key: &str, list: OneOrMany<Cidr>) -> Vec<String> {
    let mut seen = Unique::new();
    let mut ranges = Vec::new();
    for range in list.0 {
        seen.claim(cx, range.value, range.span, || {
            format!("{} is listed twice in `{key}`", range.value)
        });
        ranges.push(range.to_string());
    }
    ranges
}

/// The rules that one entry stands for, one for each source.
fn ingress(cx: &mut Context<'_>, At { value: raw, span }: At<Ingress>) -> Vec<(Rule, Span)> {
    let Some(protocol) = raw.protocol else {
        return Vec::new();
    };
    let has_ports = matches!(protocol.value, Protocol::Tcp | Protocol::Udp);
    let ports = match &raw.ports {
        Some(ports) if !has_ports => {
            cx.report(
                ManifestError::new(Code::Conflict, format!("{} has no ports", protocol.value))
                    .at(ports.span, "remove it")
                    .at(protocol.span, "the protocol")
                    .help(format!("the rule lets in all of {}", protocol.value)),
            );
            ALL_PORTS
        }
        Some(ports) => ports.0,
        None if has_ports && !raw.mistaken => {
            cx.report(
                ManifestError::new(
                    Code::Missing,
                    format!("a rule for {} needs `ports`", protocol.value),
                )
                .at(span, "`ports` is missing here")
                .help("write ports = 80, or a range: ports = \"8000-8010\"; \"0-65535\" is all of them"),
            );
            ALL_PORTS
        }
        None => ALL_PORTS,
    };
    let description_span = place(&raw.description, span);
    let description = value(raw.description);
    let strange = description
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !DESCRIPTION_SIGNS.contains(*c));
    if description.chars().count() > LONGEST_DESCRIPTION || strange.is_some() {
        let label = strange.map_or("longer than that".to_owned(), |c| {
            format!("{c:?} cannot be part of it")
        });
        cx.report(
            ManifestError::new(
                Code::BadFormat,
                format!("`description` must be at most {LONGEST_DESCRIPTION} letters, digits and signs"),
            )
            .at(description_span, label)
            .help(format!(
                "EC2 allows letters a to z, digits, blanks and {}",
                DESCRIPTION_SIGNS.trim()
            )),
        );
    }
    let source = |from: From| match from {
        From::Range(range) => Source::Cidr(range.to_string()),
        From::Itself => Source::SelfGroup,
    };
    value(raw.from)
        .0
        .into_iter()
        .map(|from| {
            let source = source(from.value);
            (
                Rule {
                    description: description.clone(),
                    ports,
                    protocol: protocol.value,
                    source,
                },
                from.span,
            )
        })
        .collect()
}
