//! `[[pool]]`.

use toml::de::DeValue;

use crate::manifest::decode::{
    Context, Decode, Int, Labels, Node, Scalar, Table, keywords, plain_schema, section,
};
use crate::manifest::formats::{Address, Ami, InstanceType, PlainText, PoolName};
use crate::manifest::model::PublicIp;
use crate::manifest::span::At;
use crate::world::{Availability, CpuCredits, Role};

/// The most instances a pool can have.
pub const MOST_INSTANCES: u64 = 100_000;

section! {
    /// Instances of one kind: `count` machines, each a node of the swarm.
    pub struct Pool = "[[pool]]" {
        /// The pool's name: its instances are `name-0`, `name-1` and so on.
        required name: PoolName,
        /// What its nodes are in the swarm: "manager" or "worker". Managers run tasks too,
        /// unless `availability` says otherwise.
        required role: Role,
        /// How many instances, 0 to 100,000. Managers should be three or five.
        required count: Int<0, MOST_INSTANCES>,
        /// The instance type, for example "t3.micro".
        required instance_type: InstanceType,
        /// The image: a family ("amazon-linux-2023", the default, "debian-12", "ubuntu-24.04"),
        /// an id ("ami-…"), or a pattern of image names with `*`. It is resolved once and then
        /// kept, so that a newer image does not replace running instances.
        optional ami: Ami,
        /// The size of the root volume, GiB. Default: 8.
        optional disk_gib: Int<1, 16384>,
        /// Whether the root volume is encrypted. Default: false.
        optional disk_encrypted: bool,
        /// Labels of the nodes, for placement: constraints name them `node.labels.KEY`.
        optional labels: Labels,
        /// Whether its nodes take tasks: "active" (the default), "pause" (keep what they have)
        /// or "drain" (none).
        optional availability: Availability,
        /// Fixed private addresses, one for each instance, in their order.
        optional private_ips: Vec<At<Address>>,
        /// Whether instances get a public address: true (another one at each start), false, or
        /// "elastic" for one that stays when they stop, start or are replaced. Left out, the
        /// subnet decides.
        optional public_ip: PublicIp,
        /// What instances of the T families do once their CPU credits are used up: "standard" (the
        /// default: they run at their baseline) or "unlimited" (they go on, and are billed for it).
        optional cpu_credits: CpuCredits,
        /// Whether instances refuse to be terminated. Default: false.
        optional protect: bool,
        /// Further tags for its instances and their volumes.
        optional tags: Table<Scalar>,
        /// Keys of this block that are left as they are on its machines, whoever changes them:
        /// "availability", "cpu_credits", "disk_gib", "instance_type", "labels", "tags". What they
        /// say here holds for a new machine.
        optional ignore_changes: Vec<At<PlainText>>,
    }
    elsewhere {
        "lifecycle" => "write `ignore_changes` or `protect` directly in this block",
        "ignore" => "did you mean `ignore_changes`?",
        "size" => "the number of instances is `count`, the size of the volume is `disk_gib`",
        "replicas" => "instances are counted by `count`; `replicas` belongs to a [[service]]",
        "type" => "did you mean `instance_type`?",
        "image" => "did you mean `ami`?",
        "disk" => "did you mean `disk_gib`?",
        "disk_size" => "did you mean `disk_gib`?",
        "availability_zone" => "zones are `availability_zones` under [aws]; each pool spreads over them",
        "availability_zones" => "zones are `availability_zones` under [aws]; each pool spreads over them",
        "key_name" => "the key of all instances is under [key_pair]",
        "user_data" => "user data is not managed: Subako sets hosts up over SSH",
    }
}

plain_schema! {
    PublicIp => "PublicIp" { "anyOf": [
        { "type": "boolean" },
        { "type": "string", "enum": ["elastic"] },
        { "type": "string", "pattern": "\\$\\{(env|var):[^}]+\\}" },
    ] },
}

impl Decode for PublicIp {
    const EXPECTED: &'static str = "true, false or \"elastic\"";

    fn decode(cx: &mut Context<'_>, key: &str, node: &Node<'_>) -> Option<Self> {
        let of = |yes: bool| if yes { Self::Yes } else { Self::No };
        match node.get_ref() {
            DeValue::String(text) if text == "elastic" => Some(Self::Elastic),
            DeValue::String(text) if text.contains("${") => {
                match cx.interpolate(text, node.span().into())?.as_str() {
                    "elastic" => Some(Self::Elastic),
                    "true" => Some(of(true)),
                    "false" => Some(of(false)),
                    _ => {
                        cx.wrong_type::<Self>(key, node);
                        None
                    }
                }
            }
            DeValue::Boolean(yes) => Some(of(*yes)),
            _ => {
                cx.wrong_type::<Self>(key, node);
                None
            }
        }
    }
}

keywords!(CpuCredits, "\"standard\" or \"unlimited\"", {
    "standard" => CpuCredits::Standard,
    "unlimited" => CpuCredits::Unlimited,
});
keywords!(Role, "\"manager\" or \"worker\"", { "manager" => Role::Manager, "worker" => Role::Worker, });
keywords!(Availability, "\"active\", \"pause\" or \"drain\"", {
    "active" => Availability::Active,
    "pause" => Availability::Pause,
    "drain" => Availability::Drain,
});
