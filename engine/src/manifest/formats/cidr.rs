//! Addresses and ranges.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::manifest::decode::{FromText, Malformed, plain_schema};

/// A range of addresses, IPv4 or IPv6, without bits beyond its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr(IpNet);

/// An IPv4 range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range4(Cidr);

/// An IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub Ipv4Addr);

plain_schema! {
    Cidr => "Cidr" { "type": "string", "pattern": "/[0-9]{1,3}$" },
    Range4 => "Range4" { "type": "string", "pattern": "^[0-9.]+/[0-9]{1,2}$" },
    Address => "Address" { "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$" },
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Range4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Cidr {
    fn parse(text: &str) -> Result<Self, Malformed> {
        let Some((address, mask)) = text.split_once('/') else {
            return Err(match text.parse::<IpAddr>() {
                Ok(address) => Malformed::new("an address without a mask").help(format!(
                    "for this one address, write \"{address}/{}\"",
                    width(address)
                )),
                Err(_) => Malformed::new("not a range").help("write a range as \"10.0.0.0/16\""),
            });
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| Malformed::new(format!("\"{address}\" is not an IP address")))?;
        let mask = match mask.parse::<u8>() {
            Ok(bits) if bits <= width(address) && !mask.starts_with('+') => bits,
            _ => {
                return Err(Malformed::new(format!(
                    "the mask must be from 0 to {}",
                    width(address)
                )));
            }
        };
        let net = IpNet::new(address, mask).map_err(|error| Malformed::new(error.to_string()))?;
        if net.network() != address {
            return Err(
                Malformed::new("this address lies inside the range, it does not begin it")
                    .help(format!("did you mean \"{}\"?", net.trunc())),
            );
        }
        Ok(Self(net))
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromText for Cidr {
    const FORM: &'static str = "a range in CIDR notation";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        Self::parse(text)
    }
}

impl Range4 {
    /// The mask's length.
    pub fn mask(&self) -> u8 {
        self.0.0.prefix_len()
    }

    /// The first and the last address.
    pub fn bounds(&self) -> (u32, u32) {
        match self.0.0 {
            IpNet::V4(net) => (net.network().to_bits(), net.broadcast().to_bits()),
            IpNet::V6(_) => (0, 0),
        }
    }
}

impl FromText for Range4 {
    const FORM: &'static str = "an IPv4 range in CIDR notation";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let cidr = Cidr::parse(text)?;
        if matches!(cidr.0, IpNet::V6(_)) {
            return Err(Malformed::new("this is an IPv6 range"));
        }
        Ok(Self(cidr))
    }
}

impl FromText for Address {
    const FORM: &'static str = "an IPv4 address";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        text.parse().map(Self).map_err(|_| {
            let malformed = Malformed::new("an address is four numbers from 0 to 255");
            match text.split_once('/') {
                Some((address, _)) if address.parse::<Ipv4Addr>().is_ok() => {
                    malformed.help(format!("write the address without its mask: \"{address}\""))
                }
                _ => malformed,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_shown_as_it_was_written() {
        for text in [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "203.0.113.7/32",
            "::/0",
            "2001:db8::/32",
        ] {
            assert_eq!(Cidr::from_text(text).map(|c| c.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_near_miss_comes_with_what_was_meant() {
        let help = |text: &str| Cidr::from_text(text).expect_err("bad").help;
        assert_eq!(
            help("10.1.2.3/8").as_deref(),
            Some("did you mean \"10.0.0.0/8\"?")
        );
        assert_eq!(
            help("10.1.2.3").as_deref(),
            Some("for this one address, write \"10.1.2.3/32\"")
        );
        assert!(Cidr::from_text("10.0.0.0/33").is_err());
        assert!(Cidr::from_text("10.0.0.0/").is_err());
        assert!(Cidr::from_text("10.0.0/8").is_err());
    }

    #[test]
    fn bounds_hold_for_the_widest_and_the_narrowest_range() {
        let bounds = |text: &str| Range4::from_text(text).expect("good").bounds();
        assert_eq!(bounds("0.0.0.0/0"), (0, u32::MAX));
        assert_eq!(bounds("10.0.0.4/32"), (0x0a00_0004, 0x0a00_0004));
        assert_eq!(bounds("10.0.1.0/24"), (0x0a00_0100, 0x0a00_01ff));
    }
}
