//! `[[service]]`: the service itself. Its ports, mounts and networks, its runtime settings and
//! its updates are in the files beside this one.

use super::{
    DependsOn, FileUse, HealthCheck, Mount, Networks, Published, Resources, RestartPolicy, RollbackConfig,
    UpdateConfig,
};
use crate::manifest::decode::{Int, KeyValues, Labels, keywords, plain_schema, section};
use crate::manifest::formats::{
    Command, Constraint, Duration, Hostname, ImageRef, PlainText, Spread, SwarmName,
};
use crate::manifest::span::At;

section! {
    /// A service that the swarm keeps running. Keys follow the Compose specification, those of
    /// its `deploy` section included, all on one level.
    pub struct Service = "[[service]]" {
        /// The service's name; other services on the same network reach it by this.
        required name: SwarmName,
        /// The image, for example "nginx:1.27" or "registry.example.com/app@sha256:…".
        required image: ImageRef,
        /// The arguments: a list, or one string that is split as a shell would.
        optional command: Command,
        /// The program, in place of the image's own: a list, or a string split as a shell would.
        optional entrypoint: Command,
        /// Environment variables: a table, or a list of "KEY=value".
        optional environment: KeyValues,
        /// How many tasks run, anywhere in the swarm. Default: 1.
        optional replicas: Int<0, 1_000_000>,
        /// "replicated" (the default), or "global": one task on every node that qualifies.
        optional mode: Deployment,
        /// Published ports: "8080:80", "53:53/udp", ranges, or tables with target, published,
        /// protocol and mode.
        optional ports: Vec<At<Published>>,
        /// The networks it is on: a list of names, or a table name → { aliases = [...] }.
        optional networks: Networks,
        /// Secrets it may read: names of [secret.NAME], or tables with source, target, uid, gid
        /// and mode. Each is a file below /run/secrets.
        optional secrets: Vec<At<FileUse>>,
        /// Configs it may read, likewise. Each is a file below /.
        optional configs: Vec<At<FileUse>>,
        /// Mounts: "volume:/path", "/host/path:/path:ro", or tables with type, source, target
        /// and read_only. The same as `volumes`.
        optional mounts: Vec<At<Mount>>,
        /// Mounts under their Compose name: the same as `mounts`.
        optional volumes: Vec<At<Mount>>,
        /// Nodes that may run its tasks: "node.role == worker", "node.labels.zone != a",
        /// "node.labels.subako.name == node-0" (a node's name in the manifest). All must hold.
        optional constraints: Vec<At<Constraint>>,
        /// Labels of nodes to spread tasks over evenly: "node.labels.zone".
        optional preferences: Vec<At<Spread>>,
        /// The most tasks that run on one node. Left out, as many as fit.
        optional max_replicas_per_node: Int<1, 1_000_000>,
        /// How an update proceeds.
        optional update_config: UpdateConfig,
        /// How a rollback proceeds.
        optional rollback_config: RollbackConfig,
        /// What happens when a task ends.
        optional restart_policy: RestartPolicy,
        /// How to see that a task is well; in place of the image's own check.
        optional healthcheck: HealthCheck,
        /// CPU and memory: limits and reservations.
        optional resources: Resources,
        /// Labels of the service.
        optional labels: Labels,
        /// Whether a plan that would delete or replace it is refused, also once its block is gone.
        /// Default: false.
        optional protect: bool,
        /// Keys of this block that are left as they are in the swarm, whoever changes them: for
        /// example "replicas" where an autoscaler decides on them, or "image" where a pipeline
        /// deploys. What they say here holds when the service is created.
        optional ignore_changes: Vec<At<PlainText>>,
        /// Labels of each of its containers.
        optional container_labels: Labels,
        /// Services that have to be there first: a list of names, or a table name →
        /// { condition = "service_started" | "service_healthy" | "service_completed_successfully" }.
        optional depends_on: DependsOn,
        /// How long tasks that keep ending are waited for before the service counts as failed, for
        /// example "5m". Default: until some have ended three times while nothing else of the
        /// apply gets any further.
        optional give_up_after: Duration,
        /// How long a container may take to stop before it is killed, for example "30s".
        optional stop_grace_period: Duration,
        /// How its name resolves: "vip" (the default), one address for all tasks, or "dnsrr",
        /// the address of each.
        optional endpoint_mode: EndpointMode,
        /// The host name of each container; Swarm fills in templates: "{{.Node.Hostname}}",
        /// "{{.Service.Name}}-{{.Task.Slot}}". Default: the container's id.
        optional hostname: Hostname,
        /// Whether an init process runs first in each container: it passes signals on and reaps
        /// what the program leaves behind. Default: the engine's own, which is false.
        optional init: bool,
        /// The user in the container, "1000" or "www-data:www-data".
        optional user: PlainText,
        /// The working directory in the container.
        optional working_dir: PlainText,
    }
    elsewhere {
        "lifecycle" => "write `ignore_changes` or `protect` directly in this block",
        "ignore" => "did you mean `ignore_changes`?",
        "deploy" => "keys of Compose's `deploy` stand directly in [[service]]: replicas, update_config, …",
        "placement" => "write `constraints`, `preferences` and `max_replicas_per_node` directly in [[service]]",
        "scale" => "did you mean `replicas`?",
        "count" => "did you mean `replicas`?",
        "env" => "did you mean `environment`?",
        "port" => "did you mean `ports`?",
        "publish" => "did you mean `ports`?",
        "restart = always" => "write restart_policy = { condition = \"any\" }",
        "restart = unless-stopped" => "write restart_policy = { condition = \"any\" }",
        "restart = no" => "write restart_policy = { condition = \"none\" }",
        "restart" => "write restart_policy = { condition = \"on-failure\" }",
        "expose" => "services on the same network reach every port of each other: remove it",
        "ipc" => "Swarm gives each container its own IPC namespace: remove it",
        "pid" => "Swarm gives each container its own processes: remove it",
        "links" => "services on the same network reach each other by name: remove it",
        "platform" => "the instance type decides the architecture: remove it",
        "profiles" => "Compose starts services by profile; here a manifest describes one cluster: write a manifest for each, or leave the service out with `replicas = 0`",
        "pull_policy" => "an image is pinned to its digest when the service is created, and pulled where it is missing: remove it",
        "userns_mode" => "Swarm has no setting for it: remove it",
        "build" => "Swarm runs images that exist: build and push it, then write `image`",
        "container_name" => "Swarm names its containers itself, after the service",
        "network_mode" => "name the networks in `networks`",
        "privileged" => "Swarm runs no privileged containers",
        "working_directory" => "did you mean `working_dir`?",
    }
    later {
        "env_file" => "until then, write the variables into `environment`",
        "security_opt" => "until then, containers have Docker's default security options",
        "logging" => "until then, set the log driver in the engine's own configuration",
        "cap_add" => "until then, containers have Docker's default capabilities",
        "cap_drop" => "until then, containers have Docker's default capabilities",
        "dns" => "until then, containers ask Docker's own resolver",
        "extra_hosts" => "until then, let names resolve over a network's aliases",
        "read_only" => "until then, containers can write to their own layer",
        "stop_signal" => "until then, containers are stopped by the image's own signal",
        "sysctls" => "until then, containers have the engine's kernel settings",
        "tty" => "until then, containers have no terminal",
        "ulimits" => "until then, containers have the engine's limits",
        "tmpfs" => "until then, write it in `mounts`: { type = \"tmpfs\", target = \"/path\" }",
    }
}

/// How many tasks a service has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deployment {
    /// As many as `replicas` says.
    #[default]
    Replicated,
    /// One on every node that qualifies.
    Global,
}

/// How a service's name resolves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EndpointMode {
    /// One address for all tasks.
    #[default]
    Vip,
    /// The address of each task.
    DnsRr,
}

keywords!(Deployment, "\"replicated\" or \"global\"", {
    "replicated" => Deployment::Replicated,
    "global" => Deployment::Global,
} tried {
    "replicated-job" => "jobs are not supported yet: a task that runs once is mode = \"replicated\" with restart_policy = { condition = \"none\" }",
    "global-job" => "jobs are not supported yet: a task that runs once on each node is mode = \"global\" with restart_policy = { condition = \"none\" }",
});
keywords!(EndpointMode, "\"vip\" or \"dnsrr\"", { "vip" => EndpointMode::Vip, "dnsrr" => EndpointMode::DnsRr, });
plain_schema! {
    Deployment => "Deployment" { "enum": ["replicated", "global"] },
    EndpointMode => "EndpointMode" { "enum": ["vip", "dnsrr"] },
}
