//! The address that instances see this machine under, as far as it can be known without asking
//! anybody.

use std::net::IpAddr;

/// The address under which this machine was reached by the SSH session that Subako runs in, if it
/// is one of the internet. Behind a NAT it is not.
pub fn of_the_session() -> Option<IpAddr> {
    of_connection(&std::env::var("SSH_CONNECTION").ok()?)
}

/// The server's end in sshd's `CLIENT PORT SERVER PORT`, if it is an address of the internet.
fn of_connection(connection: &str) -> Option<IpAddr> {
    let address: IpAddr = connection.split(' ').nth(2)?.parse().ok()?;
    is_global(address.to_canonical()).then(|| address.to_canonical())
}

/// Whether an address can be that of a machine on the internet (IANA's special-purpose registries,
/// RFC 6890, and the documentation's ranges).
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_benchmark = a == 198 && (18..20).contains(&b);
            !(a == 0
                || a >= 224
                || is_shared
                || is_benchmark
                || address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation())
        }
        // Global unicast, without 2001:db8::/32.
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0x0db8)
        }
    }
}

/// A range of one address, or the text as it is if it is none.
pub fn as_range(text: &str) -> String {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => format!("{address}/32"),
        Ok(IpAddr::V6(address)) => format!("{address}/128"),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_the_internet_is_proposed() {
        let cases = [
            ("192.0.2.1 50000 8.8.4.4 22", Some("8.8.4.4")),
            ("8.8.4.4 50000 10.0.0.5 22", None),
            ("8.8.4.4 50000 172.31.7.7 22", None),
            ("8.8.4.4 50000 100.64.0.1 22", None),
            ("::1 50000 ::1 22", None),
            ("fe80::1 50000 fe80::2%eth0 22", None),
            ("::ffff:9.9.9.9 5 ::ffff:9.9.9.10 22", Some("9.9.9.10")),
            ("2a00::1 5 2a00::2 22", Some("2a00::2")),
            ("", None),
        ];
        for (connection, address) in cases {
            assert_eq!(
                of_connection(connection)
                    .map(|address| address.to_string())
                    .as_deref(),
                address,
                "{connection}"
            );
        }
    }

    #[test]
    fn an_address_is_a_range_of_one() {
        assert_eq!(as_range("9.9.9.9"), "9.9.9.9/32");
        assert_eq!(as_range("2a00::2"), "2a00::2/128");
        assert_eq!(as_range("9.9.9.0/24"), "9.9.9.0/24");
    }
}
