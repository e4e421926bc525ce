//! What the engine gets: defaults, units, one form for what can be written in several.

use super::{PUBLIC_KEY, read};
use crate::manifest::{Manifest, Provider, SimFaultKind};
use crate::world::{
    Availability, Endpoint, Mode, MountKind, Port, Protocol, PublishMode, RestartCondition, Source,
    UpdateOrder,
};

const LEAST: &str = "
[cluster]
name = 'test'
[[pool]]
name = 'm'
role = 'manager'
count = 1
instance_type = 't3.micro'
";

/// The manifest of [`LEAST`] with a text after it.
fn with(text: &str) -> Manifest {
    read(&format!("{LEAST}{text}")).unwrap_or_else(|errors| panic!("{:#?}", errors.errors()))
}

fn service(text: &str) -> crate::world::ServiceSpec {
    let mut manifest = with(&format!(
        "[[network]]\nname = 'a'\n[[network]]\nname = 'b'\n[[service]]\nname = 's'\nimage = 'i'\n{text}"
    ));
    manifest.services.remove(0).spec
}

#[test]
fn what_is_left_out_has_its_default() {
    let manifest = with("");
    assert_eq!(manifest.cluster.provider, Provider::Aws);
    assert_eq!(manifest.aws.region, None);
    assert_eq!(manifest.key_pair, None);
    let ssh = &manifest.ssh;
    assert_eq!(
        (ssh.user.as_str(), ssh.port, ssh.private),
        ("ec2-user", 22, false)
    );
    assert_eq!((ssh.boot_timeout_s, ssh.command_timeout_s), (300, 600));
    assert_eq!(manifest.security_group.name, "test");
    assert_eq!(manifest.security_group.ssh_from, Vec::<String>::new());
    assert_eq!(manifest.security_group.publish_to, ["0.0.0.0/0"]);
    assert_eq!(
        (manifest.swarm.subnet_size, manifest.swarm.converge_timeout_s),
        (24, 300)
    );
    let pool = &manifest.pools[0];
    assert_eq!(
        (pool.ami.as_str(), pool.disk_gib, pool.protect),
        ("amazon-linux-2023", 8, false)
    );
    assert_eq!((pool.availability, pool.public_ip), (Availability::Active, None));
}

#[test]
fn the_region_follows_from_the_zones() {
    let aws = with("[aws]\navailability_zones = ['eu-west-1b', 'eu-west-1a']").aws;
    assert_eq!(aws.region.as_deref(), Some("eu-west-1"));
    assert_eq!(aws.availability_zones, ["eu-west-1b", "eu-west-1a"]);
}

#[test]
fn a_public_key_is_read_from_its_file_or_taken_as_it_stands() {
    let from_file = with("[key_pair]\nname = 'k'\npublic_key = 'a.pub'").key_pair;
    let inline = with(&format!(
        "[key_pair]\nname = 'k'\npublic_key = '{PUBLIC_KEY} other comment'"
    ))
    .key_pair;
    assert_eq!(
        from_file.as_ref().map(|k| k.public_key.as_str()),
        Some(PUBLIC_KEY)
    );
    assert_eq!(from_file, inline);
}

#[test]
fn ssh_paths_and_bastions_are_completed() {
    let ssh = with(
        "[ssh]\nuser = 'admin'\nprivate_key = '~/.ssh/k'\njump = 'bastion:2222'\nboot_timeout = '90500ms'",
    )
    .ssh;
    assert_eq!(
        ssh.private_key.as_deref(),
        Some(std::path::Path::new("/home/me/.ssh/k"))
    );
    assert_eq!(ssh.jump.as_deref(), Some("admin@bastion:2222"));
    assert_eq!(ssh.boot_timeout_s, 91);
}

#[test]
fn one_rule_comes_of_each_source() {
    let rules = with(
        "[security_group]\ningress = [
            { protocol = 'tcp', ports = '8000-8010', from = ['10.0.0.0/8', 'self'], description = 'x' },
            { protocol = 'icmp', from = '0.0.0.0/0' },
        ]",
    )
    .security_group
    .ingress;
    assert_eq!(rules.len(), 3);
    assert_eq!(rules[0].ports, Port { from: 8000, to: 8010 });
    assert_eq!(rules[1].source, Source::SelfGroup);
    assert_eq!(
        (rules[2].protocol, rules[2].ports),
        (Protocol::Icmp, Port { from: 0, to: 65535 })
    );
}

#[test]
fn variables_stand_for_numbers_and_booleans_too() {
    let manifest = with(
        "[[pool]]\nname = 'w'\nrole = 'worker'\ncount = '${var:n}'\ninstance_type = 'a.b'\nprotect = '${var:yes}'\ntags = { home = '${env:HOME} $$${var:n}' }",
    );
    let pool = &manifest.pools[1];
    assert_eq!((pool.count, pool.protect), (4, true));
    assert_eq!(pool.tags["home"], "/home/me $4");
}

#[test]
fn a_service_has_one_replica_unless_it_says_otherwise() {
    assert_eq!(service("").mode, Mode::Replicated(1));
    assert_eq!(service("replicas = 0").mode, Mode::Replicated(0));
    assert_eq!(service("mode = 'global'").mode, Mode::Global);
}

#[test]
fn ports_networks_and_mounts_have_one_form() {
    let short = service(
        "ports = ['8080:80', '53:53/udp']\nnetworks = ['b', 'a']\nmounts = ['/srv:/data:ro', 'vol:/v']",
    );
    let long = service(
        "ports = [{ target = 53, published = 53, protocol = 'udp' }, { target = 80, published = 8080, mode = 'ingress' }]
        volumes = [{ type = 'bind', source = '/srv', target = '/data', read_only = true }, { source = 'vol', target = '/v' }]
        networks = { a = {}, b = {} }",
    );
    assert_eq!(short, long);
    assert_eq!(
        short.ports[0],
        Endpoint {
            mode: PublishMode::Ingress,
            protocol: "tcp".into(),
            published: 8080,
            target: 80
        }
    );
    assert_eq!(short.mounts[0].kind, MountKind::Bind);
    assert_eq!(
        short.networks.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
}

#[test]
fn a_range_of_ports_is_one_endpoint_each() {
    let ports = service("ports = ['8000-8002:9000-9002']").ports;
    assert_eq!(
        ports.iter().map(|p| (p.published, p.target)).collect::<Vec<_>>(),
        [(8000, 9000), (8001, 9001), (8002, 9002)]
    );
}

#[test]
fn maps_are_tables_or_lists() {
    let table = service("environment = { A = 1, B = true, C = 'x=y' }\nlabels = { l = 1.5 }");
    let list = service("environment = ['A=1', 'B=true', 'C=x=y']\nlabels = ['l=1.5']");
    assert_eq!(table, list);
}

#[test]
fn amounts_and_times_are_in_the_engines_units() {
    let spec = service(
        "stop_grace_period = '1m30s'
        resources = { limits = { cpus = '0.5', memory = '512M' }, reservations = { cpus = 0.25 } }
        update_config = { parallelism = 2, delay = '10s', order = 'start-first', failure_action = 'rollback', max_failure_ratio = 0.1 }
        restart_policy = { delay = '5s' }
        healthcheck = { test = 'true', interval = '1s', retries = 3 }",
    );
    assert_eq!(spec.stop_grace_period, Some(90_000_000_000));
    let resources = spec.resources.expect("resources");
    assert_eq!(resources.limit_cpus, Some(500_000_000));
    assert_eq!(resources.reserve_cpus, Some(250_000_000));
    assert_eq!(resources.limit_memory, Some(512 << 20));
    let update = spec.update_config.expect("an update config");
    assert_eq!(
        (update.parallelism, update.max_failure_ppm),
        (Some(2), Some(100_000))
    );
    assert_eq!(update.order, Some(UpdateOrder::StartFirst));
    assert_eq!(
        spec.restart_policy.map(|p| p.condition),
        Some(RestartCondition::Any)
    );
    assert_eq!(
        spec.healthcheck.map(|h| h.test),
        Some(vec!["CMD-SHELL".to_owned(), "true".to_owned()])
    );
}

#[test]
fn what_says_nothing_is_nothing() {
    let spec =
        service("update_config = {}\nrollback_config = {}\nhealthcheck = {}\nresources = { limits = {} }");
    assert_eq!(spec, service(""));
    assert_eq!(
        service("healthcheck = { disable = true }")
            .healthcheck
            .map(|h| h.test),
        Some(vec!["NONE".to_owned()])
    );
}

#[test]
fn two_services_may_publish_one_port_on_hosts() {
    let port = "ports = [{ target = 80, published = 80, mode = 'host' }]";
    let manifest = with(&format!(
        "[[service]]\nname = 'a'\nimage = 'i'\n{port}\n[[service]]\nname = 'b'\nimage = 'i'\n{port}"
    ));
    assert_eq!(manifest.services.len(), 2);
    // The routing mesh listens on every node.
    let mesh = format!(
        "{LEAST}[[service]]\nname = 'a'\nimage = 'i'\n{port}\n[[service]]\nname = 'b'\nimage = 'i'\nports = ['80:80']"
    );
    assert!(read(&mesh).is_err());
}

#[test]
fn faults_of_the_simulator_are_read() {
    let sim = with("[sim]\nseed = 7\ntime = 'instant'\nfaults = [{ call = 'run_instance', nth = 3, error = 'X' }, { call = '*', times = 2, timeout = 'after-effect' }]").sim;
    assert_eq!((sim.seed, sim.faults[0].nth, sim.faults[0].times), (7, 3, 1));
    assert_eq!(sim.faults[1].kind, SimFaultKind::TimeoutAfterEffect);
}

#[test]
fn sections_may_be_written_inline() {
    let inline = "cluster = { name = 'test' }\npool = [{ name = 'm', role = 'manager', count = 1, instance_type = 't3.micro' }]";
    assert_eq!(read(inline).expect("good"), with(""));
}

#[test]
fn thousands_of_services_are_read_with_every_reference_resolved() {
    let one = |n: usize| {
        format!(
            "[[network]]\nname = 'n{n}'\n[[service]]\nname = 's{n}'\nimage = 'i'\nports = ['{}:80']\nnetworks = ['n{n}']\n",
            10_000 + n
        )
    };
    let manifest = with(&(0..3000).map(one).collect::<String>());
    assert_eq!(manifest.services.len(), 3000);
    assert_eq!(manifest.services[2999].spec.networks[0].name, "n2999");
}

#[test]
fn a_pool_is_never_expanded_however_many_instances_it_has() {
    let manifest = with("[[pool]]\nname = 'w'\nrole = 'worker'\ncount = 30000\ninstance_type = 't3.micro'");
    assert_eq!(manifest.pools[1].count, 30_000);
    assert_eq!(
        Manifest::instance_names(&manifest.pools[1]).last().as_deref(),
        Some("w-29999")
    );
}
