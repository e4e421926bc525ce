//! How every call to the simulated world proceeds: its latency, its fate, its effect.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subako_world::{Clock, Code, Failure, Result, ScaledClock};

use super::faults::{Call, Faults, in_its_own_words, is_throttling};
use super::lows::Lows;
use super::model::{Decision, Effect, Model, Place};
use super::names::{Ms, host_key, span};
use super::options::{FaultEffect, Login, SimError};
use super::refusal::Refusal;
use super::store::Store;
use super::watch::{KillAt, ProgramRun, Watcher, moment};

/// A day of the world.
const DAY: Ms = 24 * 60 * 60 * 1000;
/// How long a caller waits for an answer that does not come.
const ANSWER_TIMEOUT: Ms = 10_000;
/// How often a throttled call is tried in all; the waits between double from one second.
const ATTEMPTS: u32 = 8;
/// The longest wait between two attempts.
const LONGEST_BACKOFF: Ms = 16_000;
/// How long an engine waits for its swarm to elect a leader.
const ELECTION_PATIENCE: Ms = 20_000;
/// What passes between two runs of the program at least.
const BETWEEN_RUNS: Ms = 600_000;
/// What passes after a change from outside until somebody looks.
const AFTER_OUTSIDE: Ms = 60_000;

/// A simulated world while it is open.
pub(crate) struct Inner {
    pub clock: ScaledClock,
    base: Ms,
    /// What of the world's time has passed beside the clock's.
    skipped: AtomicU64,
    pub place: Place,
    pub login: Login,
    /// Host keys that are not made from the seed, by instance: those of the world that this one is
    /// a model of.
    host_keys: BTreeMap<String, String>,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub model: Model,
    store: Store,
    pub(super) faults: Faults,
    pub(super) run: ProgramRun,
    pub(super) watcher: Option<Watcher>,
    /// The worst that is seen of its swarm, while a change is played in it.
    pub(super) lows: Option<Lows>,
    /// Whether it was changed from outside.
    touched: bool,
}

impl Inner {
    /// A world that runs `scale` times faster than real.
    pub fn new(
        place: Place,
        login: Login,
        scale: u32,
        (store, model): (Store, Model),
        faults: Faults,
    ) -> Self {
        let base = if model.now == 0 {
            0
        } else {
            model.now + BETWEEN_RUNS
        };
        Self {
            clock: ScaledClock::new(scale),
            base,
            skipped: AtomicU64::new(0),
            place,
            login,
            host_keys: BTreeMap::new(),
            state: Mutex::new(State::new(model, store, faults)),
        }
    }

    /// A world that a model was made of: nowhere written down, without faults, and watched for the
    /// worst.
    pub fn staged(model: Model, login: Login, host_keys: BTreeMap<String, String>) -> Self {
        let lows = Lows::of(&model, model.now);
        Self {
            clock: ScaledClock::new(1),
            base: model.now,
            skipped: AtomicU64::new(0),
            place: model.place.clone(),
            login,
            host_keys,
            state: Mutex::new(State {
                lows,
                ..State::new(model, Store::none(), Faults::none())
            }),
        }
    }

    /// The host key that a machine shows.
    pub fn host_key(&self, instance: &str) -> String {
        match self.host_keys.get(instance) {
            Some(key) => key.clone(),
            None => host_key(self.place.seed, instance),
        }
    }

    /// Writes the world as one file and removes the log, if this process changed anything.
    /// After a change from outside a minute passes first, so that its consequences can be seen.
    pub fn close(&self) -> std::result::Result<(), SimError> {
        let mut state = self.lock();
        let mut t = self.now(&state.model);
        if std::mem::take(&mut state.touched) {
            t += AFTER_OUTSIDE;
        }
        let State { model, store, .. } = &mut *state;
        if !store.has_changed() {
            return Ok(());
        }
        model.advance(t);
        model.forget(t);
        store.compact(model)
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world's own time; it never runs backwards, and moves on by a day at most between two
    /// looks: a clock that jumps would otherwise have years of events worked out at once.
    fn now(&self, model: &Model) -> Ms {
        let passed = u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX);
        let passed = passed.saturating_add(self.skipped.load(Ordering::Relaxed));
        let latest = model.now.max(self.base).saturating_add(DAY);
        self.base.saturating_add(passed).clamp(model.now, latest)
    }

    /// Reads the world as it is now. This is no call: nothing is counted, nothing fails.
    pub fn look<T>(&self, read: impl FnOnce(&Model, Ms) -> T) -> T {
        let mut state = self.lock();
        let t = self.now(&state.model);
        state.advance(t);
        read(&state.model, t)
    }

    /// Waits `ms` of the world's time.
    pub async fn sleep(&self, ms: Ms) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    /// Waits until the world's time is `t`.
    pub async fn sleep_until(&self, t: Ms) {
        let now = self.look(|_, now| now);
        if t > now {
            self.sleep(t - now).await;
        }
    }

    /// A call that only reads.
    pub async fn read<T>(
        &self,
        call: Call,
        read: impl Fn(&Model, Ms) -> std::result::Result<T, Refusal> + Send + Sync,
    ) -> Result<T> {
        self.perform(call, |model, t| Ok((None, read(model, t)?))).await
    }

    /// A call: its latency, its fate by the fault table, its decision, its effect. Throttling is
    /// waited out, and so is an election, as the real adapters do.
    pub async fn perform<T>(
        &self,
        call: Call,
        decide: impl Fn(&Model, Ms) -> Decision<T> + Send + Sync,
    ) -> Result<T> {
        let object = call.objects.first().map_or("", String::as_str);
        let latency = span(self.place.seed, 40, 120, &["latency", call.name, object]);
        let number = self.lock().run.arrive();
        let mut attempt = 1;
        let fate = loop {
            let fate = self.lock().faults.arrive(&call);
            self.sleep(latency).await;
            match fate {
                Some(FaultEffect::Error(code)) if is_throttling(&code) && attempt < ATTEMPTS => {
                    self.sleep((1_000 << (attempt - 1)).min(LONGEST_BACKOFF)).await;
                    attempt += 1;
                }
                fate => break fate,
            }
        };
        self.outlive(KillAt::Before(number)).await;
        let answer = match fate {
            Some(FaultEffect::Error(code)) => Err(in_its_own_words(&code, &call).failure(&call.doing)),
            Some(FaultEffect::TimeoutBeforeEffect) => Err(self.silence(&call).await),
            Some(FaultEffect::TimeoutAfterEffect) => {
                // The answer is lost, whatever it was.
                let _lost = self.decided(&call, &decide).await;
                Err(self.silence(&call).await)
            }
            None => self.decided(&call, &decide).await,
        };
        self.outlive(KillAt::After(number)).await;
        answer
    }

    async fn decided<T>(
        &self,
        call: &Call,
        decide: &(impl Fn(&Model, Ms) -> Decision<T> + Send + Sync),
    ) -> Result<T> {
        let patience = self.look(|_, t| t) + ELECTION_PATIENCE;
        loop {
            self.while_alive().await;
            let (outcome, t) = self.decide_once(call, decide);
            match outcome {
                Err(Stop::Refused(refusal)) => match refusal.retry_at.filter(|at| *at <= patience) {
                    Some(at) => self.sleep(at.saturating_sub(t).max(1)).await,
                    None => return Err(refusal.failure(&call.doing)),
                },
                Err(Stop::Failed(failure)) => return Err(failure),
                Ok(answer) => return Ok(answer),
            }
        }
    }

    fn decide_once<T>(
        &self,
        call: &Call,
        decide: &impl Fn(&Model, Ms) -> Decision<T>,
    ) -> (std::result::Result<T, Stop>, Ms) {
        let mut state = self.lock();
        let t = self.now(&state.model);
        state.advance(t);
        let outcome = match decide(&state.model, t) {
            Err(refusal) => Err(Stop::Refused(refusal)),
            Ok((None, answer)) => Ok(answer),
            Ok((Some(effect), answer)) => match state.commit(t, effect) {
                Ok(()) => Ok(answer),
                Err(error) => {
                    let failure = Failure::not_applied(call.doing.clone(), error.to_string());
                    Err(Stop::Failed(failure.with_hint(
                        "free some space, or check the directory's permissions",
                    )))
                }
            },
        };
        (outcome, t)
    }

    /// No answer within the caller's patience. A call that only reads has changed nothing.
    async fn silence(&self, call: &Call) -> Failure {
        self.sleep(ANSWER_TIMEOUT).await;
        let message = format!("no answer within {} s", ANSWER_TIMEOUT / 1_000);
        let failure = if call.mutates() {
            Failure::unknown(call.doing.clone(), message)
        } else {
            Failure::not_applied(call.doing.clone(), message)
        };
        failure.with_code(Code::Timeout)
    }

    /// Goes on, unless the run is dead by this point: then never.
    async fn outlive(&self, point: KillAt) {
        if self.lock().run.is_dead_at(point) {
            pending::<()>().await;
        }
    }

    /// Never, if the run is dead.
    async fn while_alive(&self) {
        if self.lock().run.is_dead() {
            pending::<()>().await;
        }
    }

    /// Lets so much of the world's time pass at once, for nobody who waits.
    pub fn pass(&self, time: Ms) -> std::result::Result<(), SimError> {
        let until = self.look(|_, now| now).saturating_add(time);
        loop {
            let now = self.look(|_, now| now);
            let step = until.saturating_sub(now).min(DAY);
            if step == 0 {
                return Ok(());
            }
            self.skipped.fetch_add(step, Ordering::Relaxed);
            self.tamper("let time pass", |_, _| Ok(Some(Effect::Pass)))?;
        }
    }

    /// A change from outside, past the fault table and the count of calls.
    pub fn tamper(
        &self,
        doing: &str,
        decide: impl FnOnce(&Model, Ms) -> std::result::Result<Option<Effect>, SimError>,
    ) -> std::result::Result<(), SimError> {
        let mut state = self.lock();
        let t = self.now(&state.model);
        state.advance(t);
        let Some(effect) = decide(&state.model, t)? else {
            return Ok(());
        };
        state.touched = true;
        state.commit(t, effect).map_err(|error| match error {
            SimError::Write { .. } => error,
            other => SimError::Refused {
                doing: doing.to_owned(),
                message: other.to_string(),
            },
        })
    }
}

/// Why a call has no answer.
enum Stop {
    Refused(Refusal),
    Failed(Failure),
}

impl State {
    fn new(model: Model, store: Store, faults: Faults) -> Self {
        Self {
            model,
            store,
            faults,
            run: ProgramRun::default(),
            watcher: None,
            lows: None,
            touched: false,
        }
    }

    /// Lets everything happen that is due by `t`, for whoever watches.
    fn advance(&mut self, t: Ms) {
        let Self {
            model, watcher, lows, ..
        } = self;
        model.advance_with(t, |model, at| {
            if let Some(watcher) = watcher {
                watcher(&moment(model, at));
            }
            if let Some(lows) = lows {
                lows.see(model, at);
            }
        });
    }

    /// Writes a change down, then makes it.
    fn commit(&mut self, t: Ms, effect: Effect) -> std::result::Result<(), SimError> {
        self.store.append(t, &effect)?;
        self.model.apply(t, effect);
        if let Some(watcher) = &self.watcher {
            watcher(&moment(&self.model, t));
        }
        if let Some(lows) = &mut self.lows {
            lows.see(&self.model, t);
        }
        Ok(())
    }
}
