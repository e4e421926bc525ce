//! A default VPC has an internet gateway, and its main route table leads there.
//!
//! Source: VPC user guide, "Default VPC components".

use super::{Behaviour, Call, Node};

/// The main route table of every VPC leads to the internet.
pub struct Internet;

impl Behaviour for Internet {
    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if call.action != "DescribeRouteTables" {
            return;
        }
        for table in answer.list_mut("routeTableSet").into_iter().flatten() {
            let main = table
                .items("associationSet")
                .any(|one| one.text(&["main"]) == "true");
            if let Some(routes) = table.list_mut("routeSet").filter(|_| main) {
                let route = [
                    Node::leaf("destinationCidrBlock", "0.0.0.0/0"),
                    Node::leaf("gatewayId", "igw-0000000000000001a"),
                    Node::leaf("state", "active"),
                    Node::leaf("origin", "CreateRoute"),
                ];
                routes.push(Node::of("item", route));
            }
        }
    }
}
