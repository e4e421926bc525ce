//! Managers that say nothing at all.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use subako_engine::desired::DesiredSet;
use subako_engine::refresh::{Survey, SwarmSurvey};
use subako_engine::world::{Host, HostTarget, Hosts, Progress, Result, World};

use crate::bench::Bench;
use crate::manifest::sandbox;

/// Hosts of which some swallow everything.
struct Swallowing {
    hosts: Arc<dyn Hosts>,
    silent: &'static [&'static str],
}

#[async_trait]
impl Hosts for Swallowing {
    async fn connect(&self, target: &HostTarget, progress: &Progress) -> Result<Arc<dyn Host>> {
        self.hosts.connect(target, progress).await
    }

    async fn reach(&self, target: &HostTarget) -> Result<Arc<dyn Host>> {
        if self.silent.contains(&target.name.as_str()) {
            std::future::pending::<()>().await;
        }
        self.hosts.reach(target).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_survey_does_not_wait_for_silent_managers_while_another_answers() {
    let mut bench = Bench::new(vec![]);
    bench.apply(&sandbox()).await;
    let world = World {
        hosts: Arc::new(Swallowing {
            hosts: Arc::clone(&bench.world.hosts),
            silent: &["manager-0", "manager-1"],
        }),
        ..bench.world.clone()
    };
    let began = world.clock.now();
    let survey = Survey::take(&world, &bench.snapshot, &DesiredSet::default())
        .await
        .expect("a survey");
    let SwarmSurvey::Read(view) = &survey.swarm else {
        panic!("{:?}", survey.swarm);
    };
    assert_eq!(view.via, "manager-2");
    assert!(
        view.silent.iter().eq(["manager-0", "manager-1"]),
        "{:?}",
        view.silent
    );
    let took = world.clock.now() - began;
    assert!(took < Duration::from_secs(8), "{took:?}");
}
