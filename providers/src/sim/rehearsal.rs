//! A change is played in a model of the world as it was read: on a thread and a runtime of its own,
//! in virtual time, and without a file.

use std::time::Duration;

use subako_world::{Play, Rehearse, Scene, Seen};

use super::lows::Lows;
use super::options::Login;
use super::simulator::Simulator;

/// What is played longer than this, in the model's time, does not end.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// What no model knows.
const NOT_MODELLED: [&str; 4] = [
    "quotas, and what EC2 has in stock",
    "addresses that others hold in the subnets",
    "images that a node has pulled before",
    "what changes while the plan is applied",
];
/// What the model does not know of a world that is not simulated.
const NOT_MODELLED_OF_REAL: [&str; 3] = [
    "what the programs in images do, and how long an image takes to pull",
    "permissions of the credentials",
    "how long real machines and managers take",
];

/// Plays changes on the simulator.
#[derive(Debug, Clone)]
pub struct Rehearsals {
    /// Decides durations.
    pub seed: u64,
    /// How the caller logs in to machines.
    pub login: Login,
    /// Whether the world that is acted on is a simulated one too: what its images and types are is
    /// known then.
    pub simulated: bool,
}

impl Rehearse for Rehearsals {
    fn rehearse(&self, scene: &Scene, play: Play<'_>) -> Result<Seen, String> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("rehearsal".to_owned());
            let played = thread
                .spawn_scoped(scope, || self.play(scene, play))
                .map_err(|error| format!("failed to start a thread: {error}"))?;
            played
                .join()
                .unwrap_or_else(|_| Err("the model failed (this is a bug)".to_owned()))
        })
    }
}

impl Rehearsals {
    fn play(&self, scene: &Scene, play: Play<'_>) -> Result<Seen, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(|error| format!("failed to start a runtime: {error}"))?;
        runtime.block_on(async {
            let mut assumed = Vec::new();
            let sim = Simulator::staged(scene, self.seed, self.login, self.simulated, &mut assumed);
            let begun = tokio::time::Instant::now();
            tokio::time::timeout(LONGEST, play(sim.world()))
                .await
                .map_err(|_| {
                    format!(
                        "it did not end within {} h of the model's time",
                        LONGEST.as_secs() / 3_600
                    )
                })?;
            let took = begun.elapsed();
            let (quorum, services, ports) = sim.lows().unwrap_or_default();
            let not_modelled = NOT_MODELLED.iter();
            let real = NOT_MODELLED_OF_REAL.iter().filter(|_| !self.simulated);
            Ok(Seen {
                took,
                quorum,
                services,
                ports,
                assumed,
                not_modelled: not_modelled
                    .chain(real)
                    .map(|clause| (*clause).to_owned())
                    .collect(),
            })
        })
    }
}

impl Simulator {
    /// What was seen of the swarm that was there at the beginning, if it is still there.
    #[expect(clippy::type_complexity, reason = "a triple that is taken apart at once")]
    fn lows(
        &self,
    ) -> Option<(
        Option<(usize, usize)>,
        Vec<subako_world::ServiceSeen>,
        Vec<subako_world::PortSeen>,
    )> {
        let lows: Lows = self.inner.lock().lows.take()?;
        self.inner.look(|model, t| lows.end(model, t))
    }
}
