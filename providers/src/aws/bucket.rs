//! Token buckets: the adapter's own pace, inside EC2's published limits.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::operations::Family;

/// One bucket a family. Callers take tokens in advance: the level goes below zero, and each waits
/// until its own token would be there, so that they go in the order in which they came.
#[derive(Debug)]
pub(super) struct Buckets {
    rate: f64,
    buckets: Mutex<BTreeMap<Family, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    level: f64,
    filled_at: Duration,
    shut_until: Duration,
}

impl Buckets {
    /// Full buckets, with EC2's limits multiplied by `rate`.
    pub(super) fn new(rate: f64) -> Self {
        let buckets = Family::ALL.into_iter().map(|family| {
            let (size, _) = family.limits();
            let bucket = Bucket {
                level: f64::from(size) * rate,
                filled_at: Duration::ZERO,
                shut_until: Duration::ZERO,
            };
            (family, bucket)
        });
        Self {
            rate,
            buckets: Mutex::new(buckets.collect()),
        }
    }

    /// Takes a token at the time `now`; the answer is how long to wait before using it.
    pub(super) fn take(&self, family: Family, now: Duration) -> Duration {
        let (size, refill) = family.limits();
        let (size, refill) = (f64::from(size) * self.rate, f64::from(refill) * self.rate);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = buckets.get_mut(&family) else {
            return Duration::ZERO;
        };
        let since = now.saturating_sub(bucket.filled_at).as_secs_f64();
        bucket.level = (bucket.level + since * refill).min(size) - 1.0;
        bucket.filled_at = now;
        let own = Duration::from_secs_f64((-bucket.level / refill).max(0.0));
        own.max(bucket.shut_until.saturating_sub(now))
    }

    /// EC2 has throttled a call: nobody else of the family goes before `until`.
    pub(super) fn shut(&self, family: Family, until: Duration) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&family) {
            bucket.shut_until = bucket.shut_until.max(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    #[test]
    fn a_burst_is_free_and_the_rest_goes_at_the_refill() {
        let buckets = Buckets::new(1.0);
        let waits: Vec<u128> = (0..9)
            .map(|_| buckets.take(Family::Run, NOW).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 500, 1000, 1500, 2000]);
    }

    #[test]
    fn a_bucket_fills_up_again_but_never_over_its_size() {
        let buckets = Buckets::new(1.0);
        for _ in 0..5 {
            buckets.take(Family::Run, NOW);
        }
        let later = NOW + Duration::from_secs(3600);
        let waits: Vec<u128> = (0..6)
            .map(|_| buckets.take(Family::Run, later).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 500]);
    }

    #[test]
    fn two_hundred_instances_take_as_long_as_the_limit_says() {
        let buckets = Buckets::new(1.0);
        let last = (0..200).map(|_| buckets.take(Family::Run, NOW)).max();
        assert_eq!(last, Some(Duration::from_millis(97_500)));
    }

    #[test]
    fn throttling_shuts_the_whole_family_and_no_other() {
        let buckets = Buckets::new(1.0);
        buckets.shut(Family::Mutate, NOW + Duration::from_secs(4));
        assert_eq!(buckets.take(Family::Mutate, NOW), Duration::from_secs(4));
        assert_eq!(buckets.take(Family::Describe, NOW), Duration::ZERO);
    }
}
