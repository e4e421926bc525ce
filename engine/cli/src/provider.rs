//! The world that a command acts on.

use subako_engine::kinds;
use subako_engine::session::Session;
use subako_engine::world::World;
use subako_providers::sim::{SimError, SimOptions, Simulator};

use crate::error::{CliError, Result};
use crate::project::Project;

/// A session, and the simulator under it if there is one.
pub struct Cluster {
    /// The session.
    pub session: Session,
    simulator: Option<Simulator>,
}

impl Cluster {
    /// Opens the world of a project. On the simulator nothing is written before something changes.
    pub async fn open(project: &Project) -> Result<Self> {
        let (world, simulator) = if project.is_simulated() {
            let simulator = simulator(project)?;
            (simulator.world(), Some(simulator))
        } else {
            (aws(project).await?, None)
        };
        let session = Session::new(
            project.manifest.clone(),
            project.provider,
            project.store.clone(),
            kinds::registry(),
            world,
        );
        Ok(Self { session, simulator })
    }

    /// Puts the simulated world down in one file.
    pub fn close(self) -> Result<()> {
        match self.simulator {
            Some(simulator) => Ok(simulator.close()?),
            None => Ok(()),
        }
    }
}

/// The simulated world of a project.
pub fn simulator(project: &Project) -> Result<Simulator> {
    let manifest = &project.manifest;
    let default = SimOptions::default();
    Ok(Simulator::open(SimOptions {
        seed: manifest.sim.seed,
        time: manifest.sim.time,
        faults: manifest.sim.faults.clone(),
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
        world_file: Some(project.store.directory().join("world.json")),
    })?)
}

/// EC2, and its hosts over SSH.
#[cfg(all(feature = "aws", feature = "ssh"))]
async fn aws(project: &Project) -> Result<World> {
    use std::sync::Arc;

    use subako_engine::world::{Clock, ScaledClock};
    use subako_providers::aws::{AwsOptions, connect};
    use subako_providers::ssh::{SshHosts, SshOptions};

    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(1));
    let options = AwsOptions {
        region: project.manifest.aws.region.clone(),
        clock: Some(Arc::clone(&clock)),
        ..AwsOptions::default()
    };
    let hosts = SshHosts::new(SshOptions::from(&project.manifest.ssh), Arc::clone(&clock))?;
    Ok(World {
        cloud: Arc::new(connect(options).await?),
        hosts: Arc::new(hosts),
        clock,
    })
}

/// Nothing, in a program built without AWS or without SSH.
#[cfg(not(all(feature = "aws", feature = "ssh")))]
async fn aws(_project: &Project) -> Result<World> {
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
            SimError::NotFound { .. } => out.help("`subako status` lists what there is"),
            SimError::UnknownCall { .. } => out.help("see `call` under [sim] in the manifest's schema (`subako schema`)"),
            SimError::Read { .. } | SimError::Write { .. } | SimError::Refused { .. } => out,
        }
    }
}
