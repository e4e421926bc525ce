//! Requests are limited by token buckets.
//!
//! Source: "Request throttling for the Amazon EC2 API", bucket sizes and refill rates.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Answer, Behaviour, Call};

/// The buckets, by action: how full each was, and when.
pub struct Throttle {
    levels: BTreeMap<String, (f64, Instant)>,
    speed: f64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::faster(1.0)
    }
}

impl Throttle {
    /// Everything comes back so many times as fast.
    pub fn faster(speed: f64) -> Self {
        Self {
            levels: BTreeMap::new(),
            speed,
        }
    }
}

/// The size of an action's bucket, and how many a second come back.
fn limits(call: &Call) -> (f64, f64) {
    match call.action.as_str() {
        "RunInstances" | "StartInstances" => (5.0, 2.0),
        "TerminateInstances" => (100.0, 5.0),
        "CreateTags" => (100.0, 10.0),
        _ if call.reads() => (100.0, 20.0),
        _ => (50.0, 5.0),
    }
}

impl Behaviour for Throttle {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        let (size, refill) = limits(call);
        let now = Instant::now();
        let (level, at) = self.levels.entry(call.action.clone()).or_insert((size, now));
        *level = (*level + now.duration_since(*at).as_secs_f64() * refill * self.speed).min(size);
        *at = now;
        if *level < 1.0 {
            return Answer::refusal(503, "RequestLimitExceeded", "Request limit exceeded.");
        }
        *level -= 1.0;
        None
    }
}
