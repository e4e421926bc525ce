//! Instance types: what each has, and which zones offer it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{ArchitectureType, InstanceTypeInfo, LocationType};
use futures::future::try_join;
use subako_world::{Failure, Result, TypeFacts, TypesAnswer};

use super::cloud::Inner;
use super::convert::{filter, next_page};
use super::operations::Op;

const DOING: &str = "look up the instance types";

/// The architecture of an instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Architecture {
    X86,
    Arm,
}

impl Architecture {
    pub fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }

    /// By the type's name: the letter `g` after the generation's number stands for Graviton, and
    /// `a1` was the first of them.
    pub fn by_name(instance_type: &str) -> Self {
        let family = instance_type.split('.').next().unwrap_or_default();
        let options = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let options = options.trim_start_matches(|c: char| c.is_ascii_digit());
        if family == "a1" || options.starts_with('g') {
            Self::Arm
        } else {
            Self::X86
        }
    }
}

/// A type as EC2 describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Described {
    pub architecture: Architecture,
    vcpus: u64,
    mib: u64,
}

impl Described {
    fn of(seen: &InstanceTypeInfo) -> Self {
        let supported = seen.processor_info().map(|cpu| cpu.supported_architectures());
        let arm = supported.unwrap_or_default().contains(&ArchitectureType::Arm64);
        let vcpus = seen.v_cpu_info().and_then(|cpu| cpu.default_v_cpus());
        let mib = seen.memory_info().and_then(|memory| memory.size_in_mib());
        Self {
            architecture: if arm { Architecture::Arm } else { Architecture::X86 },
            vcpus: vcpus.and_then(|count| count.try_into().ok()).unwrap_or(0),
            mib: mib.and_then(|mib| mib.try_into().ok()).unwrap_or(0),
        }
    }

    /// What tasks may reserve; `None` where EC2 does not say. The kernel keeps a sixteenth of the
    /// memory for itself, about what `free` lacks of the nominal size on t3.micro to m5.large.
    fn facts(self, zones: Vec<String>) -> Option<TypeFacts> {
        (self.vcpus > 0 && self.mib > 0).then(|| TypeFacts {
            nano_cpus: self.vcpus * 1_000_000_000,
            memory: self.mib * 1_048_576 / 16 * 15,
            zones,
        })
    }
}

/// Whether an answer is that the question cannot be asked: not permitted, or an API that lacks
/// the operation. A plan can do without.
fn cannot_be_asked(failure: &Failure) -> bool {
    matches!(
        failure.service_code.as_deref(),
        Some("UnauthorizedOperation" | "InvalidAction" | "UnsupportedOperation" | "NotImplemented")
    )
}

impl Inner {
    /// What types have, and where they are offered.
    pub(super) async fn types(&self, names: &[String]) -> Result<TypesAnswer> {
        let types: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        if types.is_empty() {
            return Ok(TypesAnswer::default());
        }
        let (described, mut offered) = try_join(self.described(&types), self.offered(&types)).await?;
        let Some(described) = described else {
            return Ok(TypesAnswer::default());
        };
        let there = |name: &&str| described.contains_key(*name);
        let missing = types.iter().filter(|name| !there(name));
        let missing = missing.map(|name| (*name).to_owned()).collect();
        let facts = described.into_iter().filter_map(|(name, described)| {
            let zones = offered.remove(&name).unwrap_or_default();
            Some((name, described.facts(zones.into_iter().collect())?))
        });
        Ok(TypesAnswer {
            known: facts.collect(),
            missing,
        })
    }

    /// What EC2 says of types: asked once, however many need it at the same time. Those that it
    /// does not have are left out; `None` where it cannot be asked.
    pub(super) async fn described(
        &self,
        types: &BTreeSet<&str>,
    ) -> Result<Option<BTreeMap<String, Described>>> {
        let mut known = self.described.lock().await;
        let missing: Vec<&str> = types
            .iter()
            .copied()
            .filter(|kind| !known.contains_key(*kind))
            .collect();
        if !missing.is_empty() {
            match self.describe(&missing).await {
                Ok(found) => known.extend(found),
                Err(failure) if cannot_be_asked(&failure) => return Ok(None),
                Err(failure) => return Err(failure),
            }
        }
        let found = |kind: &&str| Some(((*kind).to_owned(), *known.get(*kind)?));
        Ok(Some(types.iter().filter_map(found).collect()))
    }

    async fn describe(&self, types: &[&str]) -> Result<BTreeMap<String, Described>> {
        let by_type = filter("instance-type", types.iter().copied());
        let mut found = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeInstanceTypes, DOING, || {
                    self.api
                        .ec2
                        .describe_instance_types()
                        .filters(by_type.clone())
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            for seen in page.instance_types() {
                if let Some(kind) = seen.instance_type() {
                    found.insert(kind.as_str().to_owned(), Described::of(seen));
                }
            }
            next = next_page(page.next_token());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// The zones that offer types; nothing where that cannot be asked.
    async fn offered(&self, types: &BTreeSet<&str>) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let by_type = filter("instance-type", types.iter().copied());
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let answer = self
                .api
                .call(Op::DescribeInstanceTypeOfferings, DOING, || {
                    self.api
                        .ec2
                        .describe_instance_type_offerings()
                        .location_type(LocationType::AvailabilityZone)
                        .filters(by_type.clone())
                        .set_next_token(next.clone())
                        .send()
                })
                .await;
            let page = match answer {
                Err(failure) if cannot_be_asked(&failure) => return Ok(BTreeMap::new()),
                answer => answer?,
            };
            for seen in page.instance_type_offerings() {
                if let (Some(kind), Some(zone)) = (seen.instance_type(), seen.location()) {
                    let zones = found.entry(kind.as_str().to_owned()).or_default();
                    zones.insert(zone.to_owned());
                }
            }
            next = next_page(page.next_token());
            if next.is_none() {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graviton_is_known_by_the_letter_after_the_generation() {
        for (kind, arm) in [
            ("t4g.small", true),
            ("c7gn.large", true),
            ("a1.medium", true),
            ("im4gn.large", true),
            ("x2gd.large", true),
            ("t3.micro", false),
            ("g4dn.xlarge", false),
            ("g5g.xlarge", true),
            ("m7i-flex.large", false),
            ("c7a.large", false),
        ] {
            let wanted = if arm { Architecture::Arm } else { Architecture::X86 };
            assert_eq!(Architecture::by_name(kind), wanted, "{kind}");
        }
    }
}
