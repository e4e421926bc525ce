//! Values of `[docker]`.

use ipnet::Ipv4Net;

use crate::manifest::decode::{FromText, Malformed, plain_schema};

/// The address of a bridge with its mask, `192.168.240.1/24`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bip(pub String);

/// The URL of a registry's mirror.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirror(pub String);

plain_schema! {
    Bip => "Bip" { "type": "string", "pattern": "^[0-9.]+/[0-9]{1,2}$" },
    Mirror => "Mirror" { "type": "string", "pattern": "^https?://[^/@?#]+/?$" },
}

impl FromText for Bip {
    const FORM: &'static str = "an IPv4 address with a mask";

    fn from_text(text: &str) -> Result<Self, Malformed> {
        let net: Ipv4Net = text.parse().map_err(|_| {
            Malformed::new("not an address with a mask").help("write it as \"192.168.240.1/24\"")
        })?;
        let (address, net) = (net.addr(), net.trunc());
        if net.prefix_len() > 29 {
            return Err(Malformed::new("too small for a bridge").help("a mask of 29 bits or less has room"));
        }
        if address == net.network() || address == net.broadcast() {
            let first = u32::from(net.network()) + 1;
            let first = std::net::Ipv4Addr::from(first);
            return Err(Malformed::new("no address of a host in this range")
                .help(format!("did you mean \"{first}/{}\"?", net.prefix_len())));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromText for Mirror {
    const FORM: &'static str = "the URL of a mirror";

    /// dockerd takes a scheme and a host, and refuses all else (moby, `ValidateMirror`).
    fn from_text(text: &str) -> Result<Self, Malformed> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let Some(rest) = rest else {
            return Err(Malformed::new("it begins with neither https:// nor http://")
                .help(format!("did you mean \"https://{text}\"?")));
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        if host.contains('@') {
            return Err(Malformed::new("a login stands in it")
                .help("a mirror is asked without a login: leave out what stands before the @"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        if host.is_empty() || !host.chars().all(plain) {
            return Err(Malformed::new("not a scheme and a host alone")
                .help("dockerd takes no path in it: \"https://mirror.example.com\""));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_has_the_address_of_a_host() {
        for good in ["172.26.0.1/16", "192.168.240.1/24", "10.0.0.2/29"] {
            assert!(Bip::from_text(good).is_ok(), "{good}");
        }
        for bad in [
            "172.26.0.0/16",
            "192.168.1.255/24",
            "10.0.0.1",
            "10.0.0.1/30",
            "::1/64",
        ] {
            assert!(Bip::from_text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mirror_is_a_scheme_and_a_host() {
        for good in [
            "https://mirror.test",
            "http://10.0.0.5:5000/",
            "https://[2001:db8::1]:443",
        ] {
            assert!(Mirror::from_text(good).is_ok(), "{good}");
        }
        for bad in [
            "mirror.test",
            "https://",
            "https://me:secret@mirror.test",
            "https://mirror.test/v2",
            "https://mirror.test?a=b",
        ] {
            assert!(Mirror::from_text(bad).is_err(), "{bad}");
        }
    }
}
