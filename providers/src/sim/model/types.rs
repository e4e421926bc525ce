//! Instance types: what EC2 has, with how many processors and how much memory, and where.
//!
//! Sizes and ratios are those of the EC2 user guide ("Instance types", as of November 2025), for
//! the families that a swarm is likely to run on. A family that is missing here is one that the
//! simulator does not offer, as a region may not.

use super::catalog::Arch;

/// What an instance type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceType {
    pub arch: Arch,
    /// Processors, as the engine counts them.
    pub vcpus: u64,
    /// Memory, MiB.
    pub mib: u64,
}

/// The burstable families, whose sizes follow no ratio: size, processors (`t2`, the others), MiB.
const BURSTABLE: [(&str, u64, u64, u64); 7] = [
    ("nano", 1, 2, 512),
    ("micro", 1, 2, 1_024),
    ("small", 1, 2, 2_048),
    ("medium", 2, 2, 4_096),
    ("large", 2, 2, 8_192),
    ("xlarge", 4, 4, 16_384),
    ("2xlarge", 8, 8, 32_768),
];

/// Multiples of `xlarge`, which has four processors; `large` has two and `medium` one.
const OLD: &[u64] = &[1, 2, 4, 8, 10, 16];
const FIFTH: &[u64] = &[1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24];
const SIXTH: &[u64] = &[1, 2, 4, 8, 12, 16, 24, 32, 48];
const FLEX: &[u64] = &[1, 2, 4, 8, 12, 16];
const LATEST: &[u64] = &[1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96];

/// Families by name, with MiB a processor, multiples, and whether there is a `medium`.
const FAMILIES: &[(&[&str], u64, &[u64], bool)] = &[
    (&["c4"], 1_920, OLD, false),
    (&["m4"], 4_096, OLD, false),
    (&["r4"], 7_808, OLD, false),
    (&["i3"], 7_808, OLD, false),
    (&["a1"], 2_048, &[1, 2, 4], true),
    (&["c5", "c5a", "c5ad", "c5d"], 2_048, FIFTH, false),
    (&["c5n"], 2_688, FIFTH, false),
    (
        &["m5", "m5a", "m5ad", "m5d", "m5dn", "m5n", "m5zn"],
        4_096,
        FIFTH,
        false,
    ),
    (
        &["r5", "r5a", "r5ad", "r5b", "r5d", "r5dn", "r5n", "z1d"],
        8_192,
        FIFTH,
        false,
    ),
    (&["c6a", "c6i", "c6id", "c6in", "c7i"], 2_048, SIXTH, false),
    (
        &["m6a", "m6i", "m6id", "m6idn", "m6in", "m7i"],
        4_096,
        SIXTH,
        false,
    ),
    (
        &["r6a", "r6i", "r6id", "r6idn", "r6in", "r7i", "r7iz", "i4i"],
        8_192,
        SIXTH,
        false,
    ),
    (&["c7a", "c8a"], 2_048, SIXTH, true),
    (&["m7a", "m8a"], 4_096, SIXTH, true),
    (&["r7a", "r8a"], 8_192, SIXTH, true),
    (&["c7i-flex", "c8i-flex"], 2_048, FLEX, false),
    (&["m7i-flex", "m8i-flex"], 4_096, FLEX, false),
    (&["r8i-flex"], 8_192, FLEX, false),
    (&["c8i"], 2_048, LATEST, false),
    (&["m8i"], 4_096, LATEST, false),
    (&["r8i"], 8_192, LATEST, false),
    (
        &[
            "c6g", "c6gd", "c6gn", "c7g", "c7gd", "c7gn", "c8g", "c8gd", "c8gn",
        ],
        2_048,
        SIXTH,
        true,
    ),
    (&["m6g", "m6gd", "m7g", "m7gd", "m8g", "m8gd"], 4_096, SIXTH, true),
    (
        &["r6g", "r6gd", "r7g", "r7gd", "r8g", "r8gd", "i4g"],
        8_192,
        SIXTH,
        true,
    ),
    (&["x2gd"], 16_384, SIXTH, true),
    (&["x2idn"], 16_384, SIXTH, false),
    (&["g4dn", "g5"], 4_096, SIXTH, false),
];

/// Zones that have only some families: use1-az3, in most accounts us-east-1e, has none of the
/// Nitro generations (blog.serverworks.co.jp, 2023-12-25; wolfman.dev, "exclude use1-az3").
const LACKING: &[(&str, &[&str])] = &[("us-east-1e", &["t2", "c4", "m4", "r4", "i3"])];

impl InstanceType {
    /// A type by its name; `None` when EC2 has none of that name.
    pub fn named(name: &str) -> Option<Self> {
        let (family, size) = name.split_once('.')?;
        let arch = architecture(name);
        if let "t2" | "t3" | "t3a" | "t4g" = family {
            let (_, old, new, mib) = BURSTABLE.iter().find(|row| row.0 == size)?;
            let vcpus = if family == "t2" { *old } else { *new };
            return Some(Self {
                arch,
                vcpus,
                mib: *mib,
            });
        }
        let (_, mib, multiples, has_medium) = FAMILIES.iter().find(|row| row.0.contains(&family))?;
        let vcpus = match size {
            "medium" if *has_medium => 1,
            "large" => 2,
            "xlarge" => 4,
            // Bare metal has what the largest size has.
            "metal" => 4 * multiples.last()?,
            _ => {
                let multiple = size
                    .strip_suffix("xlarge")
                    .or_else(|| metal(size))?
                    .parse()
                    .ok()?;
                multiples
                    .contains(&multiple)
                    .then_some(4 * multiple)
                    .filter(|_| multiple > 1)?
            }
        };
        Some(Self {
            arch,
            vcpus,
            mib: vcpus * mib,
        })
    }

    /// What the engine on such a host reports to the managers: its processors in billionths, and
    /// its memory in bytes. The kernel keeps a sixteenth for itself, about what `free` lacks of
    /// the nominal size on instances from t3.micro to m5.large.
    pub fn capacity(self) -> (u64, u64) {
        (self.vcpus * 1_000_000_000, self.mib * 1_048_576 / 16 * 15)
    }
}

/// `metal-24xl` is bare metal as large as `24xlarge`.
fn metal(size: &str) -> Option<&str> {
    size.strip_prefix("metal-")?.strip_suffix("xl")
}

/// Whether a zone has a type of a family.
pub(crate) fn offered(name: &str, zone: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    LACKING
        .iter()
        .filter(|(lacking, _)| *lacking == zone)
        .all(|(_, has)| has.contains(&family))
}

/// The processor architecture of a type, by its name: `g` among the options after the generation
/// is Graviton, as is the family `a1`.
pub(crate) fn architecture(name: &str) -> Arch {
    let family = name.split('.').next().unwrap_or_default();
    let options = family.trim_start_matches(|c: char| !c.is_ascii_digit());
    let options = options.split('-').next().unwrap_or_default();
    match family == "a1" || options.contains('g') {
        true => Arch::Arm,
        false => Arch::X86,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_processors_and_memory_that_ec2_lists() {
        for (name, arch, vcpus, mib) in [
            ("t2.micro", Arch::X86, 1, 1_024),
            ("t3.micro", Arch::X86, 2, 1_024),
            ("t3a.large", Arch::X86, 2, 8_192),
            ("t4g.small", Arch::Arm, 2, 2_048),
            ("m5.large", Arch::X86, 2, 8_192),
            ("c7i.large", Arch::X86, 2, 4_096),
            ("r7i.large", Arch::X86, 2, 16_384),
            ("c7i-flex.2xlarge", Arch::X86, 8, 16_384),
            ("m7g.medium", Arch::Arm, 1, 4_096),
            ("c7gn.16xlarge", Arch::Arm, 64, 131_072),
            ("r8gd.24xlarge", Arch::Arm, 96, 786_432),
            ("m7i.metal-24xl", Arch::X86, 96, 393_216),
            ("g5.xlarge", Arch::X86, 4, 16_384),
            ("a1.medium", Arch::Arm, 1, 2_048),
        ] {
            assert_eq!(
                InstanceType::named(name),
                Some(InstanceType { arch, vcpus, mib }),
                "{name}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_type_is_none() {
        for name in [
            "t3.mirco",
            "t2.mikro",
            "t3",
            "t3.",
            ".micro",
            "T3.micro",
            "t9.micro",
            "m5.micro",
            "m5.1xlarge",
            "c7i.medium",
            "m7i-flex.48xlarge",
            "t3.metal",
            "",
        ] {
            assert_eq!(InstanceType::named(name), None, "{name}");
        }
    }

    #[test]
    fn a_host_has_a_little_less_memory_than_its_type() {
        let (cpus, memory) = InstanceType::named("t3.micro").unwrap().capacity();
        assert_eq!((cpus, memory), (2_000_000_000, 960 << 20));
    }

    #[test]
    fn a_zone_may_lack_what_the_region_has() {
        assert!(offered("t3.micro", "us-east-1a") && !offered("t3.micro", "us-east-1e"));
        assert!(offered("t2.micro", "us-east-1e") && offered("t2.micro", "ap-northeast-1d"));
    }
}
