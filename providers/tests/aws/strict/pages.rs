//! Lists come in small pages, and a page may be empty although another follows.
//!
//! Source: EC2 API reference, "Pagination" of DescribeInstances: "the response might be empty
//! while there are still more".

use super::{Answer, Behaviour, Call, Node};

/// So many entries a page; the first page is empty.
pub struct Pages(pub usize);

/// Listings that EC2 gives in one piece.
const WHOLE: [&str; 5] = [
    "DescribeAddresses",
    "DescribeAvailabilityZones",
    "DescribeInstanceAttribute",
    "DescribeKeyPairs",
    "DescribeRegions",
];

const ASKED: &str = "Strict.Page";

fn is_paged(call: &Call) -> bool {
    let by_id = ["InstanceId", "ImageId", "GroupId"];
    call.action.starts_with("Describe")
        && !WHOLE.contains(&call.action.as_str())
        && by_id.iter().all(|list| call.list(list).is_empty())
}

impl Behaviour for Pages {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        if !is_paged(call) {
            return None;
        }
        let token = call.get("NextToken").unwrap_or("page-0").to_owned();
        call.remove("NextToken");
        // The API behind has pages of its own.
        call.set("MaxResults", "1000");
        let Some(number) = token.strip_prefix("page-").filter(|n| n.parse::<usize>().is_ok()) else {
            return Answer::refusal(400, "InvalidNextToken", "The token is not valid");
        };
        call.set(ASKED, number);
        None
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        let Some(number) = call.get(ASKED).and_then(|number| number.parse::<usize>().ok()) else {
            return;
        };
        let is_list = |child: &&mut Node| !matches!(child.name.as_str(), "requestId" | "nextToken");
        let Some(list) = answer.children.iter_mut().find(is_list) else {
            return;
        };
        let all = std::mem::take(&mut list.children);
        let (size, total) = (self.0, all.len());
        let from = number.saturating_sub(1) * size;
        let take = if number == 0 { 0 } else { size };
        list.children = all.into_iter().skip(from).take(take).collect();
        answer.children.retain(|child| child.name != "nextToken");
        if from + take < total {
            answer.set("nextToken", &format!("page-{}", number + 1));
        }
    }
}
