//! Subnets that a cluster's instances cannot be put in: without an IPv4 range, on an Outpost, in a
//! local zone, whose name sorts before the region's own zones.
//!
//! Source: EC2 API reference, Subnet (`ipv6Native`, `outpostArn`) and AvailabilityZone
//! (`zoneType`); AWS Local Zones user guide, "Available Local Zones".

use super::{Answer, Behaviour, Call, Node};

/// One of each, in every VPC.
pub struct OddSubnets;

const IPV6_ONLY: &str = "subnet-0000000000000006a";
const ON_OUTPOST: &str = "subnet-0000000000000007a";
const IN_LOCAL_ZONE: &str = "subnet-0000000000000008a";

/// A name that sorts before those of the region's own zones.
fn local_zone(region: &str) -> String {
    format!("{region}-lax-1a")
}

impl Behaviour for OddSubnets {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        let subnet = call.subnet()?;
        let odd = [IPV6_ONLY, ON_OUTPOST, IN_LOCAL_ZONE].contains(&subnet);
        odd.then(|| {
            Answer::Refusal(
                400,
                "Unsupported",
                format!("{subnet} does not support this instance"),
            )
        })
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        let zone = local_zone(&call.region);
        if call.action == "DescribeAvailabilityZones"
            && let Some(zones) = answer.list_mut("availabilityZoneInfo")
        {
            let local = [
                Node::leaf("zoneName", &*zone),
                Node::leaf("zoneType", "local-zone"),
                Node::leaf("regionName", &*call.region),
                Node::leaf("optInStatus", "opted-in"),
                Node::leaf("zoneState", "available"),
            ];
            zones.insert(0, Node::of("item", local));
        }
        let whole = call.filter("subnet-id").is_none();
        if call.action == "DescribeSubnets"
            && whole
            && let Some(subnets) = answer.list_mut("subnetSet")
        {
            let Some(like) = subnets.first().cloned() else {
                return;
            };
            let odd = |id: &str| {
                let mut subnet = like.clone();
                subnet.set("subnetId", id);
                subnet.set("defaultForAz", "false");
                subnet
            };
            let mut ipv6_only = odd(IPV6_ONLY);
            ipv6_only.children.retain(|child| child.name != "cidrBlock");
            ipv6_only.set("ipv6Native", "true");
            let mut on_outpost = odd(ON_OUTPOST);
            on_outpost.set(
                "outpostArn",
                "arn:aws:outposts:us-west-2:123456789012:outpost/op-0e32",
            );
            let mut in_local_zone = odd(IN_LOCAL_ZONE);
            in_local_zone.set("availabilityZone", &zone);
            in_local_zone.set("cidrBlock", "172.31.240.0/24");
            subnets.splice(0..0, [in_local_zone, ipv6_only, on_outpost]);
        }
    }
}
