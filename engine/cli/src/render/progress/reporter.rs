//! Where a run's events go.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use subako_engine::display::Display;
use subako_engine::event::{Event, Events};
use subako_engine::plan::Plan;
use subako_engine::world::Clock;

use super::json::JsonLines;
use super::lines::Lines;
use super::live::Live;
use super::log::RunLog;
use crate::ui::Ui;

/// The region is redrawn so often.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// How a run is shown.
pub enum How<'a> {
    /// One JSON object a line.
    Json,
    /// For people: a live region on a terminal, lines elsewhere.
    Text {
        /// The plan that is run, where it is known: the estimate is made from it.
        plan: Option<&'a Plan>,
        /// How many steps may be in flight.
        parallelism: usize,
        /// The world's clock; `None` if its time is virtual.
        clock: Option<Arc<dyn Clock>>,
    },
}

enum View {
    Json(JsonLines),
    Plain(Lines),
    Live(Box<Live>),
}

struct Shared {
    view: View,
    log: RunLog,
}

/// Shows one run and takes notes of it.
pub struct Reporter {
    shared: Arc<Mutex<Shared>>,
    over: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Reporter {
    /// Begins to show a run.
    pub fn start(ui: &Ui, kinds: &Display, how: How<'_>) -> Self {
        let view = match how {
            How::Json => View::Json(JsonLines::default()),
            How::Text {
                plan,
                parallelism,
                clock,
            } if ui.live => View::Live(Box::new(Live::new(
                plan,
                parallelism,
                ui.err,
                ui.verbose,
                ui.width(),
                clock,
            ))),
            How::Text { .. } => View::Plain(Lines::new(ui.err, ui.verbose)),
        };
        let live = matches!(view, View::Live(_));
        let shared = Arc::new(Mutex::new(Shared {
            view,
            log: RunLog::of(kinds),
        }));
        let over = Arc::new(AtomicBool::new(false));
        let ticker = live.then(|| ticker(Arc::clone(&shared), Arc::clone(&over)));
        Self { shared, over, ticker }
    }

    /// Where the run sends its events.
    pub fn events(&self) -> Events {
        let shared = Arc::clone(&self.shared);
        Events::new(move |event| lock(&shared).take(&event))
    }

    /// Says something that is not an event; not to those who read JSON.
    pub fn say(&self, text: &str) {
        match &mut lock(&self.shared).view {
            View::Json(_) => {}
            View::Plain(_) => write_line(text),
            View::Live(live) => live.say(text),
        }
    }

    /// Ends the showing, and tells what happened.
    pub fn finish(self) -> RunLog {
        self.over.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker {
            // It only draws: if it panicked, there is nothing to be saved.
            let _ = ticker.join();
        }
        let mut shared = lock(&self.shared);
        match &mut shared.view {
            View::Live(live) => live.finish(),
            View::Json(json) => {
                let failed = json.failed.take().map(|error| error.to_string());
                shared.log.unwritten = failed;
            }
            View::Plain(_) => {}
        }
        shared.log.clone()
    }
}

impl Shared {
    fn take(&mut self, event: &Event) {
        self.log.note(event);
        match &mut self.view {
            View::Json(json) => json.write(event),
            View::Plain(lines) => {
                if let Some(line) = lines.line(event, false) {
                    write_line(&line);
                }
            }
            View::Live(live) => live.event(event),
        }
    }
}

fn write_line(line: &str) {
    // Nobody can be told that stderr does not work; the run goes on.
    let _ = std::io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread of its own, because the run may keep its thread busy.
fn ticker(shared: Arc<Mutex<Shared>>, over: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            if let View::Live(live) = &mut lock(&shared).view {
                live.tick();
            }
            std::thread::sleep(REDRAW_EVERY);
        }
    })
}
