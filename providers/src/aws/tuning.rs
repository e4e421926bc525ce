//! How patient the adapter is.

use std::time::Duration;

/// Deadlines, paces and numbers of tries. The default suits AWS; [`Tuning::local`] suits an EC2
/// API on the same machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long one attempt at a call may take.
    pub attempt_timeout: Duration,
    /// How long one operation may take with its retries, throttling and pacing apart.
    pub operation_deadline: Duration,
    /// How long an operation that is throttled again and again goes on trying.
    pub throttle_deadline: Duration,
    /// How many times an operation is attempted, throttled attempts apart.
    pub attempts: u32,
    /// The wait before the first retry; it doubles from one to the next.
    pub first_backoff: Duration,
    /// The longest wait before a retry.
    pub max_backoff: Duration,
    /// By how much EC2's published limits are multiplied.
    pub rate: f64,
    /// The waits before each look for something that must be there but is not shown yet.
    pub looks: Vec<Duration>,
    /// How long a new object that EC2 does not show is still believed in.
    pub newborn: Duration,
    /// How long an instance that runs may be without the public address that it is to have.
    pub address: Duration,
    /// The wait before the first look at instances that somebody waits for.
    pub first_look: Duration,
    /// The wait between two looks while something changes.
    pub tick: Duration,
    /// The wait between two looks when nothing has changed for a while.
    pub slowest_tick: Duration,
    /// How long an instance may take to get into a state.
    pub instance_deadline: Duration,
    /// How long a terminate call waits for others to go with it.
    pub gather: Duration,
}

/// Whether an endpoint's URL leads to this machine.
pub(super) fn is_local(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    let local = ["localhost", "127.", "[::1]"];
    local.iter().any(|start| host.starts_with(start))
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(30),
            operation_deadline: Duration::from_secs(180),
            throttle_deadline: Duration::from_secs(900),
            attempts: 6,
            first_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(20),
            rate: 1.0,
            looks: [0, 1, 2, 4].map(Duration::from_secs).to_vec(),
            newborn: Duration::from_secs(60),
            address: Duration::from_secs(30),
            first_look: Duration::from_millis(250),
            tick: Duration::from_secs(2),
            slowest_tick: Duration::from_secs(5),
            instance_deadline: Duration::from_secs(600),
            gather: Duration::from_millis(10),
        }
    }
}

impl Tuning {
    /// For an EC2 API on the same machine, whose objects change at once: the same number of tries,
    /// short waits, no pacing, and an attempt is given up sooner.
    pub fn local() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(10),
            first_backoff: Duration::from_millis(10),
            max_backoff: Duration::from_millis(200),
            rate: 1000.0,
            looks: [0, 10].map(Duration::from_millis).to_vec(),
            newborn: Duration::from_secs(2),
            address: Duration::from_secs(2),
            first_look: Duration::from_millis(5),
            tick: Duration::from_millis(20),
            slowest_tick: Duration::from_millis(500),
            gather: Duration::from_millis(5),
            ..Self::default()
        }
    }

    /// What suits an endpoint: `local` for one on this machine, the default for AWS's and others.
    pub fn for_endpoint(endpoint: Option<&str>) -> Self {
        match endpoint.is_some_and(is_local) {
            true => Self::local(),
            false => Self::default(),
        }
    }

    /// The wait before retry number `retry`, from 1.
    pub(super) fn backoff(&self, retry: u32) -> Duration {
        self.first_backoff
            .saturating_mul(1_u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX))
            .min(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_endpoint_on_this_machine_is_hurried() {
        let local = |url: &str| Tuning::for_endpoint(Some(url)) == Tuning::local();
        assert!(local("http://127.0.0.1:5000") && local("http://localhost:5000/"));
        assert!(!local("https://ec2.eu-west-1.amazonaws.com"));
        assert_eq!(Tuning::for_endpoint(None), Tuning::default());
    }

    #[test]
    fn the_backoff_doubles_up_to_its_limit() {
        let tuning = Tuning::default();
        let waits: Vec<u64> = (1..=8).map(|n| tuning.backoff(n).as_millis() as u64).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
        assert_eq!(tuning.backoff(u32::MAX), Duration::from_secs(20));
    }
}
