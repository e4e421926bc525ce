//! Requests without a pause, and what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::bench::get_within;

/// How many ask each address: one that waits for a task that has just died keeps no other from
/// seeing that the rest answer.
const ASKERS: usize = 3;
/// Between two requests of one of them.
const PAUSE: Duration = Duration::from_millis(50);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest time without any answer at which nobody would say that the service was away.
const BLINK: Duration = Duration::from_secs(1);

/// What came of the requests.
#[derive(Debug, Default)]
pub struct Served {
    pub requests: usize,
    /// When, seconds since the beginning, and why.
    pub failed: Vec<(f64, String)>,
    /// The longest time without one good answer from anywhere.
    pub gap: Duration,
}

struct One {
    at: Instant,
    error: Option<String>,
}

/// Threads for each address ask again and again until `stop`.
pub struct Load {
    began: Instant,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<One>>>,
}

impl Load {
    pub fn on(addresses: &[String]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let threads = addresses
            .iter()
            .flat_map(|address| std::iter::repeat_n(address, ASKERS))
            .map(|address| {
                let (address, over) = (address.clone(), Arc::clone(&over));
                std::thread::spawn(move || ask(&[address], 0, 1, &over))
            })
            .collect();
        Self {
            began: Instant::now(),
            over,
            threads,
        }
    }

    /// As `on`, by clients who ask another address where one does not answer.
    pub fn balanced(addresses: &[String]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let threads = (0..addresses.len() * ASKERS)
            .map(|first| {
                let (addresses, over) = (addresses.to_vec(), Arc::clone(&over));
                std::thread::spawn(move || ask(&addresses, first, 2, &over))
            })
            .collect();
        Self {
            began: Instant::now(),
            over,
            threads,
        }
    }

    /// Ends it; says and gives what came of it.
    pub fn stop(mut self, during: &str) -> Served {
        let all = self.end();
        let mut served = Served {
            requests: all.len(),
            ..Served::default()
        };
        let mut last = self.began;
        for one in all {
            match one.error {
                None => {
                    served.gap = served.gap.max(one.at.saturating_duration_since(last));
                    last = one.at;
                }
                Some(error) => {
                    let at = one.at.saturating_duration_since(self.began);
                    served.failed.push((at.as_secs_f64(), error));
                }
            }
        }
        served.gap = served.gap.max(last.elapsed());
        eprintln!(
            "         {} requests during {during}, {} failed; {:.2} s the longest time without an answer",
            served.requests,
            served.failed.len(),
            served.gap.as_secs_f64()
        );
        for (at, error) in served.failed.iter().take(5) {
            eprintln!("         after {at:.1} s: {error}");
        }
        served
    }

    fn end(&mut self) -> Vec<One> {
        self.over.store(true, Ordering::Relaxed);
        let ended = self.threads.drain(..).map(|thread| thread.join().expect("asked"));
        let mut all: Vec<One> = ended.flatten().collect();
        all.sort_by_key(|one| one.at);
        all
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Served {
    #[track_caller]
    pub fn none_failed(&self) -> &Self {
        assert!(self.requests > 0, "nothing was asked");
        assert!(self.failed.is_empty(), "requests failed: {self:#?}");
        self
    }

    /// There was always somebody to answer.
    #[track_caller]
    pub fn always(&self) -> &Self {
        assert!(self.requests > 0, "nothing was asked");
        assert!(self.gap < BLINK, "nobody answered for {:?}: {self:#?}", self.gap);
        self
    }
}

/// Asks again and again, each time so many addresses at most until one answers.
fn ask(addresses: &[String], first: usize, tries: usize, over: &AtomicBool) -> Vec<One> {
    let mut all = Vec::new();
    let mut next = addresses.iter().cycle().skip(first % addresses.len().max(1));
    while !over.load(Ordering::Relaxed) {
        let mut error = None;
        for address in next.by_ref().take(tries) {
            error = get_within(address, PATIENCE)
                .err()
                .map(|error| format!("{address}: {error}"));
            if error.is_none() {
                break;
            }
        }
        all.push(One {
            at: Instant::now(),
            error,
        });
        std::thread::sleep(PAUSE);
    }
    all
}
