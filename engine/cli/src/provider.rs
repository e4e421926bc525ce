//! The world that a command acts on.

use std::sync::Arc;

use subako_engine::manifest::{Manifest, SimFault, SimFaultKind, SimTime};
use subako_engine::plan::Plan;
use subako_engine::session::{Rehearsing, Session};
use subako_providers::sim::{
    FaultEffect, FaultRule, Login, Pace, Rehearsals, SimError, SimOptions, Simulator,
};

use subako_engine::world::NextCommand;

use crate::args::RehearseArg;
use crate::error::{CliError, Result};
use crate::hint::Hint;
use crate::project::Project;
use crate::ui::Ui;

/// Larger plans are rehearsed only when that is asked for: it takes longer than the plan itself
/// (`cargo bench`, a tenth of a millisecond of processor time a step).
const MOST_REHEARSED: usize = 5_000;

/// A session, and the simulator under it if there is one.
pub struct Cluster {
    /// The session.
    pub session: Session,
    simulator: Option<Simulator>,
    #[cfg(all(feature = "aws", feature = "ssh"))]
    aws: Option<subako_providers::aws::AwsCloud>,
    /// Why Subako cannot log in to hosts.
    #[cfg(all(feature = "aws", feature = "ssh"))]
    no_hosts: Option<subako_engine::world::Failure>,
}

impl Cluster {
    /// Opens the world of a project. On the simulator nothing is written before something changes.
    pub async fn open(project: &Project) -> Result<Self> {
        if !project.is_simulated() {
            return aws(project).await;
        }
        let simulator = simulator(project)?;
        Ok(Self {
            session: project.planning()?.online(simulator.world())?,
            simulator: Some(simulator),
            #[cfg(all(feature = "aws", feature = "ssh"))]
            aws: None,
            #[cfg(all(feature = "aws", feature = "ssh"))]
            no_hosts: None,
        })
    }

    /// Asks AWS whether it would permit the plan's calls, without making any; an error names
    /// every permission that is missing.
    #[cfg(all(feature = "aws", feature = "ssh"))]
    pub async fn preflight(&self, plan: &Plan, ui: &Ui) -> Result<()> {
        match &self.aws {
            Some(cloud) => crate::preflight::report(cloud, self.session.planned_calls(plan)?, ui).await,
            None => Err(no_preflight()),
        }
    }

    /// Refuses a plan that cannot work, before anything is changed: one that logs in to hosts
    /// without a key, or (`preflight`) one that AWS would not permit, with every permission that
    /// is missing.
    #[cfg(all(feature = "aws", feature = "ssh"))]
    pub async fn guard(&self, plan: &Plan, preflight: bool) -> Result<()> {
        if let Some(failure) = &self.no_hosts
            && self.session.needs_hosts(plan)
        {
            return Err(CliError::from(failure.clone()).help(
                "nothing was changed: `private_key` under [ssh] names the key's file; without it the SSH agent's keys are used",
            ));
        }
        match &self.aws {
            Some(cloud) if preflight => {
                crate::preflight::guard(cloud, self.session.planned_calls(plan)?).await
            }
            _ => Ok(()),
        }
    }

    /// Without AWS nothing stands in the way.
    #[cfg(not(all(feature = "aws", feature = "ssh")))]
    pub async fn guard(&self, _plan: &Plan, _preflight: bool) -> Result<()> {
        Ok(())
    }

    /// Without AWS there is nobody to ask.
    #[cfg(not(all(feature = "aws", feature = "ssh")))]
    pub async fn preflight(&self, _plan: &Plan, _ui: &Ui) -> Result<()> {
        Err(no_preflight())
    }

    /// The same, whose plans are rehearsed, unless they are not to be.
    pub fn rehearsing(mut self, project: &Project, wanted: RehearseArg, parallelism: usize) -> Self {
        let rehearsing = match wanted.rehearse {
            Some(false) => Rehearsing::Off("--rehearse=false".to_owned()),
            wanted => Rehearsing::On {
                model: Arc::new(rehearsals(project)),
                most: (wanted != Some(true)).then_some(MOST_REHEARSED),
                parallelism,
            },
        };
        self.session = self.session.with_rehearsal(rehearsing);
        self
    }

    /// Puts the simulated world down in one file.
    pub fn close(self) -> Result<()> {
        match self.simulator {
            Some(simulator) => Ok(simulator.close()?),
            None => Ok(()),
        }
    }
}

fn no_preflight() -> CliError {
    CliError::new("only AWS has permissions to ask about").help("leave out `--preflight`")
}

/// Where the plans of a project are rehearsed: on the simulator, whatever they are for.
fn rehearsals(project: &Project) -> Rehearsals {
    let simulated = project.is_simulated();
    Rehearsals {
        seed: if simulated { project.manifest.sim.seed } else { 0 },
        login: login(&project.manifest),
        simulated,
    }
}

/// How hosts are logged in to.
fn login(manifest: &Manifest) -> Login {
    Login {
        port: manifest.ssh.port,
        private: manifest.ssh.dials_private(),
        registries: manifest.docker_config.is_some(),
    }
}

/// The simulated world of a project.
pub fn simulator(project: &Project) -> Result<Simulator> {
    let manifest = &project.manifest;
    let default = SimOptions::default();
    Ok(Simulator::open(SimOptions {
        seed: manifest.sim.seed,
        time: pace(manifest.sim.time),
        faults: manifest.sim.faults.iter().map(fault).collect(),
        region: manifest.aws.region.clone().unwrap_or(default.region),
        zones: manifest.aws.availability_zones.clone(),
        vpc: manifest.aws.vpc.clone(),
        subnets: manifest.aws.subnets.clone(),
        pinned: manifest
            .pools
            .iter()
            .flat_map(|pool| &pool.private_ips)
            .filter_map(|ip| ip.parse().ok())
            .collect(),
        login: login(manifest),
        world_file: Some(project.world_file.clone()),
    })?)
}

fn pace(time: SimTime) -> Pace {
    match time {
        SimTime::Instant => Pace::Instant,
        SimTime::Fast => Pace::Fast,
        SimTime::Real => Pace::Real,
    }
}

fn fault(line: &SimFault) -> FaultRule {
    FaultRule {
        call: line.call.clone(),
        nth: line.nth,
        times: line.times,
        effect: match &line.kind {
            SimFaultKind::Error(code) => FaultEffect::Error(code.clone()),
            SimFaultKind::TimeoutBeforeEffect => FaultEffect::TimeoutBeforeEffect,
            SimFaultKind::TimeoutAfterEffect => FaultEffect::TimeoutAfterEffect,
        },
    }
}

/// `[ssh]` and `[registry]` for the adapter.
#[cfg(all(feature = "aws", feature = "ssh"))]
fn ssh_options(manifest: &Manifest) -> subako_providers::ssh::SshOptions {
    use std::time::Duration;

    let ssh = &manifest.ssh;
    subako_providers::ssh::SshOptions {
        user: ssh.user.clone(),
        port: ssh.port,
        private_key: ssh.private_key.clone(),
        private: ssh.private,
        jump: ssh.jump.clone(),
        known_hosts: ssh.known_hosts.clone(),
        boot_timeout: Duration::from_secs(ssh.boot_timeout_s),
        command_timeout: Duration::from_secs(ssh.command_timeout_s),
        docker_config: manifest.docker_config.clone(),
        docker_socket: subako_providers::ssh::DOCKER_SOCKET.to_owned(),
    }
}

/// EC2, and its hosts over SSH.
#[cfg(all(feature = "aws", feature = "ssh"))]
async fn aws(project: &Project) -> Result<Cluster> {
    use std::io::{self, Write as _};
    use subako_engine::world::{Clock, Hosts, NoHosts, ScaledClock, World};
    use subako_providers::aws::{AwsOptions, CallRecord, connect};
    use subako_providers::ssh::SshHosts;

    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(1));
    let verbose = project.verbose;
    let log = move |record: CallRecord| {
        crate::calls::made(record.operation);
        if verbose {
            // Nobody can be told that stderr does not work.
            let _ = writeln!(io::stderr().lock(), "{}", crate::calls::attempt(record));
        }
    };
    let options = AwsOptions {
        log: Some(Arc::new(log)),
        region: project.manifest.aws.region.clone(),
        clock: Some(Arc::clone(&clock)),
        ..AwsOptions::default()
    };
    let hosts = SshHosts::new(ssh_options(&project.manifest), Arc::clone(&clock));
    let (hosts, no_hosts): (Arc<dyn Hosts>, _) = match hosts {
        Ok(hosts) => (Arc::new(hosts), None),
        Err(failure) => (Arc::new(NoHosts(failure.clone())), Some(failure)),
    };
    let cloud = connect(options).await?;
    let world = World {
        cloud: Arc::new(cloud.clone()),
        hosts,
        clock,
        vault: Default::default(),
    };
    Ok(Cluster {
        session: project.planning()?.online(world)?,
        simulator: None,
        aws: Some(cloud),
        no_hosts,
    })
}

/// Nothing, in a program built without AWS or without SSH.
#[cfg(not(all(feature = "aws", feature = "ssh")))]
async fn aws(_project: &Project) -> Result<Cluster> {
    Err(CliError::new("this program was built without AWS").help(
        "`--sim` rehearses the manifest on the simulator; built with its default features Subako has AWS",
    ))
}

impl From<SimError> for CliError {
    fn from(error: SimError) -> Self {
        let out = Self::new(error.to_string());
        match error {
            SimError::Corrupt { path, .. } => out.help(format!(
                "the simulated world was changed by something other than Subako: remove {} to begin with an empty one",
                path.parent().unwrap_or(&path).display()
            )),
            SimError::NotFound { .. } => out.help(Hint::run(NextCommand::Status, " lists what there is")),
            SimError::UnknownCall { .. } => out.help(
                Hint::from("see `call` under [sim] in the manifest's schema: ").then(NextCommand::Schema),
            ),
            SimError::Read { .. } | SimError::Write { .. } | SimError::Refused { .. } => out,
        }
    }
}
