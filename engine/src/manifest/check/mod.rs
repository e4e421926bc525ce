//! From sections as written to the typed manifest: defaults filled in, names resolved, and
//! everything that one section alone cannot show to be wrong.
//!
//! After a mistake a placeholder takes the value's place, so that the rest is still checked;
//! the manifest is then thrown away.

mod aws;
mod checks;
mod cluster;
mod docker;
mod files;
mod ignored;
mod key_pair;
mod labels;
mod moved;
mod network;
mod pool;
mod ports;
mod prices;
mod protect;
mod security_group;
mod service;
mod service_order;
mod service_runtime;
mod sim;
mod ssh;
mod state;
mod swarm;
mod unique;
mod variable;

pub use aws::check as aws;
pub use cluster::check as cluster;
pub use state::check as state;
pub use swarm::{CONVERGE_TIMEOUT_S, SUBNET_SIZE};

use super::decode::Context;
use super::lines::Lines;
use super::model::Manifest;
use super::raw::Document;
use super::source::{Files, Source, Variables};
use super::span::{At, Span};

/// What lies around a manifest: where it stands, the variables, the files it may name.
pub struct Surroundings<'a> {
    /// Where paths start from.
    pub source: &'a Source,
    /// For `~`.
    pub variables: &'a Variables,
    /// For the public key, secrets and configs.
    pub files: &'a dyn Files,
}

impl Surroundings<'_> {
    fn resolve(&self, path: &str) -> std::path::PathBuf {
        super::source::resolve(path, self.source, self.variables)
    }
}

/// Checks the whole document. The result counts only if the context holds no mistake.
pub fn manifest(cx: &mut Context<'_>, document: Document, around: &Surroundings<'_>) -> Manifest {
    let blocks = moved::Blocks::of(&document);
    let protected = protect::of(&document);
    let ignored = ignored::of(cx, &document);
    variable::check(cx, value(document.variable), around.source);
    let cluster = cluster::check(cx, value(document.cluster));
    let aws = aws::check(cx, value(document.aws));
    let pools_written = document.pool.is_some();
    let pools = value(document.pool).0;
    let images = pools
        .iter()
        .map(|pool| pool.ami.as_ref().map(|ami| ami.0.as_str()));
    let user = ssh::default_user(images);
    let ssh = ssh::check(cx, value(document.ssh), around, user);
    let state = state::check(cx, document.state, aws.region.as_deref());
    let key_pair = document
        .key_pair
        .and_then(|raw| key_pair::check(cx, raw.value, around));
    let security_group = security_group::check(cx, value(document.security_group), &cluster.name);
    let swarm = swarm::check(cx, value(document.swarm));
    let docker = docker::check(cx, document.docker);
    let pools = pool::check(cx, pools, &cluster.tags, pools_written);
    let networks = network::check(cx, value(document.network).0);
    let secrets = files::secrets(cx, value(document.secret), around);
    let configs = files::configs(cx, value(document.config), around);
    let named = service::Named {
        networks: &networks,
        secrets: &secrets,
        configs: &configs,
    };
    let services = service::check(
        cx,
        value(document.service).0,
        &named,
        ssh.port,
        swarm.converge_timeout_s,
    );
    let sim = sim::check(cx, value(document.sim));
    Manifest {
        cluster,
        aws,
        key_pair,
        ssh,
        security_group,
        swarm,
        docker,
        pools,
        networks: networks.into_specs(),
        secrets: secrets.into_files(),
        configs: configs.into_files(),
        services,
        docker_config: document
            .registry
            .and_then(|at| at.value.docker_config)
            .map(|path| around.resolve(&path.0)),
        protected,
        ignored,
        checks: checks::check(value(document.checks)),
        prices: prices::check(value(document.prices)),
        moved: moved::check(cx, value(document.moved).0, &blocks),
        state,
        sim,
        lines: Lines::default(),
    }
}

/// The value of a key, or its type's placeholder.
fn value<T: Default>(field: Option<At<T>>) -> T {
    field.map(|at| at.value).unwrap_or_default()
}

/// The place of a key's value, or of what contains it.
fn place<T>(field: &Option<At<T>>, container: Span) -> Span {
    field.as_ref().map_or(container, |at| at.span)
}
