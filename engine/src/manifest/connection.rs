//! How a cluster is reached: what of a manifest is recorded, so that commands that only look or
//! repair need none.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::model::{
    Aws, Cluster, Docker, Manifest, Provider, SecurityGroup, Sim, SimTime, Ssh, StateBackend, SwarmSettings,
};
use super::{Lines, check};
use crate::money::Prices;
use crate::world::SSH_PORT;

/// The version of its form.
const FORMAT: u32 = 1;

/// `[aws]`, `[ssh]`, `[registry]` and what decides how the simulator's time runs. Paths of keys and
/// of logins stand in it, never what those files contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    format_version: u32,
    account: Option<String>,
    region: Option<String>,
    availability_zones: Vec<String>,
    vpc: Option<String>,
    subnets: Vec<String>,
    ssh: Login,
    docker_config: Option<PathBuf>,
    sim: Simulated,
}

/// `[ssh]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: String,
    port: u16,
    private_key: Option<PathBuf>,
    private: bool,
    jump: Option<String>,
    known_hosts: Option<PathBuf>,
    boot_timeout_s: u64,
    command_timeout_s: u64,
}

/// `[sim]` without its faults, which are for one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Simulated {
    seed: u64,
    time: SimTime,
}

/// Why a recorded connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadConnection {
    /// It is not what was written.
    #[error("it is not what Subako wrote ({0})")]
    Content(#[from] serde_json::Error),
    /// It was written by a newer program.
    #[error("it has format {0}, and this program knows format {FORMAT} only")]
    Format(u32),
}

impl Connection {
    /// That of a cluster of which only the state is looked at.
    fn unknown() -> Self {
        Self {
            format_version: FORMAT,
            account: None,
            region: None,
            availability_zones: Vec::new(),
            vpc: None,
            subnets: Vec::new(),
            ssh: Login {
                user: String::new(),
                port: SSH_PORT,
                private_key: None,
                private: false,
                jump: None,
                known_hosts: None,
                boot_timeout_s: 0,
                command_timeout_s: 0,
            },
            docker_config: None,
            sim: Simulated {
                seed: 0,
                time: SimTime::default(),
            },
        }
    }

    /// How the manifest's cluster is reached. `paths` writes a path so that it means the same
    /// wherever the program is started.
    pub fn of(manifest: &Manifest, paths: impl Fn(&Path) -> PathBuf) -> Self {
        let (aws, ssh) = (manifest.aws.clone(), manifest.ssh.clone());
        let path = |path: &Option<PathBuf>| path.as_deref().map(&paths);
        Self {
            format_version: FORMAT,
            account: aws.account,
            region: aws.region,
            availability_zones: aws.availability_zones,
            vpc: aws.vpc,
            subnets: aws.subnets,
            ssh: Login {
                user: ssh.user,
                port: ssh.port,
                private_key: path(&ssh.private_key),
                private: ssh.private,
                jump: ssh.jump,
                known_hosts: path(&ssh.known_hosts),
                boot_timeout_s: ssh.boot_timeout_s,
                command_timeout_s: ssh.command_timeout_s,
            },
            docker_config: path(&manifest.docker_config),
            sim: Simulated {
                seed: manifest.sim.seed,
                time: manifest.sim.time,
            },
        }
    }

    /// Its text.
    pub fn render(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads the text.
    pub fn read(text: &[u8]) -> Result<Self, BadConnection> {
        #[derive(Deserialize)]
        struct Head {
            format_version: u32,
        }
        let head: Head = serde_json::from_slice(text)?;
        if head.format_version != FORMAT {
            return Err(BadConnection::Format(head.format_version));
        }
        Ok(serde_json::from_slice(text)?)
    }
}

impl Manifest {
    /// A manifest that wants nothing, of a cluster that is reached that way (`None`: it is not to be
    /// reached, its state alone is). `paths` undoes what that of [`Connection::of`] did.
    pub fn without_resources(
        name: &str,
        provider: Provider,
        connection: Option<Connection>,
        paths: impl Fn(&Path) -> PathBuf,
    ) -> Self {
        let path = |path: Option<PathBuf>| path.as_deref().map(&paths);
        let connection = connection.unwrap_or_else(Connection::unknown);
        let ssh = connection.ssh;
        Self {
            cluster: Cluster {
                name: name.to_owned(),
                provider,
                tags: Default::default(),
            },
            aws: Aws {
                account: connection.account,
                region: connection.region,
                availability_zones: connection.availability_zones,
                vpc: connection.vpc,
                subnets: connection.subnets,
            },
            key_pair: None,
            ssh: Ssh {
                user: ssh.user,
                port: ssh.port,
                private_key: path(ssh.private_key),
                private: ssh.private,
                jump: ssh.jump,
                known_hosts: path(ssh.known_hosts),
                boot_timeout_s: ssh.boot_timeout_s,
                command_timeout_s: ssh.command_timeout_s,
            },
            security_group: SecurityGroup {
                name: name.to_owned(),
                ssh_from: Vec::new(),
                publish_to: Vec::new(),
                ingress: Vec::new(),
            },
            swarm: SwarmSettings {
                addr_pool: Vec::new(),
                subnet_size: check::SUBNET_SIZE,
                engine_version: None,
                converge_timeout_s: check::CONVERGE_TIMEOUT_S,
            },
            docker: Docker::default(),
            pools: Vec::new(),
            networks: Vec::new(),
            secrets: Vec::new(),
            configs: Vec::new(),
            services: Vec::new(),
            docker_config: path(connection.docker_config),
            state: StateBackend::Local,
            prices: Prices::default(),
            moved: Vec::new(),
            protected: std::collections::BTreeSet::new(),
            ignored: Default::default(),
            checks: std::collections::BTreeMap::new(),
            sim: Sim {
                seed: connection.sim.seed,
                time: connection.sim.time,
                faults: Vec::new(),
            },
            lines: Lines::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::testing::sandbox;

    #[test]
    fn a_manifest_and_what_is_recorded_of_it_reach_the_same_cluster() {
        let mut manifest = sandbox();
        manifest.aws.region = Some("eu-central-1".into());
        manifest.aws.account = Some("123456789012".into());
        manifest.ssh.private_key = Some("/home/me/.ssh/id".into());
        manifest.ssh.jump = Some("me@bastion:2222".into());
        manifest.docker_config = Some("/home/me/.docker/config.json".into());
        let short = |path: &Path| Path::new("~").join(path.strip_prefix("/home/me").expect("below it"));
        let whole = |path: &Path| Path::new("/home/me").join(path.strip_prefix("~").expect("below it"));
        let connection = Connection::of(&manifest, short);
        let text = connection.render().expect("a text");
        assert!(!String::from_utf8_lossy(&text).contains("/home/me"));
        let read = Connection::read(&text).expect("read again");
        assert_eq!(read, connection);
        let provider = manifest.cluster.provider;
        let bare = Manifest::without_resources(&manifest.cluster.name, provider, Some(read), whole);
        assert_eq!((&bare.aws, &bare.ssh), (&manifest.aws, &manifest.ssh));
        assert_eq!(bare.docker_config, manifest.docker_config);
        assert_eq!(Connection::of(&bare, short), connection);
        assert!(bare.pools.is_empty() && bare.services.is_empty());
    }

    #[test]
    fn what_another_program_wrote_is_said_as_such() {
        let said = |text: &str| {
            Connection::read(text.as_bytes())
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            said("{\"format_version\":9}"),
            "it has format 9, and this program knows format 1 only"
        );
        assert!(said("{").starts_with("it is not what Subako wrote"));
        assert!(said("{\"format_version\":1}").starts_with("it is not what Subako wrote"));
    }
}
