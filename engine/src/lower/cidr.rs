//! IPv4 ranges.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::error::LowerError;

/// An IPv4 range in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr(Ipv4Net);

impl Cidr {
    /// Reads `10.0.0.0/16`; host bits are ignored. `what` says whose range it is.
    pub fn parse(what: &str, text: &str) -> Result<Self, LowerError> {
        match text.parse::<Ipv4Net>() {
            Ok(net) => Ok(Self(net.trunc())),
            Err(_) => Err(LowerError::Cidr {
                what: what.to_owned(),
                text: text.to_owned(),
            }),
        }
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        self.0.contains(&address)
    }

    /// Whether it shares an address with another range.
    pub fn overlaps(self, other: Self) -> bool {
        // Two CIDR ranges are apart, or one holds the other.
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }

    /// Whether AWS keeps an address of this subnet for itself: the first four and the last
    /// (VPC user guide, "Subnet sizing for IPv4").
    pub fn reserves(self, address: Ipv4Addr) -> bool {
        let place = u32::from(address).wrapping_sub(u32::from(self.0.network()));
        self.contains(address) && (place < 4 || address == self.0.broadcast())
    }

    /// Its two halves; of a single address, that twice.
    pub fn halves(self) -> (Self, Self) {
        let halves = self.0.subnets((self.0.prefix_len() + 1).min(32));
        let mut halves = halves.into_iter().flatten().map(Self);
        let first = halves.next().unwrap_or(self);
        (first, halves.next().unwrap_or(first))
    }

    /// The first address for a host, with a mask of this length.
    pub fn first_host(self, mask: u8) -> String {
        let address = Ipv4Addr::from(u32::from(self.0.network()).saturating_add(1));
        format!("{address}/{mask}")
    }

    /// The mask length.
    pub fn length(self) -> u8 {
        self.0.prefix_len()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse("test", text).expect("a range")
    }

    #[test]
    fn ranges_overlap_where_they_share_an_address() {
        assert!(cidr("10.0.0.0/8").overlaps(cidr("10.200.0.0/16")));
        assert!(cidr("0.0.0.0/0").overlaps(cidr("192.168.0.0/16")));
        assert!(!cidr("10.0.0.0/24").overlaps(cidr("10.0.1.0/24")));
        assert_eq!(cidr("10.1.2.3/16").to_string(), "10.1.0.0/16");
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/0", ""] {
            assert!(Cidr::parse("test", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn aws_keeps_the_first_four_addresses_and_the_last() {
        let subnet = cidr("10.0.0.0/24");
        for (last, reserved) in [(0, true), (3, true), (4, false), (254, false), (255, true)] {
            assert_eq!(subnet.reserves(Ipv4Addr::new(10, 0, 0, last)), reserved, "{last}");
        }
        assert!(!subnet.reserves(Ipv4Addr::new(10, 0, 1, 0)));
    }
}
