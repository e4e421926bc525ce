//! Where subnets lead, and which zones are the region's own.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Route, RouteState, RouteTable};
use subako_world::{Failure, Lookup, Result, WayOut};

use super::cloud::Inner;
use super::convert::{filter, next_page};
use super::operations::Op;

const DOING_ROUTES: &str = "look up the routes of the subnets";
const DOING_ZONES: &str = "look up the availability zones";

/// Where the subnets of a VPC lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Routes {
    /// By subnet: those with a table of their own.
    own: BTreeMap<String, WayOut>,
    /// All the others.
    main: WayOut,
}

impl Routes {
    fn of(tables: &[RouteTable]) -> Self {
        let mut routes = Self {
            own: BTreeMap::new(),
            main: WayOut::Nowhere,
        };
        for table in tables {
            let leads = way_out(table.routes());
            for association in table.associations() {
                match association.subnet_id() {
                    Some(subnet) => {
                        routes.own.insert(subnet.to_owned(), leads);
                    }
                    None if association.main() == Some(true) => routes.main = leads,
                    None => {}
                }
            }
        }
        routes
    }

    /// Where a subnet leads.
    pub(super) fn way_out(&self, subnet: &str) -> WayOut {
        self.own.get(subnet).copied().unwrap_or(self.main)
    }
}

/// Where the route to everywhere leads.
fn way_out(routes: &[Route]) -> WayOut {
    let everywhere = routes.iter().find(|route| {
        route.destination_cidr_block() == Some("0.0.0.0/0") && route.state() == Some(&RouteState::Active)
    });
    match everywhere {
        None => WayOut::Nowhere,
        // What an id begins with is its type: a VPC's private gateway (`vgw-`) stands in the same field.
        Some(route) if route.gateway_id().is_some_and(|id| id.starts_with("igw-")) => WayOut::Gateway,
        Some(_) => WayOut::OutOnly,
    }
}

/// Whether the credentials may not ask. A plan can do without, and knows less.
fn may_not_ask(failure: &Failure) -> bool {
    failure.service_code.as_deref() == Some("UnauthorizedOperation")
}

impl Inner {
    /// Where the subnets of a VPC lead; `None` where that cannot be asked.
    pub(super) async fn routes(&self, vpc_id: &str) -> Result<Option<Routes>> {
        let of_vpc = filter("vpc-id", [vpc_id]);
        let mut tables = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let answer = self
                .api
                .call(Op::DescribeRouteTables, DOING_ROUTES, || {
                    self.api
                        .ec2
                        .describe_route_tables()
                        .filters(of_vpc.clone())
                        .max_results(100)
                        .set_next_token(next.clone())
                        .send()
                })
                .await;
            let page = match answer {
                Err(failure) if may_not_ask(&failure) => return Ok(None),
                answer => answer?,
            };
            tables.extend(page.route_tables().iter().cloned());
            next = next_page(page.next_token());
            if next.is_none() {
                return Ok(Some(Routes::of(&tables)));
            }
        }
    }

    /// The region's own zones, without local and wavelength zones; `None` where nobody needs them,
    /// because zones or subnets are named, or they cannot be asked for.
    pub(super) async fn own_zones(&self, query: &Lookup) -> Result<Option<BTreeSet<String>>> {
        if !query.zones.is_empty() || !query.subnets.is_empty() {
            return Ok(None);
        }
        let answer = self
            .api
            .call(Op::DescribeAvailabilityZones, DOING_ZONES, || {
                self.api.ec2.describe_availability_zones().send()
            })
            .await;
        let answer = match answer {
            Err(failure) if may_not_ask(&failure) => return Ok(None),
            answer => answer?,
        };
        let own = answer
            .availability_zones()
            .iter()
            .filter(|zone| zone.zone_type() == Some("availability-zone"));
        Ok(Some(
            own.filter_map(|zone| zone.zone_name().map(str::to_owned))
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::RouteTableAssociation;

    use super::*;

    fn table(subnet: Option<&str>, routes: Vec<Route>) -> RouteTable {
        let association = RouteTableAssociation::builder()
            .main(subnet.is_none())
            .set_subnet_id(subnet.map(str::to_owned));
        RouteTable::builder()
            .associations(association.build())
            .set_routes(Some(routes))
            .build()
    }

    fn everywhere(state: RouteState, gateway: Option<&str>, nat: Option<&str>) -> Route {
        Route::builder()
            .destination_cidr_block("0.0.0.0/0")
            .state(state)
            .set_gateway_id(gateway.map(str::to_owned))
            .set_nat_gateway_id(nat.map(str::to_owned))
            .build()
    }

    #[test]
    fn a_subnet_leads_where_its_own_table_does_and_else_where_the_main_one_does() {
        let local = Route::builder()
            .destination_cidr_block("10.0.0.0/16")
            .gateway_id("local")
            .state(RouteState::Active)
            .build();
        let active = |gateway, nat| everywhere(RouteState::Active, gateway, nat);
        let routes = Routes::of(&[
            table(Some("subnet-a"), vec![local.clone()]),
            table(None, vec![local, active(Some("igw-1"), None)]),
            table(Some("subnet-b"), vec![active(None, Some("nat-1"))]),
            table(Some("subnet-c"), vec![active(Some("vgw-1"), None)]),
            table(
                Some("subnet-d"),
                vec![everywhere(RouteState::Blackhole, Some("igw-2"), None)],
            ),
        ]);
        for (subnet, leads) in [
            ("subnet-a", WayOut::Nowhere),
            ("subnet-b", WayOut::OutOnly),
            ("subnet-c", WayOut::OutOnly),
            ("subnet-d", WayOut::Nowhere),
            ("subnet-e", WayOut::Gateway),
        ] {
            assert_eq!(routes.way_out(subnet), leads, "{subnet}");
        }
    }
}
