//! IPv4 ranges.

use std::fmt;
use std::net::Ipv4Addr;

use super::error::LowerError;

/// An IPv4 range in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    first: u32,
    length: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/16`; host bits are ignored. `what` says whose range it is.
    pub fn parse(what: &str, text: &str) -> Result<Self, LowerError> {
        let read = || {
            let (address, length) = text.split_once('/')?;
            let address: Ipv4Addr = address.parse().ok()?;
            let length: u8 = length.parse().ok().filter(|length| *length <= 32)?;
            let first = u32::from(address) & mask(length);
            Some(Self { first, length })
        };
        read().ok_or_else(|| LowerError::Cidr {
            what: what.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The last address.
    fn last(self) -> u32 {
        self.first | !mask(self.length)
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last()).contains(&u32::from(address))
    }

    /// Whether it shares an address with another range.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }

    /// Whether AWS keeps an address of this subnet for itself: the first four and the last
    /// (VPC user guide, "Subnet sizing for IPv4").
    pub fn reserves(self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        self.contains(address.into()) && (address - self.first < 4 || address == self.last())
    }

    /// The mask length.
    pub fn length(self) -> u8 {
        self.length
    }
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.length)
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
