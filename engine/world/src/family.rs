//! Image families: what a manifest may call an image instead of its id, and what is known of
//! those images. The one place that says so.

/// An image family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The name in a manifest.
    pub name: &'static str,
    /// The account that EC2 puts the key pair into (EC2 user guide, "Manage system users on your
    /// Linux instance").
    pub user: &'static str,
    /// The size of the snapshot that its images are published with, GiB: no disk is smaller.
    pub disk_gib: u32,
    /// The accounts that publish it, or EC2's alias of them: each partition has its own.
    pub owners: &'static [&'static str],
    /// What its images are called; `{arch}` stands for its own word for the architecture.
    pub pattern: &'static str,
    /// Its word for x86_64.
    pub x86_64: &'static str,
    /// Its word for arm64.
    pub arm64: &'static str,
}

/// The port that sshd of every family listens on: none of them is published with another.
pub const SSH_PORT: u16 = 22;

const fn family(
    name: &'static str,
    user: &'static str,
    owners: &'static [&'static str],
    pattern: &'static str,
    x86_64: &'static str,
) -> Family {
    Family {
        name,
        user,
        disk_gib: 8,
        owners,
        pattern,
        x86_64,
        arm64: "arm64",
    }
}

/// EC2's alias: Amazon publishes from another account in every region that has to be enabled, and
/// in every partition (EC2 API reference, DescribeImages, `Owners`).
const AMAZON: &[&str] = &["amazon"];
const DEBIAN: &[&str] = &["136693071363"];
/// In AWS's own partition, and in GovCloud.
const CANONICAL: &[&str] = &["099720109477", "513442679011"];

/// The families, by name. Publishers' account ids and naming schemes: AWS "Find an AMI" (Amazon),
/// wiki.debian.org "Cloud/AmazonEC2Image" (Debian), documentation.ubuntu.com "Find Ubuntu images on
/// AWS" (Canonical). Amazon Linux 2023 is published with several kernels; 6.1 is the one that
/// Amazon's own `al2023-ami-kernel-default` means.
pub const FAMILIES: [Family; 6] = [
    family(
        "amazon-linux-2",
        "ec2-user",
        AMAZON,
        "amzn2-ami-kernel-5.10-hvm-2.0.*-{arch}-gp2",
        "x86_64",
    ),
    family(
        "amazon-linux-2023",
        "ec2-user",
        AMAZON,
        "al2023-ami-2023.*-kernel-6.1-{arch}",
        "x86_64",
    ),
    family("debian-12", "admin", DEBIAN, "debian-12-{arch}-*", "amd64"),
    family("debian-13", "admin", DEBIAN, "debian-13-{arch}-*", "amd64"),
    family(
        "ubuntu-22.04",
        "ubuntu",
        CANONICAL,
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{arch}-server-*",
        "amd64",
    ),
    family(
        "ubuntu-24.04",
        "ubuntu",
        CANONICAL,
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{arch}-server-*",
        "amd64",
    ),
];

impl Family {
    /// The family that a manifest calls by this name; `None` for an image of its own.
    pub fn named(name: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name == name)
    }

    /// The names of all, for messages.
    pub fn names() -> [&'static str; FAMILIES.len()] {
        FAMILIES.map(|family| family.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_sorted_and_found_by_their_whole_name() {
        assert!(Family::names().is_sorted());
        for family in &FAMILIES {
            assert_eq!(Family::named(family.name), Some(family));
            assert!(family.pattern.contains("{arch}"), "{}", family.name);
        }
        assert_eq!(Family::named("debian"), None);
    }
}
