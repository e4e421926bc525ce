//! The one table of the operations that the adapter makes: pace, effect and permissions.

/// A group of operations that share one of EC2's request limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Filtered, paginated reads.
    Describe,
    /// RunInstances.
    Run,
    /// StartInstances.
    Start,
    /// TerminateInstances.
    Terminate,
    /// CreateTags.
    Tag,
    /// Everything else that changes something.
    Mutate,
    /// The Security Token Service, which has limits of its own.
    Identity,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Describe,
        Self::Run,
        Self::Start,
        Self::Terminate,
        Self::Tag,
        Self::Mutate,
        Self::Identity,
    ];

    /// The size of the bucket and its refill a second: "Request throttling for the Amazon EC2
    /// API", request token bucket sizes and refill rates. The limits are per operation; operations
    /// of one family share a bucket here, which stays inside them.
    pub const fn limits(self) -> (u32, u32) {
        match self {
            Self::Describe => (100, 20),
            Self::Run | Self::Start => (5, 2),
            Self::Terminate => (100, 5),
            Self::Tag => (100, 10),
            Self::Mutate => (50, 5),
            Self::Identity => (50, 10),
        }
    }
}

/// What sending an operation again does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing changes.
    Read,
    /// The second time changes nothing more.
    Idempotent,
    /// A second object, unless the first is looked for.
    Create,
}

/// Which resources the permission is needed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// None: everyone may.
    Everyone,
    /// Every resource: EC2's reads cannot be limited.
    Any,
    /// What does not exist yet, with its tags.
    New,
    /// What carries the tag `subako:cluster`.
    Owned,
}

/// What a manifest can want that takes operations, and permissions, of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Optional {
    /// Elastic addresses: `public_ip = "elastic"`.
    ElasticIp,
    /// CPU credits that change: `cpu_credits`.
    CpuCredits,
}

impl Optional {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ElasticIp, Self::CpuCredits];
}

/// An operation of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "EC2's own names")]
pub enum Op {
    GetCallerIdentity,
    DescribeAddresses,
    DescribeAvailabilityZones,
    DescribeImages,
    DescribeInstanceAttribute,
    DescribeInstanceTypeOfferings,
    DescribeInstanceTypes,
    DescribeInstances,
    DescribeKeyPairs,
    DescribeNetworkInterfaces,
    DescribeRouteTables,
    DescribeSecurityGroups,
    DescribeSubnets,
    DescribeVolumes,
    DescribeVpcs,
    ImportKeyPair,
    CreateSecurityGroup,
    RunInstances,
    AllocateAddress,
    AssociateAddress,
    AuthorizeSecurityGroupIngress,
    DisassociateAddress,
    ReleaseAddress,
    RevokeSecurityGroupIngress,
    UpdateSecurityGroupRuleDescriptionsIngress,
    CreateTags,
    DeleteTags,
    DeleteKeyPair,
    DeleteSecurityGroup,
    ModifyInstanceAttribute,
    ModifyInstanceCreditSpecification,
    ModifyVolume,
    StartInstances,
    StopInstances,
    TerminateInstances,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The operation.
    pub op: Op,
    /// Its name in the API and in IAM.
    pub name: &'static str,
    /// The limit that it counts against.
    pub family: Family,
    /// What sending it again does.
    pub effect: Effect,
    /// Which resources its permission is needed on.
    pub scope: Scope,
    /// What of a manifest it is only made for; `None` for any manifest.
    pub only_for: Option<Optional>,
}

impl Operation {
    const fn only_for(mut self, what: Optional) -> Self {
        self.only_for = Some(what);
        self
    }
}

const fn line(op: Op, name: &'static str, family: Family, effect: Effect, scope: Scope) -> Operation {
    Operation {
        op,
        name,
        family,
        effect,
        scope,
        only_for: None,
    }
}

const fn read(op: Op, name: &'static str) -> Operation {
    line(op, name, Family::Describe, Effect::Read, Scope::Any)
}

const fn change(op: Op, name: &'static str, family: Family) -> Operation {
    line(op, name, family, Effect::Idempotent, Scope::Owned)
}

const fn create(op: Op, name: &'static str, family: Family) -> Operation {
    line(op, name, family, Effect::Create, Scope::New)
}

/// Every operation that the adapter makes, in the order of [`Op`]. A call that is not in here
/// fails before it is sent.
pub const OPERATIONS: [Operation; 35] = [
    line(
        Op::GetCallerIdentity,
        "GetCallerIdentity",
        Family::Identity,
        Effect::Read,
        Scope::Everyone,
    ),
    read(Op::DescribeAddresses, "DescribeAddresses"),
    read(Op::DescribeAvailabilityZones, "DescribeAvailabilityZones"),
    read(Op::DescribeImages, "DescribeImages"),
    read(Op::DescribeInstanceAttribute, "DescribeInstanceAttribute"),
    read(Op::DescribeInstanceTypeOfferings, "DescribeInstanceTypeOfferings"),
    read(Op::DescribeInstanceTypes, "DescribeInstanceTypes"),
    read(Op::DescribeInstances, "DescribeInstances"),
    read(Op::DescribeKeyPairs, "DescribeKeyPairs"),
    read(Op::DescribeNetworkInterfaces, "DescribeNetworkInterfaces"),
    read(Op::DescribeRouteTables, "DescribeRouteTables"),
    read(Op::DescribeSecurityGroups, "DescribeSecurityGroups"),
    read(Op::DescribeSubnets, "DescribeSubnets"),
    read(Op::DescribeVolumes, "DescribeVolumes"),
    read(Op::DescribeVpcs, "DescribeVpcs"),
    create(Op::ImportKeyPair, "ImportKeyPair", Family::Mutate),
    create(Op::CreateSecurityGroup, "CreateSecurityGroup", Family::Mutate),
    create(Op::RunInstances, "RunInstances", Family::Run),
    create(Op::AllocateAddress, "AllocateAddress", Family::Mutate).only_for(Optional::ElasticIp),
    change(Op::AssociateAddress, "AssociateAddress", Family::Mutate).only_for(Optional::ElasticIp),
    // The same rule twice is refused, so sending it again can be told from a failure.
    change(
        Op::AuthorizeSecurityGroupIngress,
        "AuthorizeSecurityGroupIngress",
        Family::Mutate,
    ),
    change(Op::DisassociateAddress, "DisassociateAddress", Family::Mutate).only_for(Optional::ElasticIp),
    change(Op::ReleaseAddress, "ReleaseAddress", Family::Mutate).only_for(Optional::ElasticIp),
    change(
        Op::RevokeSecurityGroupIngress,
        "RevokeSecurityGroupIngress",
        Family::Mutate,
    ),
    change(
        Op::UpdateSecurityGroupRuleDescriptionsIngress,
        "UpdateSecurityGroupRuleDescriptionsIngress",
        Family::Mutate,
    ),
    change(Op::CreateTags, "CreateTags", Family::Tag),
    change(Op::DeleteTags, "DeleteTags", Family::Mutate),
    change(Op::DeleteKeyPair, "DeleteKeyPair", Family::Mutate),
    change(Op::DeleteSecurityGroup, "DeleteSecurityGroup", Family::Mutate),
    change(
        Op::ModifyInstanceAttribute,
        "ModifyInstanceAttribute",
        Family::Mutate,
    ),
    change(
        Op::ModifyInstanceCreditSpecification,
        "ModifyInstanceCreditSpecification",
        Family::Mutate,
    )
    .only_for(Optional::CpuCredits),
    change(Op::ModifyVolume, "ModifyVolume", Family::Mutate),
    change(Op::StartInstances, "StartInstances", Family::Start),
    change(Op::StopInstances, "StopInstances", Family::Mutate),
    change(Op::TerminateInstances, "TerminateInstances", Family::Terminate),
];

impl Op {
    /// The operation's line in the table.
    pub const fn entry(self) -> &'static Operation {
        &OPERATIONS[self as usize]
    }

    /// The operation's name in the API.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// The IAM action that permits it; `None` where everyone may.
    pub fn action(self) -> Option<String> {
        match self.entry().scope {
            Scope::Everyone => None,
            _ => Some(format!("ec2:{}", self.name())),
        }
    }

    /// The operation of that name in the API.
    pub fn named(name: &str) -> Option<Self> {
        OPERATIONS.iter().find(|o| o.name == name).map(|o| o.op)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_stands_in_its_own_line_under_its_own_name() {
        for (index, operation) in OPERATIONS.iter().enumerate() {
            assert_eq!(operation.op as usize, index);
            assert_eq!(operation.name, format!("{:?}", operation.op));
            assert_eq!(Op::named(operation.name), Some(operation.op));
        }
    }

    #[test]
    fn reads_are_describes_and_nothing_else_is() {
        for operation in OPERATIONS {
            let reads = operation.name.starts_with("Describe") || operation.name.starts_with("Get");
            assert_eq!(operation.effect == Effect::Read, reads, "{}", operation.name);
        }
    }

    /// The interceptor of the client holds this at run time; here it is held over the source.
    #[test]
    fn every_call_in_the_source_names_the_operation_that_it_makes() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/aws");
        let files = std::fs::read_dir(folder).expect("the adapter's sources");
        let paths = files.map(|entry| entry.expect("a file").path());
        // This file is the table, and this test.
        let sources = paths
            .filter(|path| path.file_name() != Some("operations.rs".as_ref()))
            .map(|path| {
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            });
        let mut made = std::collections::BTreeSet::new();
        for source in sources {
            let flat: String = source.split_whitespace().collect();
            for client in [".ec2.", ".sts."] {
                for call in flat.split(client).skip(1) {
                    let name: String = call
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    let name: String = name
                        .split('_')
                        .map(|word| word[..1].to_uppercase() + &word[1..])
                        .collect();
                    assert!(Op::named(&name).is_some(), "{name} is not in the table");
                    made.insert(name);
                }
            }
        }
        let table: std::collections::BTreeSet<String> =
            OPERATIONS.iter().map(|o| o.name.to_owned()).collect();
        assert_eq!(made, table, "the table names an operation that is never made");
    }
}
