//! A rule whose source is a group gets other words, too.
//!
//! Source: EC2 API reference, UpdateSecurityGroupRuleDescriptionsIngress.

use std::collections::BTreeMap;

use super::{Behaviour, Call, Node};

/// A rule: its group, protocol and ports, and the group that it lets in.
type Rule = [String; 5];

/// The words of each rule that lets a group in.
#[derive(Default)]
pub struct Described(BTreeMap<Rule, String>);

/// The rules of a call that let groups in, with their words.
fn rules(call: &Call) -> Vec<(Rule, String)> {
    let group = call.get("GroupId").unwrap_or_default();
    let mut found = Vec::new();
    for (key, source) in &call.parameters {
        let Some((permission, number)) = key
            .strip_suffix(".GroupId")
            .and_then(|key| key.split_once(".Groups."))
        else {
            continue;
        };
        let of = |field: &str| call.get(&format!("{permission}.{field}")).unwrap_or_default();
        let rule = [group, of("IpProtocol"), of("FromPort"), of("ToPort"), source].map(str::to_owned);
        let words = of(&format!("Groups.{number}.Description"));
        found.push((rule, words.to_owned()));
    }
    found
}

/// A call about one rule.
fn about(call: &Call, action: &str, rule: &Rule, words: &str) -> Call {
    let [group, protocol, from, to, source] = rule.each_ref().map(String::as_str);
    let parameters = [
        ("GroupId", group),
        ("IpPermissions.1.IpProtocol", protocol),
        ("IpPermissions.1.FromPort", from),
        ("IpPermissions.1.ToPort", to),
        ("IpPermissions.1.Groups.1.GroupId", source),
        ("IpPermissions.1.Groups.1.Description", words),
    ];
    // What has no ports names none.
    let named: Vec<(&str, &str)> = parameters
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    call.other(action, &named)
}

impl Behaviour for Described {
    fn answer(&mut self, call: &Call, _: &mut Node) {
        match call.action.as_str() {
            "AuthorizeSecurityGroupIngress" if !call.is_dry() => self.0.extend(rules(call)),
            "RevokeSecurityGroupIngress" if !call.is_dry() => {
                for (rule, _) in rules(call) {
                    self.0.remove(&rule);
                }
            }
            _ => {}
        }
    }

    /// The API behind keeps the first words: the rule is recreated with the new ones.
    fn then(&mut self, call: &Call, _: &Node) -> Vec<Call> {
        if call.action != "UpdateSecurityGroupRuleDescriptionsIngress" || call.is_dry() {
            return Vec::new();
        }
        let mut calls = Vec::new();
        for (rule, words) in rules(call) {
            let Some(known) = self.0.get_mut(&rule) else {
                continue;
            };
            calls.push(about(call, "RevokeSecurityGroupIngress", &rule, known));
            calls.push(about(call, "AuthorizeSecurityGroupIngress", &rule, &words));
            *known = words;
        }
        calls
    }
}
