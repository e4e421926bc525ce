//! The VPC and its subnets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use aws_sdk_ec2::types::{self, Vpc, VpcCidrBlockStateCode};
use futures::future::{try_join, try_join3};
use subako_world::{Failure, Lookup, LookupAnswer, Reach, Result, Subnet};

use super::cloud::Inner;
use super::convert::{filter, next_page, text};
use super::operations::Op;
use crate::codes::Ec2Code as _;

const DOING_VPC: &str = "look up the VPC";
const DOING_SUBNETS: &str = "look up the subnets";

/// A subnet, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    subnet: Subnet,
    default: bool,
    /// Whether it gives public addresses.
    public_ip: bool,
    /// Why no instance of ours can be put there.
    unfit: Option<&'static str>,
}

impl Inner {
    pub(super) async fn lookup(&self, query: &Lookup) -> Result<LookupAnswer> {
        let network = async {
            let vpc = self.vpc(query.vpc.as_deref()).await?;
            let id = text(vpc.vpc_id());
            let (candidates, routes) = try_join(self.candidates(&id), self.routes(&id)).await?;
            Ok((vpc, id, candidates, routes))
        };
        let ((vpc, vpc_id, candidates, routes), zones, images) =
            try_join3(network, self.own_zones(query), self.images(&query.images)).await?;
        self.remember_subnets(&candidates);
        let subnets = choose(&candidates, query, zones.as_ref(), &vpc_id)?;
        let used = used(&candidates, query);
        let reach = routes.map(|routes| {
            let all = subnets.iter().chain(&used);
            let known = all.filter_map(|subnet| {
                let candidate = candidates.iter().find(|c| c.subnet.id == subnet.id)?;
                let reach = Reach {
                    public_ip: candidate.public_ip,
                    way_out: routes.way_out(&subnet.id),
                };
                Some((subnet.id.clone(), reach))
            });
            known.collect()
        });
        Ok(LookupAnswer {
            images,
            vpc_cidrs: cidrs(&vpc),
            subnets,
            used,
            reach: reach.unwrap_or_default(),
            vpc_id,
        })
    }

    /// Which subnets give public addresses, for whoever waits for one.
    fn remember_subnets(&self, candidates: &[Candidate]) {
        let known = candidates.iter().map(|c| (c.subnet.id.clone(), c.public_ip));
        let mut subnets = self.public_subnets.lock().unwrap_or_else(PoisonError::into_inner);
        subnets.extend(known);
    }

    async fn vpc(&self, wanted: Option<&str>) -> Result<Vpc> {
        let by = match wanted {
            Some(id) => filter("vpc-id", [id]),
            None => filter("is-default", ["true"]),
        };
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeVpcs, DOING_VPC, || {
                    self.api
                        .ec2
                        .describe_vpcs()
                        .filters(by.clone())
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            if let Some(vpc) = page.vpcs().first() {
                return Ok(vpc.clone());
            }
            next = next_page(page.next_token());
            if next.is_none() {
                return Err(self.no_vpc(wanted));
            }
        }
    }

    fn no_vpc(&self, wanted: Option<&str>) -> Failure {
        let region = self.region();
        match wanted {
            Some(id) => Failure::not_applied(DOING_VPC, format!("there is no {id} in {region}"))
                .with_ec2_code("InvalidVpcID.NotFound")
                .with_hint("correct `vpc` under [aws], or the region"),
            None => Failure::not_applied(DOING_VPC, format!("this account has no default VPC in {region}"))
                .with_ec2_code("DefaultVpcDoesNotExist")
                .with_hint(
                    "make one with `aws ec2 create-default-vpc`, or name `vpc` and `subnets` under [aws]",
                ),
        }
    }

    async fn candidates(&self, vpc_id: &str) -> Result<Vec<Candidate>> {
        let of_vpc = filter("vpc-id", [vpc_id]);
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let page = self
                .api
                .call(Op::DescribeSubnets, DOING_SUBNETS, || {
                    self.api
                        .ec2
                        .describe_subnets()
                        .filters(of_vpc.clone())
                        .max_results(1000)
                        .set_next_token(next.clone())
                        .send()
                })
                .await?;
            found.extend(page.subnets().iter().filter_map(candidate));
            next = next_page(page.next_token());
            if next.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| (&a.subnet.zone, &a.subnet.id).cmp(&(&b.subnet.zone, &b.subnet.id)));
        Ok(found)
    }
}

fn candidate(seen: &types::Subnet) -> Option<Candidate> {
    Some(Candidate {
        subnet: Subnet {
            id: seen.subnet_id()?.to_owned(),
            zone: seen.availability_zone()?.to_owned(),
            cidr: text(seen.cidr_block()),
        },
        default: seen.default_for_az().unwrap_or_default(),
        public_ip: seen.map_public_ip_on_launch().unwrap_or_default(),
        unfit: if seen.cidr_block().is_none_or(str::is_empty) {
            Some("it has no IPv4 range")
        } else if seen.outpost_arn().is_some() {
            Some("it is on an Outpost")
        } else {
            None
        },
    })
}

/// All IPv4 ranges of a VPC, the first one first.
fn cidrs(vpc: &Vpc) -> Vec<String> {
    let mut ranges: Vec<String> = vpc.cidr_block().map(str::to_owned).into_iter().collect();
    for association in vpc.cidr_block_association_set() {
        let state = association.cidr_block_state().and_then(|state| state.state());
        let there = state == Some(&VpcCidrBlockStateCode::Associated);
        if let Some(range) = association.cidr_block()
            && there
            && !ranges.iter().any(|known| known == range)
        {
            ranges.push(range.to_owned());
        }
    }
    ranges
}

/// Of the subnets in use those that the VPC has.
fn used(candidates: &[Candidate], query: &Lookup) -> Vec<Subnet> {
    let fit = candidates.iter().filter(|candidate| candidate.unfit.is_none());
    let there = fit.map(|candidate| &candidate.subnet);
    let mut used: Vec<Subnet> = there
        .filter(|subnet| query.used.contains(&subnet.id))
        .cloned()
        .collect();
    used.sort_by(|a, b| a.id.cmp(&b.id));
    used
}

/// One subnet a zone: those named; or those of the zones named; or, when neither is named, one of
/// every zone of the region's own where there is no doubt.
fn choose(
    candidates: &[Candidate],
    query: &Lookup,
    own_zones: Option<&BTreeSet<String>>,
    vpc_id: &str,
) -> Result<Vec<Subnet>> {
    if !query.subnets.is_empty() {
        return named(candidates, query, vpc_id);
    }
    let fit: Vec<Candidate> = candidates.iter().filter(|c| c.unfit.is_none()).cloned().collect();
    if !query.zones.is_empty() {
        return query
            .zones
            .iter()
            .map(|zone| of_zone(&fit, zone, vpc_id))
            .collect();
    }
    let zones: BTreeSet<&str> = fit.iter().map(|c| c.subnet.zone.as_str()).collect();
    let is_own = |zone: &str| own_zones.is_none_or(|own| own.contains(zone));
    let mut clear = Vec::new();
    let mut doubt = None;
    for zone in zones.into_iter().filter(|zone| is_own(zone)) {
        match of_zone(&fit, zone, vpc_id) {
            Ok(subnet) => clear.push(subnet),
            Err(failure) => doubt = doubt.or(Some(failure)),
        }
    }
    if !clear.is_empty() {
        return Ok(clear);
    }
    Err(doubt.unwrap_or_else(|| {
        let message = match candidates {
            [] => format!("{vpc_id} has no subnet"),
            _ => format!("{vpc_id} has no subnet with an IPv4 range in an availability zone of the region"),
        };
        refused(
            message,
            "InvalidSubnet.NotFound",
            "make one, or name another `vpc` under [aws]",
        )
    }))
}

/// The zone's default subnet, or its only one.
fn of_zone(candidates: &[Candidate], zone: &str, vpc_id: &str) -> Result<Subnet> {
    let here: Vec<&Candidate> = candidates.iter().filter(|c| c.subnet.zone == zone).collect();
    match (here.iter().find(|c| c.default), here.as_slice()) {
        (Some(default), _) => Ok(default.subnet.clone()),
        (None, [only]) => Ok(only.subnet.clone()),
        (None, []) => {
            let mut known: Vec<&str> = candidates.iter().map(|c| c.subnet.zone.as_str()).collect();
            known.dedup();
            Err(refused(
                format!("{vpc_id} has no subnet in {zone}"),
                "InvalidAvailabilityZone",
                &format!("it has subnets in {}", known.join(", ")),
            ))
        }
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|c| c.subnet.id.as_str()).collect();
            Err(refused(
                format!(
                    "{vpc_id} has {} subnets in {zone} and none is its default",
                    several.len()
                ),
                "AmbiguousSubnet",
                &format!("name one in `subnets` under [aws]: {}", ids.join(", ")),
            ))
        }
    }
}

fn refused(message: String, code: &str, hint: &str) -> Failure {
    Failure::not_applied(DOING_SUBNETS, message)
        .with_ec2_code(code)
        .with_hint(hint)
}

/// The subnets named, in the order of the zones named, else sorted by zone.
fn named(candidates: &[Candidate], query: &Lookup, vpc_id: &str) -> Result<Vec<Subnet>> {
    let fail = |message: String, hint: &str| Err(refused(message, "InvalidSubnet.NotFound", hint));
    let mut by_zone: BTreeMap<&str, &Subnet> = BTreeMap::new();
    for id in &query.subnets {
        let Some(found) = candidates.iter().find(|c| c.subnet.id == *id) else {
            return fail(
                format!("{vpc_id} has no {id}"),
                "correct `subnets` under [aws], or `vpc`, or the region",
            );
        };
        if let Some(why) = found.unfit {
            return fail(
                format!("no instance can be put in {id}: {why}"),
                "name another in `subnets` under [aws]",
            );
        }
        if let Some(other) = by_zone.insert(&found.subnet.zone, &found.subnet) {
            return fail(
                format!("{id} and {} are both in {}", other.id, other.zone),
                "name one subnet a zone in `subnets`",
            );
        }
    }
    if query.zones.is_empty() {
        return Ok(by_zone.into_values().cloned().collect());
    }
    let mut chosen = Vec::new();
    for zone in &query.zones {
        match by_zone.get(zone.as_str()) {
            Some(subnet) => chosen.push((*subnet).clone()),
            None => {
                return fail(
                    format!("none of the subnets named is in {zone}"),
                    "name one in `subnets`",
                );
            }
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        [
            ("subnet-1", "z-a", false),
            ("subnet-2", "z-a", true),
            ("subnet-3", "z-b", false),
            ("subnet-4", "z-c", false),
            ("subnet-5", "z-c", false),
        ]
        .map(|(id, zone, default)| Candidate {
            subnet: Subnet {
                id: id.to_owned(),
                zone: zone.to_owned(),
                cidr: "10.0.0.0/24".to_owned(),
            },
            default,
            public_ip: true,
            unfit: None,
        })
        .to_vec()
    }

    fn ask(zones: &[&str], subnets: &[&str]) -> std::result::Result<Vec<String>, String> {
        let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        let query = Lookup {
            zones: owned(zones),
            subnets: owned(subnets),
            ..Lookup::default()
        };
        choose(&candidates(), &query, None, "vpc-1")
            .map(|subnets| subnets.into_iter().map(|s| s.id).collect())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_zone_gives_its_default_subnet_or_its_only_one() {
        assert_eq!(
            ask(&["z-b", "z-a"], &[]),
            Ok(vec!["subnet-3".to_owned(), "subnet-2".to_owned()])
        );
    }

    #[test]
    fn a_subnet_in_use_is_given_whatever_else_is_wanted() {
        let query = Lookup {
            used: ["subnet-5", "subnet-1", "subnet-9"].map(str::to_owned).to_vec(),
            ..Lookup::default()
        };
        let ids: Vec<String> = used(&candidates(), &query).into_iter().map(|s| s.id).collect();
        assert_eq!(ids, ["subnet-1", "subnet-5"]);
    }

    #[test]
    fn without_any_wish_every_zone_without_doubt_is_given() {
        assert_eq!(
            ask(&[], &[]),
            Ok(vec!["subnet-2".to_owned(), "subnet-3".to_owned()])
        );
    }

    #[test]
    fn zones_outside_the_region_and_subnets_that_are_unfit_are_left_out_unless_named() {
        let mut all = candidates();
        all[1].unfit = Some("it has no IPv4 range");
        let own = BTreeSet::from(["z-a".to_owned()]);
        let ids = |query: &Lookup, own: Option<&BTreeSet<String>>| {
            let chosen = choose(&all, query, own, "vpc-1");
            chosen.map(|subnets| subnets.into_iter().map(|s| s.id).collect::<Vec<_>>())
        };
        let any = Lookup::default();
        assert_eq!(ids(&any, Some(&own)), Ok(vec!["subnet-1".to_owned()]));
        assert_eq!(ids(&any, None).map(|ids| ids.len()), Ok(2));
        let in_b = Lookup {
            zones: vec!["z-b".to_owned()],
            ..Lookup::default()
        };
        assert_eq!(ids(&in_b, Some(&own)), Ok(vec!["subnet-3".to_owned()]));
        let unfit = Lookup {
            subnets: vec!["subnet-2".to_owned()],
            ..Lookup::default()
        };
        let refused = ids(&unfit, None).unwrap_err();
        assert!(refused.message.contains("no IPv4 range"), "{refused}");
    }

    #[test]
    fn a_zone_with_several_subnets_and_no_default_has_to_be_decided_by_hand() {
        let error = ask(&["z-c"], &[]).unwrap_err();
        assert!(error.contains("2 subnets in z-c"), "{error}");
    }

    #[test]
    fn subnets_named_are_checked_and_follow_the_zones_named() {
        assert_eq!(
            ask(&["z-c", "z-a"], &["subnet-1", "subnet-5"]),
            Ok(vec!["subnet-5".to_owned(), "subnet-1".to_owned()])
        );
        assert!(ask(&[], &["subnet-9"]).unwrap_err().contains("no subnet-9"));
        assert!(
            ask(&[], &["subnet-1", "subnet-2"])
                .unwrap_err()
                .contains("both in z-a")
        );
    }
}
