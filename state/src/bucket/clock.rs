//! Time as leases need it: it goes on while the machine sleeps, and nobody sets it.

use std::fmt;
use std::time::Duration;

/// A clock that only goes forward.
pub trait Ticks: fmt::Debug + Send + Sync {
    /// The time since some fixed moment of this machine.
    fn now(&self) -> Duration;

    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The machine's own: `CLOCK_BOOTTIME` where there is one, so that a laptop that slept knows it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SinceBoot;

impl Ticks for SinceBoot {
    fn now(&self) -> Duration {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = rustix::time::ClockId::Boottime;
        // Elsewhere this one goes on through a sleep (macOS) or is the best there is.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = rustix::time::ClockId::Monotonic;
        let now = rustix::time::clock_gettime(clock);
        Duration::new(
            u64::try_from(now.tv_sec).unwrap_or(0),
            u32::try_from(now.tv_nsec).unwrap_or(0),
        )
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
