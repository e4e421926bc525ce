//! How many calls to EC2 this process has made: said in the last line of a command.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::plain::plain;

/// One count for the process, because a command may connect more than once.
static MADE: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// Counts an attempt at a call.
#[cfg_attr(
    not(all(feature = "aws", feature = "ssh")),
    expect(dead_code, reason = "only AWS is called")
)]
pub fn made(operation: &'static str) {
    *MADE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(operation)
        .or_default() += 1;
}

/// What `-v` says of an attempt at a call.
#[cfg_attr(
    not(any(test, all(feature = "aws", feature = "ssh"))),
    expect(dead_code, reason = "only AWS is called")
)]
pub fn attempt(record: impl fmt::Display) -> String {
    format!("aws: {}", plain(record))
}

/// The last line of a command that has called EC2; `None` for one that has not. `each` lists the
/// operations.
pub fn last_line(each: bool) -> Option<String> {
    line(&MADE.lock().unwrap_or_else(PoisonError::into_inner), each)
}

fn line(made: &BTreeMap<&'static str, u64>, each: bool) -> Option<String> {
    let all: u64 = made.values().sum();
    if all == 0 {
        return None;
    }
    let word = if all == 1 { "call" } else { "calls" };
    let mut line = format!("{all} {word} to AWS");
    if each {
        let list: Vec<String> = made
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        line.push_str(&format!(": {}", list.join(", ")));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_and_lists() {
        let mut made = BTreeMap::new();
        assert_eq!(line(&made, false), None);
        made.insert("RunInstances", 5);
        assert_eq!(line(&made, false).as_deref(), Some("5 calls to AWS"));
        made.insert("DescribeVpcs", 1);
        assert_eq!(
            line(&made, true).as_deref(),
            Some("6 calls to AWS: 1 DescribeVpcs, 5 RunInstances")
        );
    }
}
