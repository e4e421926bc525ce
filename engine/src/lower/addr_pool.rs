//! Which ranges overlay networks are cut from.

use super::cidr::Cidr;
use super::error::LowerError;
use crate::kinds::DOCKERS_POOL;
use crate::manifest::Manifest;

/// What is tried instead, in this order: private ranges (RFC 1918), then the range shared by
/// carriers (RFC 6598) and the one for benchmarks (RFC 2544), which no VPC is likely to have.
/// Neither docker0 (172.17.0.0/16) nor docker_gwbridge (172.18.0.0/16) is among them, nor the
/// default VPC (172.31.0.0/16).
const OTHERS: [&str; 4] = [
    "172.20.0.0/14",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "198.18.0.0/15",
];

/// The pool: as written, else as recorded, else Docker's own (said by an empty list) unless it
/// collides with the VPC or a network's own range, else the first that does not. A collision
/// with the VPC cuts nodes off its name server (moby#27399).
pub(super) fn choose(
    manifest: &Manifest,
    recorded: Option<Vec<String>>,
    vpc_cidrs: &[String],
) -> Result<Vec<String>, LowerError> {
    if !manifest.swarm.addr_pool.is_empty() {
        return Ok(manifest.swarm.addr_pool.clone());
    }
    if let Some(recorded) = recorded {
        return Ok(recorded);
    }
    let mut taken = Vec::new();
    // Overlay networks are IPv4; an IPv6 range of the VPC cannot collide with them.
    for cidr in vpc_cidrs.iter().filter(|cidr| !cidr.contains(':')) {
        taken.push(Cidr::parse("of the VPC", cidr)?);
    }
    for network in &manifest.networks {
        if let Some(subnet) = network.subnet.as_ref().filter(|subnet| !subnet.contains(':')) {
            taken.push(Cidr::parse(&format!("of the network {}", network.name), subnet)?);
        }
    }
    let is_free = |range: Cidr| !taken.iter().any(|other| other.overlaps(range));
    if is_free(Cidr::parse("Docker's own", DOCKERS_POOL)?) {
        return Ok(Vec::new());
    }
    for other in OTHERS {
        let range = Cidr::parse("to choose from", other)?;
        if is_free(range) && range.length() <= manifest.swarm.subnet_size {
            return Ok(vec![range.to_string()]);
        }
    }
    let taken: Vec<String> = taken.iter().map(ToString::to_string).collect();
    Err(LowerError::NoFreePool {
        taken: taken.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::testing;

    fn chosen(vpc: &[&str], change: impl FnOnce(&mut Manifest)) -> Result<Vec<String>, LowerError> {
        let mut manifest = testing::sandbox();
        change(&mut manifest);
        let vpc: Vec<String> = vpc.iter().map(|cidr| (*cidr).to_owned()).collect();
        choose(&manifest, None, &vpc)
    }

    #[test]
    fn dockers_own_pool_stays_where_nothing_collides() {
        assert_eq!(chosen(&["172.31.0.0/16", "2001:db8::/56"], |_| {}), Ok(vec![]));
    }

    #[test]
    fn the_first_pool_that_collides_with_nothing_is_chosen() {
        assert_eq!(
            chosen(&["10.0.0.0/16"], |_| {}),
            Ok(vec!["172.20.0.0/14".to_owned()])
        );
        let both = chosen(&["172.16.0.0/12"], |manifest| {
            manifest.networks[0].subnet = Some("10.9.0.0/24".into());
        });
        assert_eq!(both, Ok(vec!["192.168.0.0/16".to_owned()]));
        let none = chosen(&["0.0.0.0/0"], |_| {});
        assert!(matches!(none, Err(LowerError::NoFreePool { .. })));
    }

    #[test]
    fn what_is_written_or_recorded_is_kept() {
        let written = chosen(&["10.0.0.0/16"], |m| {
            m.swarm.addr_pool = vec!["10.1.0.0/16".into()]
        });
        assert_eq!(written, Ok(vec!["10.1.0.0/16".to_owned()]));
        let recorded = choose(&testing::sandbox(), Some(vec![]), &["10.0.0.0/16".into()]);
        assert_eq!(recorded, Ok(vec![]));
    }
}
