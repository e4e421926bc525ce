//! How long a run will still take.
//!
//! What remains is weighed by the mean of the durations seen in this run, a mean for each kind
//! and action. The estimate is the longer of two: the critical path of what remains, and all of
//! it shared out among as many as may be in flight. It is complete once each kind and action on
//! what remains has been seen; before that it is the least that is left.

use std::collections::BTreeMap;

use subako_engine::plan::{Action, Plan};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    /// Since when, milliseconds of the run.
    Running(u64),
    Done,
}

/// What is left of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Milliseconds.
    pub ms: u64,
    /// Whether everything that remains has been seen before; otherwise it is at least so much.
    pub complete: bool,
}

/// The estimate of one run.
#[derive(Debug)]
pub struct Eta {
    /// What each node (steps, then gates) waits for.
    after: Vec<Vec<u32>>,
    /// Steps first and gates in between: an order in which each comes after what it waits for.
    order: Vec<u32>,
    /// The class of each step; gates have none.
    classes: Vec<usize>,
    /// Sum of durations and their number, by class.
    seen: Vec<(u64, u64)>,
    stages: Vec<Stage>,
    parallelism: u64,
}

impl Eta {
    /// The estimate of a plan that has not begun.
    pub fn new(plan: &Plan, parallelism: usize) -> Self {
        let mut classes: BTreeMap<(&str, Action), usize> = BTreeMap::new();
        let of_steps = plan
            .steps
            .iter()
            .map(|step| {
                let next = classes.len();
                *classes
                    .entry((step.address.kind(), step.action()))
                    .or_insert(next)
            })
            .collect();
        let after: Vec<Vec<u32>> = (0..plan.nodes()).map(|node| plan.after(node).to_vec()).collect();
        Self {
            order: order(&after),
            after,
            classes: of_steps,
            seen: vec![(0, 0); classes.len()],
            stages: vec![Stage::Waiting; plan.steps.len()],
            parallelism: parallelism.max(1) as u64,
        }
    }

    /// A step began.
    pub fn started(&mut self, step: u32, at_ms: u64) {
        if let Some(stage) = self.stages.get_mut(step as usize) {
            *stage = Stage::Running(at_ms);
        }
    }

    /// A step is done.
    pub fn done(&mut self, step: u32, took_ms: u64) {
        let Some(stage) = self.stages.get_mut(step as usize) else {
            return;
        };
        *stage = Stage::Done;
        let (sum, count) = &mut self.seen[self.classes[step as usize]];
        *sum += took_ms;
        *count += 1;
    }

    /// What is left at `now_ms`; `None` as long as nothing is known about it.
    pub fn left(&self, now_ms: u64) -> Option<Left> {
        let mut finish = vec![0_u64; self.after.len()];
        let (mut path, mut work, mut complete) = (0, 0, true);
        for node in &self.order {
            let node = *node as usize;
            let ready = self.after[node]
                .iter()
                .map(|before| finish[*before as usize])
                .max()
                .unwrap_or(0);
            let own = match self.stages.get(node) {
                None | Some(Stage::Done) => 0,
                Some(stage) => match (self.mean(node), stage) {
                    (None, _) => {
                        complete = false;
                        0
                    }
                    (Some(mean), Stage::Running(since)) => mean.saturating_sub(now_ms.saturating_sub(*since)),
                    (Some(mean), _) => mean,
                },
            };
            work += own;
            finish[node] = ready + own;
            path = path.max(finish[node]);
        }
        let ms = path.max(work / self.parallelism);
        (complete || ms > 0).then_some(Left { ms, complete })
    }

    fn mean(&self, step: usize) -> Option<u64> {
        let (sum, count) = self.seen[self.classes[step]];
        (count > 0).then(|| sum / count)
    }
}

/// Kahn's algorithm; a plan is acyclic.
fn order(after: &[Vec<u32>]) -> Vec<u32> {
    let mut next: Vec<Vec<u32>> = vec![Vec::new(); after.len()];
    let mut waiting: Vec<usize> = after.iter().map(Vec::len).collect();
    for (node, before) in after.iter().enumerate() {
        for from in before {
            next[*from as usize].push(node as u32);
        }
    }
    let mut order: Vec<u32> = (0..after.len() as u32)
        .filter(|node| waiting[*node as usize] == 0)
        .collect();
    let mut at = 0;
    while let Some(node) = order.get(at).copied() {
        at += 1;
        for to in &next[node as usize] {
            waiting[*to as usize] -= 1;
            if waiting[*to as usize] == 0 {
                order.push(*to);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// instance.a, instance.b (both wait for nothing), docker.a after instance.a, docker.b after instance.b.
    fn eta(parallelism: usize) -> Eta {
        let plan = samples::plan(vec![
            samples::create("instance.a", &[]),
            samples::create("instance.b", &[]),
            samples::create("docker.a", &[0]),
            samples::create("docker.b", &[1]),
        ]);
        Eta::new(&plan, parallelism)
    }

    fn about(ms: u64) -> Option<Left> {
        Some(Left { ms, complete: true })
    }

    #[test]
    fn nothing_is_promised_before_every_kind_was_seen() {
        let mut eta = eta(2);
        assert_eq!(eta.left(0), None);
        eta.started(0, 0);
        eta.done(0, 1_000);
        let at_least = Left {
            ms: 1_000,
            complete: false,
        };
        assert_eq!(eta.left(1_000), Some(at_least), "no docker was seen yet");
        eta.started(2, 1_000);
        eta.done(2, 500);
        assert_eq!(eta.left(1_500), about(1_500));
    }

    #[test]
    fn what_is_in_flight_counts_only_for_the_rest_of_its_time() {
        let mut eta = eta(2);
        eta.done(0, 1_000);
        eta.done(2, 500);
        eta.started(1, 2_000);
        assert_eq!(eta.left(2_400), about(600 + 500));
        assert_eq!(
            eta.left(9_000),
            about(500),
            "an instance that is late is due at once"
        );
    }

    #[test]
    fn few_hands_take_longer_than_the_critical_path() {
        let mut plan = vec![samples::create("toy.first", &[])];
        plan.extend((0..10).map(|n| samples::create(&format!("toy.t-{n}"), &[])));
        let mut eta = Eta::new(&samples::plan(plan), 2);
        eta.done(0, 100);
        assert_eq!(eta.left(0), about(500));
    }

    #[test]
    fn everything_done_leaves_nothing() {
        let mut eta = eta(1);
        for step in 0..4 {
            eta.done(step, 10);
        }
        assert_eq!(eta.left(40), about(0));
    }
}
