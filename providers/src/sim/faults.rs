//! The fault table: which calls fail, how, and in whose words.

use std::collections::BTreeMap;

use subako_world::{Code, calls};

use super::options::{FaultEffect, FaultRule, SimError};
use super::refusal::Refusal;
use crate::codes;

/// EC2's own plural or longer names for calls of the seam.
const ALIASES: [(&str, &str); 7] = [
    ("authorize_security_group_ingress", "authorize_ingress"),
    ("revoke_security_group_ingress", "revoke_ingress"),
    ("run_instances", "run_instance"),
    ("start_instances", "start_instance"),
    ("stop_instances", "stop_instance"),
    ("terminate_instances", "terminate_instance"),
    (
        "update_security_group_rule_descriptions_ingress",
        "describe_ingress",
    ),
];

/// A call about to be made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The seam method.
    pub name: &'static str,
    /// What the object is called: manifest name, address, id; the first decides the latency.
    pub objects: Vec<String>,
    /// What is tried, to fit "failed to {doing}".
    pub doing: String,
    /// Type and zone of an instance to run, for messages.
    pub place: Option<(String, String)>,
}

impl Call {
    /// A call on one object.
    pub fn new(name: &'static str, object: impl Into<String>, doing: impl Into<String>) -> Self {
        Self {
            name,
            objects: vec![object.into()],
            doing: doing.into(),
            place: None,
        }
    }

    /// A call that runs an instance somewhere.
    pub fn placed(instance_type: &str, zone: &str) -> Self {
        Self {
            place: Some((instance_type.to_owned(), zone.to_owned())),
            ..Self::new("run_instance", "", "")
        }
    }

    /// Adds another name of the object.
    pub fn also(mut self, object: impl Into<String>) -> Self {
        self.objects.push(object.into());
        self
    }

    /// Whether the call can change the world.
    pub fn mutates(&self) -> bool {
        calls::MUTATING.contains(&self.name)
    }
}

/// One line of the table, with the calls it has seen.
#[derive(Debug)]
struct Line {
    call: String,
    object: Option<String>,
    nth: u32,
    times: u32,
    effect: FaultEffect,
    seen: u32,
}

/// The fault table of one run of the program, and its count of calls.
#[derive(Debug)]
pub(crate) struct Faults {
    lines: Vec<Line>,
    calls: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Reads the table; fails at a call that no seam has.
    pub fn new(table: &[FaultRule]) -> Result<Self, SimError> {
        let lines = table.iter().map(Line::new).collect::<Result<_, _>>()?;
        Ok(Self {
            lines,
            calls: BTreeMap::new(),
        })
    }

    /// A table without a line.
    pub fn none() -> Self {
        Self {
            lines: Vec::new(),
            calls: BTreeMap::new(),
        }
    }

    /// Counts a call and says what shall befall it.
    pub fn arrive(&mut self, call: &Call) -> Option<FaultEffect> {
        *self.calls.entry(call.name).or_default() += 1;
        let mut fate = None;
        for line in self.lines.iter_mut().filter(|line| line.is_about(call)) {
            line.seen += 1;
            let hit = line.seen >= line.nth && line.seen - line.nth < line.times;
            if hit && fate.is_none() {
                fate = Some(line.effect.clone());
            }
        }
        fate
    }

    /// Calls made, by name.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }
}

impl Line {
    fn new(fault: &FaultRule) -> Result<Self, SimError> {
        let (call, object) = match fault.call.split_once(':') {
            Some((call, object)) => (call, Some(object.to_owned())),
            None => (fault.call.as_str(), None),
        };
        let call = ALIASES
            .iter()
            .find(|(alias, _)| *alias == call)
            .map_or(call, |(_, name)| name);
        let known = call == "*" || calls::all().any(|known| known == call);
        if !known {
            return Err(SimError::UnknownCall {
                call: fault.call.clone(),
            });
        }
        Ok(Self {
            call: call.to_owned(),
            object,
            nth: fault.nth.max(1),
            times: fault.times.max(1),
            effect: fault.effect.clone(),
            seen: 0,
        })
    }

    fn is_about(&self, call: &Call) -> bool {
        let named = if self.call == "*" {
            call.mutates()
        } else {
            self.call == call.name
        };
        named
            && self
                .object
                .as_ref()
                .is_none_or(|object| call.objects.contains(object))
    }
}

/// Codes that EC2 answers when asked too often: adapters wait and try again.
pub(crate) fn is_throttling(code: &str) -> bool {
    codes::of(code) == Code::Throttled
}

/// A fault in the words of the service that would answer it.
pub(crate) fn in_its_own_words(code: &str, call: &Call) -> Refusal {
    let (instance_type, zone) = call
        .place
        .clone()
        .unwrap_or_else(|| ("this type".into(), "this zone".into()));
    let (message, hint) = match code {
        "InsufficientInstanceCapacity" => (
            format!(
                "We currently do not have sufficient {instance_type} capacity in the Availability Zone you \
                 requested ({zone})"
            ),
            Some(format!(
                "try another zone than {zone} (availability_zones), another type than {instance_type} \
                 (instance_type), or again in a while"
            )),
        ),
        "RequestLimitExceeded" | "Throttling" | "ThrottlingException" => (
            "Request limit exceeded".to_owned(),
            Some("lower --parallelism, or wait a minute and try again".to_owned()),
        ),
        "UnauthorizedOperation" => (
            format!("You are not authorized to perform this operation: {}", call.name),
            Some(format!(
                "allow the action behind `{}` in the caller's IAM policy",
                call.name
            )),
        ),
        "VcpuLimitExceeded" => (
            format!(
                "You have requested more vCPU capacity than your current vCPU limit allows for the instance \
                 bucket that {instance_type} belongs to"
            ),
            Some("ask for a higher limit in Service Quotas, or use fewer or smaller instances".to_owned()),
        ),
        "InstanceLimitExceeded" => (
            format!("You have requested more instances of {instance_type} than your current limit allows"),
            Some("ask for a higher limit in Service Quotas".to_owned()),
        ),
        "InsufficientFreeAddressesInSubnet" => (
            "The subnet has not enough free addresses to satisfy the request".to_owned(),
            Some("use a larger subnet, or spread over more zones".to_owned()),
        ),
        "InvalidParameterCombination" => (
            format!("The specified instance type {instance_type} is not eligible for Free Tier"),
            Some("on a free plan use t3.micro, t3.small, t4g.micro or t4g.small".to_owned()),
        ),
        "AuthFailure" => (
            "AWS was not able to validate the provided access credentials".to_owned(),
            Some("check the credentials and this machine's clock".to_owned()),
        ),
        "InternalError" => ("An internal error has occurred".to_owned(), None),
        "ServiceUnavailable" | "Unavailable" => (
            "The server is overloaded and can't handle the request".to_owned(),
            None,
        ),
        _ => (format!("the simulator was told to fail {} here", call.name), None),
    };
    Refusal {
        hint,
        // A fault may also be named by what it means, which Docker has no word for.
        ..match Code::of(code) {
            Some(code) => Refusal::new(code, message),
            None => Refusal::ec2(code, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(call: &str, nth: u32, times: u32) -> FaultRule {
        FaultRule {
            call: call.into(),
            nth,
            times,
            effect: FaultEffect::Error("X".into()),
        }
    }

    fn hits(table: &[FaultRule], calls: &[(&'static str, &str)]) -> Vec<bool> {
        let mut faults = Faults::new(table).unwrap();
        calls
            .iter()
            .map(|(name, object)| faults.arrive(&Call::new(name, *object, "")).is_some())
            .collect()
    }

    #[test]
    fn the_nth_call_and_those_after_it_fail_as_often_as_told() {
        let calls = [("run_instance", "a"); 5];
        assert_eq!(
            hits(&[fault("run_instances", 2, 2)], &calls),
            [false, true, true, false, false]
        );
    }

    #[test]
    fn a_fault_aimed_at_an_object_leaves_the_others_alone() {
        let calls = [
            ("run_instance", "manager-0"),
            ("run_instance", "manager-1"),
            ("stop_instance", "manager-1"),
        ];
        assert_eq!(
            hits(&[fault("run_instance:manager-1", 1, 9)], &calls),
            [false, true, false]
        );
    }

    #[test]
    fn a_star_counts_only_calls_that_change_something() {
        let calls = [
            ("survey", "x"),
            ("import_key_pair", "x"),
            ("lookup", "x"),
            ("run_instance", "x"),
        ];
        assert_eq!(hits(&[fault("*", 2, 1)], &calls), [false, false, false, true]);
    }

    #[test]
    fn an_unknown_call_in_the_table_is_an_error() {
        assert!(matches!(
            Faults::new(&[fault("run_instants", 1, 1)]),
            Err(SimError::UnknownCall { .. })
        ));
    }

    #[test]
    fn a_capacity_error_names_zone_and_type_and_what_to_try() {
        let mut call = Call::new("run_instance", "manager-2", "run instance manager-2");
        call.place = Some(("t2.micro".into(), "ap-northeast-1a".into()));
        let refusal = in_its_own_words("InsufficientInstanceCapacity", &call);
        assert!(refusal.message.contains("t2.micro") && refusal.message.contains("ap-northeast-1a"));
        assert!(refusal.hint.unwrap().contains("another zone"));
    }
}
