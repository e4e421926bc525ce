//! Time as a seam: real, scaled, or virtual.

use std::time::Duration;

use async_trait::async_trait;

/// The only source of time for kinds, the executor and the adapters.
///
/// Virtual time is tokio's paused clock: sleeps return as soon as every task waits, and `now`
/// jumps. Nothing else may read a clock while a run is going on.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Time since an arbitrary start, in the world's own time (scaled, if the world is).
    fn now(&self) -> Duration;
    /// Waits for `duration` of the world's own time.
    async fn sleep(&self, duration: Duration);
}

/// The tokio clock, with the world's time running `scale` times faster than the process's.
///
/// `scale` 1 is real time. With tokio's clock paused it is virtual time, whatever the scale.
#[derive(Debug, Clone)]
pub struct ScaledClock {
    start: tokio::time::Instant,
    scale: u32,
}

impl ScaledClock {
    /// A clock that starts at zero now; `scale` 0 counts as 1.
    pub fn new(scale: u32) -> Self {
        Self {
            start: tokio::time::Instant::now(),
            scale: scale.max(1),
        }
    }
}

#[async_trait]
impl Clock for ScaledClock {
    fn now(&self) -> Duration {
        self.start.elapsed().saturating_mul(self.scale)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.scale).await;
    }
}
