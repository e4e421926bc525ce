//! What the simulated region offers: images, instance types, networks to put instances in.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use subako_world::Subnet;

use super::world::Place;
use crate::sim::names::ec2_id;

/// The default VPC.
pub(crate) const DEFAULT_VPC: &str = "vpc-0d5a6b7c8d9e0f100";
/// A second VPC, for more instances than the default one has addresses.
pub(crate) const LARGE_VPC: &str = "vpc-0d5a6b7c8d9e0f200";

/// The processor architecture of an instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arch {
    X86,
    Arm,
}

impl Arch {
    /// EC2's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }
}

/// The size of the snapshot that each family's images are published with, GiB.
pub(crate) const USUAL_DISK_GIB: u32 = 8;

/// An image of the simulated region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// The name that a manifest may use.
    pub family: &'static str,
    /// The full name.
    pub name: String,
    pub arch: Arch,
    /// The Docker Engine of its distribution's repository.
    pub engine: &'static str,
    /// The size of its snapshot, GiB: a disk may be larger, not smaller.
    pub disk_gib: u32,
}

impl Image {
    /// The id, which differs between regions and nothing else.
    pub fn id(&self, region: &str) -> String {
        ec2_id("ami", 0, &[region, &self.name])
    }
}

/// Every image: each family in both architectures, and the versions before the newest.
pub(crate) fn images() -> &'static [Image] {
    static IMAGES: LazyLock<Vec<Image>> = LazyLock::new(all_images);
    &IMAGES
}

fn all_images() -> Vec<Image> {
    let mut images = Vec::new();
    for arch in [Arch::X86, Arch::Arm] {
        let a = arch.name();
        let debian = if arch == Arch::X86 { "amd64" } else { "arm64" };
        let mut add = |family, engine, name: String| {
            images.push(Image {
                family,
                name,
                arch,
                engine,
                disk_gib: USUAL_DISK_GIB,
            });
        };
        for build in ["2023.8.20250915.0-kernel-6.1", "2023.9.20251027.0-kernel-6.1"] {
            add("amazon-linux-2023", "25.0.8", format!("al2023-ami-{build}-{a}"));
        }
        add(
            "amazon-linux-2",
            "20.10.25",
            format!("amzn2-ami-hvm-2.0.20260614.0-{a}-gp2"),
        );
        for build in ["20250814-2204", "20251006-2257"] {
            add("debian-12", "20.10.24", format!("debian-12-{debian}-{build}"));
        }
        add("debian-13", "26.1.5", format!("debian-13-{debian}-20251117-2299"));
        let jammy = format!("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{debian}-server-20251022");
        add("ubuntu-22.04", "28.2.2", jammy);
        for build in ["20250821", "20251022"] {
            let name = format!("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{debian}-server-{build}");
            add("ubuntu-24.04", "28.2.2", name);
        }
    }
    images
}

/// Whether `text` is `prefix-` and 8 to 17 hexadecimal digits, as EC2's ids are.
pub(crate) fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| {
            (8..=17).contains(&digits.len()) && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
}

/// Whether `name` fits a pattern in which `*` stands for anything and `?` for one character.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// An IPv4 range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first address, as a number.
    pub first: u32,
    /// The mask's length.
    pub bits: u8,
}

impl Range {
    /// Reads CIDR notation; `None` if it is not IPv4.
    pub fn parse(cidr: &str) -> Option<Self> {
        let (address, bits) = cidr.split_once('/')?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32)?;
        let range = Self { first: 0, bits };
        let first = u32::from(address.parse::<Ipv4Addr>().ok()?) & range.mask();
        Some(Self { first, bits })
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0)
    }

    /// Its first address, as a number.
    pub fn start(self) -> u64 {
        u64::from(self.first)
    }

    /// The first address after it, as a number.
    pub fn end(self) -> u64 {
        self.start() + self.size()
    }

    /// How many addresses it has.
    pub fn size(self) -> u64 {
        1 << (32 - u32::from(self.bits))
    }

    /// Whether it holds an address.
    pub fn holds(self, address: Ipv4Addr) -> bool {
        u32::from(address) & self.mask() == self.first
    }

    /// Whether it shares an address with another.
    pub fn overlaps(self, other: Self) -> bool {
        let wider = if self.bits < other.bits { self } else { other };
        self.first & wider.mask() == other.first & wider.mask()
    }

    /// CIDR notation.
    pub fn cidr(self) -> String {
        format!("{}/{}", Ipv4Addr::from(self.first), self.bits)
    }
}

/// The range of a VPC; `None` for one that does not exist.
pub(crate) fn vpc_range(place: &Place, vpc: &str) -> Option<String> {
    if let Some(known) = &place.known {
        // What the plan names has been looked up, or is what something is in already.
        return known
            .subnets
            .first()
            .map(|(_, subnet)| subnet.cidr.clone())
            .or(Some(String::new()));
    }
    match vpc {
        DEFAULT_VPC => Some("172.31.0.0/16".to_owned()),
        LARGE_VPC => Some("10.64.0.0/16".to_owned()),
        named if place.vpc.as_deref() == Some(named) => Some(format!("{}.0.0/16", named_prefix(place))),
        _ => None,
    }
}

/// The first half of the addresses in a VPC that the manifest names.
fn named_prefix(place: &Place) -> String {
    let [a, b, ..] = place
        .pinned
        .first()
        .map_or([10, 90, 0, 0], |pinned| pinned.octets());
    format!("{a}.{b}")
}

/// The subnets of every VPC with the VPC's id: one a zone, a /20 of the default VPC and half or a
/// quarter of the large one; then those that the manifest names.
pub(crate) fn subnets(place: &Place) -> Vec<(String, Subnet)> {
    if let Some(known) = &place.known {
        return known.subnets.clone();
    }
    const LARGE: [&str; 3] = ["10.64.0.0/17", "10.64.128.0/18", "10.64.192.0/18"];
    let mut all = Vec::new();
    let mut add = |vpc: &str, id: String, zone: &String, cidr: String| {
        all.push((
            vpc.to_owned(),
            Subnet {
                id,
                zone: zone.clone(),
                cidr,
            },
        ));
    };
    // A zone has its ranges whichever zones the manifest names, in whatever order.
    let usual = usual_zones(&place.region);
    let others = place.zones.iter().filter(|zone| !usual.contains(zone));
    let numbered: Vec<&String> = match place.zones.iter().any(|zone| usual.contains(zone)) {
        true => usual.iter().chain(others).collect(),
        false => place.zones.iter().collect(),
    };
    for zone in place.zones.iter().take(16) {
        let index = numbered.iter().position(|one| *one == zone).unwrap_or_default();
        let of = |vpc: &str| ec2_id("subnet", 0, &[vpc, zone]);
        add(
            DEFAULT_VPC,
            of(DEFAULT_VPC),
            zone,
            format!("172.31.{}.0/20", index * 16),
        );
        if let Some(cidr) = LARGE.get(index) {
            add(LARGE_VPC, of(LARGE_VPC), zone, (*cidr).to_owned());
        }
        if let (Some(vpc), true) = (&place.vpc, place.subnets.is_empty()) {
            add(
                vpc,
                of(vpc),
                zone,
                format!("{}.{}.0/20", named_prefix(place), index * 16),
            );
        }
    }
    let vpc = place.vpc.as_deref().unwrap_or(DEFAULT_VPC);
    for (index, id) in place.subnets.iter().enumerate().take(16) {
        if let Some(zone) = place.zones.get(index % place.zones.len().max(1)) {
            // Those of the default VPC above those of its zones, so that no two overlap.
            let cidr = match (place.pinned.get(index).map(|pinned| pinned.octets()), &place.vpc) {
                (Some([a, b, c, _]), _) => format!("{a}.{b}.{c}.0/24"),
                (None, Some(_)) => format!("{}.{}.0/24", named_prefix(place), 255 - index),
                (None, None) => format!("172.31.{}.0/24", 255 - index),
            };
            add(vpc, id.clone(), zone, cidr);
        }
    }
    all
}

/// The usual zones of a region: Tokyo has no `b` for new accounts.
pub(crate) fn usual_zones(region: &str) -> Vec<String> {
    let letters = if region == "ap-northeast-1" {
        ["a", "c", "d"]
    } else {
        ["a", "b", "c"]
    };
    letters.iter().map(|letter| format!("{region}{letter}")).collect()
}

#[cfg(test)]
mod tests {
    use subako_world::Family;

    use super::*;

    #[test]
    fn every_family_has_an_image_of_each_architecture() {
        for family in Family::names() {
            for arch in [Arch::X86, Arch::Arm] {
                let there = |image: &&Image| image.family == family && image.arch == arch;
                assert!(images().iter().any(|image| there(&image)), "{family} {arch:?}");
            }
        }
    }

    #[test]
    fn patterns_match_as_in_ec2_filters() {
        assert!(fits("al2023-ami-*-x86_64", "al2023-ami-2023.9-kernel-6.1-x86_64"));
        assert!(fits("*", "") && fits("a?c*", "abc") && fits("*b*b", "abab"));
        assert!(!fits("al2023-*-arm64", "al2023-ami-x86_64") && !fits("a?", "a"));
    }

    #[test]
    fn ranges_know_what_they_hold_and_overlap() {
        let range = Range::parse("172.31.16.0/20").unwrap();
        assert!(range.holds(Ipv4Addr::new(172, 31, 31, 255)) && !range.holds(Ipv4Addr::new(172, 31, 32, 0)));
        assert!(range.overlaps(Range::parse("172.31.0.0/16").unwrap()));
        assert!(!range.overlaps(Range::parse("172.31.32.0/20").unwrap()));
        assert!(Range::parse("0.0.0.0/0").unwrap().overlaps(range));
        assert_eq!((range.size(), range.cidr().as_str()), (4096, "172.31.16.0/20"));
        assert_eq!(Range::parse("10.0.0.0/33"), None);
    }

    #[test]
    fn subnets_of_one_vpc_never_overlap() {
        let zones = usual_zones("ap-northeast-1");
        let of = |zones: Vec<String>| {
            subnets(&Place {
                zones,
                region: "ap-northeast-1".to_owned(),
                ..Place::default()
            })
        };
        let all = of(zones.clone());
        assert_eq!(all.len(), 6);
        // Whichever zones are named, in whatever order.
        for some in [vec![zones[2].clone(), zones[0].clone()], vec![zones[1].clone()]] {
            assert!(of(some).iter().all(|one| all.contains(one)));
        }
        for (i, (_, a)) in all.iter().enumerate() {
            for (_, b) in &all[i + 1..] {
                let overlap = Range::parse(&a.cidr)
                    .unwrap()
                    .overlaps(Range::parse(&b.cidr).unwrap());
                assert!(!overlap, "{} and {}", a.cidr, b.cidr);
            }
        }
    }
}
