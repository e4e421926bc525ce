//! `[[service]]`: the service itself, its networks and mounts.

use super::files::{self, Files};
use super::network::Networks;
use super::ports::PublishedPorts;
use super::service_order::Order;
use super::service_runtime as runtime;
use super::unique::Unique;
use super::{labels, value};
use crate::manifest::decode::{Context, did_you_mean};
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::{Duration, PlainText};
use crate::manifest::model::Service;
use crate::manifest::raw::{self, Deployment, EndpointMode};
use crate::manifest::span::{At, Span};
use crate::world::{Endpoint, Mode, Mount, MountKind, PublishMode, ServiceNetwork, ServiceSpec};

/// Suggestions look at every network; after so many mistakes nobody reads them any more.
const MOST_SUGGESTIONS: usize = 100;

/// What services may name.
pub struct Named<'a> {
    /// `[[network]]`.
    pub networks: &'a Networks,
    /// `[secret.NAME]`.
    pub secrets: &'a Files,
    /// `[config.NAME]`.
    pub configs: &'a Files,
}

/// Checks the services, one by one and together.
pub fn check(
    cx: &mut Context<'_>,
    raw: Vec<At<raw::Service>>,
    named: &Named<'_>,
    ssh_port: u16,
    converge_timeout_s: u64,
) -> Vec<Service> {
    let mut names = Unique::new();
    let mut ports = PublishedPorts::new(ssh_port);
    let mut services = Vec::with_capacity(raw.len());
    let mut order = Order::new(&raw);
    for (index, At { value: mut raw, .. }) in raw.into_iter().enumerate() {
        if let Some(name) = &raw.name {
            // Swarm compares names without case.
            names.claim(cx, name.0.to_ascii_lowercase(), name.span, || {
                format!("two services are called \"{}\"", name.0)
            });
        }
        let depends_on = order.of(cx, index, raw.depends_on.take());
        let give_up_after_s = patience(cx, raw.give_up_after.take(), converge_timeout_s);
        services.push(Service {
            depends_on,
            give_up_after_s,
            spec: service(cx, raw, index, named, &mut ports),
        });
    }
    order.check(cx, &services);
    services
}

/// The wait for tasks that keep ending, which ends at the latest with the wait for the service.
fn patience(cx: &mut Context<'_>, raw: Option<At<Duration>>, converge_timeout_s: u64) -> Option<u64> {
    let at = raw?;
    let seconds = at.value.seconds();
    if seconds > converge_timeout_s {
        cx.report(
            ManifestError::new(
                Code::OutOfRange,
                "`give_up_after` is longer than services may take to converge",
            )
            .at(at.span, format!("the wait ends after {converge_timeout_s} s"))
            .help(format!(
                "write [swarm] converge_timeout = \"{seconds}s\" or more, or a shorter time here"
            )),
        );
    }
    Some(seconds)
}

fn service(
    cx: &mut Context<'_>,
    raw: raw::Service,
    index: usize,
    named: &Named<'_>,
    published: &mut PublishedPorts,
) -> ServiceSpec {
    let mode = mode(cx, &raw);
    let ports = ports(cx, raw.ports, raw.endpoint_mode.as_ref(), index, published);
    let endpoint_mode = match value(raw.endpoint_mode) {
        EndpointMode::Vip => "vip",
        EndpointMode::DnsRr => "dnsrr",
    };
    absolute(cx, "working_dir", raw.working_dir.as_ref());
    let mounts = value(raw.mounts).into_iter().chain(value(raw.volumes)).collect();
    let words = |command: Option<At<crate::manifest::formats::Command>>| value(command).0;
    ServiceSpec {
        command: words(raw.command),
        configs: files::uses(cx, raw.configs, named.configs),
        constraints: value(raw.constraints).into_iter().map(|at| at.value.0).collect(),
        container_labels: labels::labels(cx, raw.container_labels),
        endpoint_mode: endpoint_mode.to_owned(),
        entrypoint: words(raw.entrypoint),
        environment: labels::environment(cx, raw.environment),
        healthcheck: runtime::healthcheck(cx, raw.healthcheck),
        hostname: raw.hostname.map(|at| at.value.0),
        image: value(raw.image).0,
        init: raw.init.map(|at| at.value),
        labels: labels::labels(cx, raw.labels),
        max_replicas_per_node: raw.max_replicas_per_node.map(|at| at.value.0),
        mode,
        mounts: self::mounts(cx, mounts),
        name: value(raw.name).0,
        networks: attachments(cx, raw.networks, named.networks),
        ports,
        preferences: value(raw.preferences).into_iter().map(|at| at.value.0).collect(),
        resources: runtime::resources(cx, raw.resources),
        restart_policy: runtime::restart_policy(raw.restart_policy),
        rollback_config: runtime::rollback_config(cx, raw.rollback_config),
        secrets: files::uses(cx, raw.secrets, named.secrets),
        stop_grace_period: raw.stop_grace_period.map(|at| at.value.0),
        update_config: runtime::update_config(cx, raw.update_config),
        user: raw.user.map(|at| at.value.0),
        working_dir: raw.working_dir.map(|at| at.value.0),
    }
}

fn mode(cx: &mut Context<'_>, raw: &raw::Service) -> Mode {
    match (&raw.mode, &raw.replicas) {
        (Some(mode), Some(replicas)) if mode.value == Deployment::Global => {
            cx.report(
                ManifestError::new(Code::Conflict, "a global service has no replicas")
                    .at(replicas.span, "but so many are asked for")
                    .at(mode.span, "one task on every node")
                    .help("remove one of the two"),
            );
            Mode::Global
        }
        (Some(mode), _) if mode.value == Deployment::Global && raw.max_replicas_per_node.is_some() => {
            let most = super::place(&raw.max_replicas_per_node, mode.span);
            cx.report(
                ManifestError::new(Code::Conflict, "a global service has one task on each node")
                    .at(most, "this limits replicas")
                    .at(mode.span, "one task on every node")
                    .help("remove `max_replicas_per_node`"),
            );
            Mode::Global
        }
        (Some(mode), None) if mode.value == Deployment::Global => Mode::Global,
        (_, replicas) => Mode::Replicated(replicas.as_ref().map_or(1, |at| at.0)),
    }
}

fn ports(
    cx: &mut Context<'_>,
    raw: Option<At<Vec<At<raw::Published>>>>,
    endpoint_mode: Option<&At<EndpointMode>>,
    index: usize,
    published: &mut PublishedPorts,
) -> Vec<Endpoint> {
    let dnsrr = endpoint_mode.filter(|mode| mode.value == EndpointMode::DnsRr);
    let mut through_mesh = None;
    let mut ports = Vec::new();
    for entry in value(raw) {
        let span = entry.span;
        let endpoints = published.publish(cx, index, entry);
        if endpoints
            .iter()
            .any(|endpoint| endpoint.mode == PublishMode::Ingress)
        {
            through_mesh.get_or_insert(span);
        }
        ports.extend(endpoints);
    }
    if let (Some(dnsrr), Some(port)) = (dnsrr, through_mesh) {
        cx.report(
            ManifestError::new(Code::Conflict, "the routing mesh needs the endpoint mode \"vip\"")
                .at(port, "the mesh would need one")
                .at(dnsrr.span, "with this, the service has no address of its own")
                .help("remove `endpoint_mode`, or publish on hosts: { target = 80, published = 80, mode = \"host\" }"),
        );
    }
    ports.sort();
    ports
}

fn attachments(
    cx: &mut Context<'_>,
    raw: Option<At<raw::Networks>>,
    networks: &Networks,
) -> Vec<ServiceNetwork> {
    let mut seen = Unique::new();
    let mut attachments = Vec::new();
    for (name, aliases) in value(raw).0 {
        seen.claim(cx, name.value.clone(), name.span, || {
            format!("the network \"{}\" is named twice", name.value)
        });
        if !networks.may_have(&name) {
            unknown_network(cx, &name, networks);
        }
        let mut alias_seen = Unique::new();
        for alias in &aliases {
            alias_seen.claim(cx, alias.0.clone(), alias.span, || {
                format!("the alias \"{}\" is given twice", alias.0)
            });
        }
        let mut aliases: Vec<_> = aliases.into_iter().map(|alias| alias.value.0).collect();
        aliases.sort();
        attachments.push(ServiceNetwork {
            aliases,
            name: name.value,
        });
    }
    attachments.sort();
    attachments
}

fn unknown_network(cx: &mut Context<'_>, name: &At<String>, networks: &Networks) {
    let near = if cx.mistakes() < MOST_SUGGESTIONS {
        did_you_mean(name, networks.names())
    } else {
        None
    };
    let help = near.unwrap_or_else(|| match name.as_str() {
        "ingress" => "published ports use the ingress network by themselves: remove it".to_owned(),
        "host" => "a service cannot join the node's own network: to bind a port of the node its tasks run on, write ports = [{ target = 80, published = 80, mode = \"host\" }]".to_owned(),
        "bridge" | "none" => "every container has a bridge to the outside by itself; to reach other services, add a [[network]], which spans the nodes".to_owned(),
        _ => format!("add it: [[network]] with name = \"{}\"", name.value),
    });
    cx.report(
        ManifestError::new(
            Code::UnknownReference,
            format!("there is no network \"{}\"", name.value),
        )
        .at(name.span, "not defined in this manifest")
        .help(help),
    );
}

/// Reports a path that does not begin at the root.
fn absolute(cx: &mut Context<'_>, key: &str, path: Option<&At<PlainText>>) {
    if let Some(path) = path.filter(|path| !path.0.starts_with('/')) {
        cx.report(
            ManifestError::new(Code::BadFormat, format!("`{key}` must be an absolute path"))
                .at(path.span, "this does not begin with a slash")
                .help(format!("did you mean \"/{}\"?", path.0.trim_start_matches("./"))),
        );
    }
}

fn mounts(cx: &mut Context<'_>, raw: Vec<At<raw::Mount>>) -> Vec<Mount> {
    let mut targets = Unique::new();
    let mut mounts = Vec::with_capacity(raw.len());
    for At { value: entry, span } in raw {
        let mount = match entry {
            raw::Mount::Short(short) => Some(Mount {
                kind: short.kind,
                read_only: short.read_only,
                source: short.source,
                target: short.target,
                tmpfs_size: None,
            }),
            raw::Mount::Long(table) => mount(cx, table, span),
        };
        if let Some(mount) = mount {
            let target = crate::manifest::formats::cleaned(&mount.target);
            targets.claim(cx, target, span, || format!("two mounts are at {}", mount.target));
            mounts.push(mount);
        }
    }
    mounts
}

fn mount(cx: &mut Context<'_>, raw: raw::MountTable, span: Span) -> Option<Mount> {
    absolute(cx, "target", raw.target.as_ref());
    let kind = raw.kind.as_ref().map_or(MountKind::Volume, |kind| kind.value);
    let kind_span = super::place(&raw.kind, span);
    match (kind, &raw.source) {
        (MountKind::Bind, None) if raw.mistaken => {}
        (MountKind::Bind, None) => cx.report(
            ManifestError::new(Code::Missing, "a bind mount needs `source`")
                .at(span, "`source` is missing here")
                .help("source: the path on the node"),
        ),
        (MountKind::Bind, source) => absolute(cx, "source", source.as_ref()),
        (MountKind::Tmpfs, Some(source)) => cx.report(
            ManifestError::new(Code::Conflict, "a tmpfs mount has no source: it is memory")
                .at(source.span, "remove it")
                .at(kind_span, "because of this"),
        ),
        (MountKind::Volume, Some(source)) => {
            if let Err(malformed) = crate::manifest::formats::volume_name(&source.0) {
                let help = match source.0.starts_with('/') {
                    true => Some("for a path of the node, write type = \"bind\"".to_owned()),
                    false => malformed.help,
                };
                cx.report(
                    ManifestError::new(Code::BadName, "`source` must be a volume's name")
                        .at(source.span, malformed.reason)
                        .maybe_help(help),
                );
            }
        }
        (MountKind::Tmpfs | MountKind::Volume, None) => {}
    }
    if let Some(tmpfs) = raw.tmpfs.as_ref().filter(|_| kind != MountKind::Tmpfs) {
        cx.report(
            ManifestError::new(Code::Conflict, "only a tmpfs mount has `tmpfs`")
                .at(tmpfs.span, "this is of memory")
                .at(kind_span, "and this is not")
                .help("write type = \"tmpfs\", or remove `tmpfs`"),
        );
    }
    Some(Mount {
        kind,
        read_only: value(raw.read_only),
        source: raw.source.map(|source| source.value.0),
        target: raw.target?.value.0,
        tmpfs_size: raw
            .tmpfs
            .and_then(|tmpfs| tmpfs.value.size)
            .map(|size| size.value.0),
    })
}
