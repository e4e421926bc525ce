//! Cases of networks and services as objects.

use subako_world::{
    Code, Content, Endpoint, FileKind, FileMount, FileSpec, Mode, PublishMode, Role, ServiceNetwork,
};

use super::case::{Case, Outcome, Verdict, ensure, refused};
use super::host_bench::HostBench;

pub(super) fn cases() -> Vec<Case<HostBench>> {
    super::case::cases![
        a_network_is_made_once_and_listed,
        networks_get_ranges_of_their_own,
        a_network_in_use_stays,
        a_service_is_made_once_and_listed_as_wanted,
        a_service_on_an_unknown_network_is_refused,
        a_port_of_the_mesh_is_published_once,
        an_unknown_service_is_not_updated_but_removed,
        a_mode_cannot_change,
        a_secret_or_config_is_made_once_and_listed,
        a_secret_or_config_in_use_stays,
        names_are_compared_without_case,
    ]
}

async fn names_are_compared_without_case(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    manager.create_service(&bench.service("web", 1)).await?;
    let result = manager.create_service(&bench.service("WEB", 1)).await;
    refused("a service WEB beside web", Code::AlreadyExists, result)?;
    for kind in FILES {
        let content = Content::new(b"one".to_vec());
        manager.create_file(kind, &file("c"), &content).await?;
        let result = manager.create_file(kind, &file("C"), &content).await;
        refused("a file C beside c", Code::AlreadyExists, result)?;
    }
    manager.create_network(&HostBench::network("front")).await?;
    let result = manager.create_network(&HostBench::network("Front")).await;
    refused("a network Front beside front", Code::AlreadyExists, result)?;
    Ok(Verdict::Passed)
}

async fn a_network_is_made_once_and_listed(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    ensure!(manager.networks().await?.is_empty(), "a new swarm has networks");
    let spec = HostBench::network("my-overlay");
    let id = manager.create_network(&spec).await?;
    refused(
        "a second network of one name",
        Code::AlreadyExists,
        manager.create_network(&spec).await,
    )?;
    let networks = manager.networks().await?;
    ensure!(networks.len() == 1 && networks[0].id == id, "{networks:?}");
    let mut seen = networks[0].spec.clone();
    ensure!(
        seen.subnet
            .take()
            .is_some_and(|subnet| subnet.starts_with("10.100.")),
        "its range is not of the pool"
    );
    ensure!(
        seen.options.keys().all(|key| key.starts_with("com.docker.")),
        "options {:?}",
        seen.options
    );
    seen.options.clear();
    ensure!(seen == spec, "{seen:?}");
    manager.remove_network("my-overlay").await?;
    manager.remove_network("my-overlay").await?;
    ensure!(manager.networks().await?.is_empty(), "the network is still there");
    Ok(Verdict::Passed)
}

const FILES: [FileKind; 2] = [FileKind::Secret, FileKind::Config];

fn file(name: &str) -> FileSpec {
    FileSpec {
        labels: [("l".to_owned(), "1".to_owned())].into(),
        name: name.to_owned(),
    }
}

async fn a_secret_or_config_is_made_once_and_listed(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let content = Content::new(*b"\x00\xffcontent");
    for kind in FILES {
        ensure!(manager.files(kind).await?.is_empty(), "a new swarm has some");
        manager.create_file(kind, &file("b-2"), &content).await?;
        let id = manager.create_file(kind, &file("b"), &content).await?;
        let again = manager.create_file(kind, &file("b"), &content).await;
        refused("a second one of one name", Code::AlreadyExists, again)?;
        let empty = manager.create_file(kind, &file("c"), &Content::new(*b"")).await;
        refused("one without content", Code::Invalid, empty)?;
        let files = manager.files(kind).await?;
        let names: Vec<&str> = files.iter().map(|file| file.spec.name.as_str()).collect();
        ensure!(names == ["b", "b-2"], "not sorted by name: {names:?}");
        ensure!(files[0].id == id && files[0].spec == file("b"), "{:?}", files[0]);
        // The beginning of another's name is not its name.
        manager.remove_file(kind, "b").await?;
        manager.remove_file(kind, "b").await?;
        let files = manager.files(kind).await?;
        ensure!(files.len() == 1 && files[0].spec.name == "b-2", "{files:?}");
    }
    Ok(Verdict::Passed)
}

async fn a_secret_or_config_in_use_stays(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let mount = |target: &str| FileMount {
        gid: "0".to_owned(),
        mode: 0o444,
        name: "used".to_owned(),
        target: target.to_owned(),
        uid: "0".to_owned(),
    };
    let mut spec = bench.service("user", 1);
    spec.secrets = vec![mount("pw")];
    refused(
        "a secret that is not there",
        Code::NotFound,
        manager.create_service(&spec).await,
    )?;
    for kind in FILES {
        manager
            .create_file(kind, &file("used"), &Content::new(*b"x"))
            .await?;
    }
    spec.configs = vec![mount("/conf")];
    manager.create_service(&spec).await?;
    let live = manager.service("user").await?;
    let live = live.map(|service| (service.spec.secrets, service.spec.configs));
    ensure!(
        live == Some((spec.secrets.clone(), spec.configs.clone())),
        "{live:?}"
    );
    for kind in FILES {
        refused("one in use", Code::InUse, manager.remove_file(kind, "used").await)?;
    }
    spec.secrets.clear();
    spec.configs.clear();
    manager.update_service(&spec, false).await?;
    for kind in FILES {
        manager.remove_file(kind, "used").await?;
        ensure!(manager.files(kind).await?.is_empty(), "it is still there");
    }
    manager.remove_service("user").await?;
    Ok(Verdict::Passed)
}

async fn networks_get_ranges_of_their_own(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    for name in ["b", "a"] {
        manager.create_network(&HostBench::network(name)).await?;
    }
    let networks = manager.networks().await?;
    let names: Vec<&str> = networks
        .iter()
        .map(|network| network.spec.name.as_str())
        .collect();
    ensure!(names == ["a", "b"], "not sorted by name: {names:?}");
    ensure!(
        networks[0].spec.subnet != networks[1].spec.subnet,
        "one range twice: {networks:?}"
    );
    let mut fixed = HostBench::network("c");
    fixed.subnet.clone_from(&networks[0].spec.subnet);
    refused(
        "a range in use",
        Code::Taken,
        manager.create_network(&fixed).await,
    )?;
    fixed.subnet = Some("10.101.7.0/24".to_owned());
    manager.create_network(&fixed).await?;
    let given = manager
        .networks()
        .await?
        .into_iter()
        .find(|network| network.spec.name == "c");
    ensure!(
        given.is_some_and(|network| network.spec.subnet == fixed.subnet),
        "not the range wanted"
    );
    Ok(Verdict::Passed)
}

async fn a_network_in_use_stays(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    manager.create_network(&HostBench::network("used")).await?;
    let mut spec = bench.service("user", 1);
    spec.networks = vec![ServiceNetwork {
        aliases: Vec::new(),
        name: "used".to_owned(),
    }];
    manager.create_service(&spec).await?;
    bench.converged(manager, "user", 1).await?;
    refused(
        "removing a network in use",
        Code::InUse,
        manager.remove_network("used").await,
    )?;
    manager.remove_service("user").await?;
    let gone = async || Ok(manager.remove_network("used").await.ok());
    let clock = &*bench.cloud.world.clock;
    super::case::eventually(clock, bench.fixture.patience, "a removed network", gone).await?;
    Ok(Verdict::Passed)
}

async fn a_service_is_made_once_and_listed_as_wanted(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let mut spec = bench.service("listed", 2);
    spec.environment.insert("LEVEL".to_owned(), "debug".to_owned());
    spec.labels.insert("unit".to_owned(), "conformance".to_owned());
    let id = manager.create_service(&spec).await?;
    refused(
        "a second service of one name",
        Code::AlreadyExists,
        manager.create_service(&spec).await,
    )?;
    let services = manager.services().await?;
    ensure!(services.len() == 1 && services[0].id == id, "{services:?}");
    ensure!(
        services[0].spec == spec,
        "wanted {spec:?}, listed {:?}",
        services[0].spec
    );
    ensure!(
        services[0].update.is_none(),
        "a new service has an update: {:?}",
        services[0].update
    );
    manager.remove_service("listed").await?;
    ensure!(manager.services().await?.is_empty(), "the service is still there");
    Ok(Verdict::Passed)
}

async fn a_service_on_an_unknown_network_is_refused(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let mut spec = bench.service("lost", 1);
    spec.networks = vec![ServiceNetwork {
        aliases: Vec::new(),
        name: "nowhere".to_owned(),
    }];
    refused(
        "a service on an unknown network",
        Code::NotFound,
        cluster.manager().create_service(&spec).await,
    )?;
    ensure!(
        cluster.manager().services().await?.is_empty(),
        "the service is there"
    );
    Ok(Verdict::Passed)
}

async fn a_port_of_the_mesh_is_published_once(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let mut spec = bench.service("web", 1);
    spec.ports = vec![Endpoint {
        mode: PublishMode::Ingress,
        protocol: "tcp".to_owned(),
        published: 8080,
        target: 80,
    }];
    manager.create_service(&spec).await?;
    spec.name = "web-too".to_owned();
    let failure = refused("one port twice", Code::Taken, manager.create_service(&spec).await)?;
    ensure!(
        failure.message.contains("8080"),
        "it does not name the port: {failure}"
    );
    spec.ports[0].protocol = "udp".to_owned();
    manager.create_service(&spec).await?;
    Ok(Verdict::Passed)
}

async fn an_unknown_service_is_not_updated_but_removed(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[Role::Worker]).await?;
    let manager = cluster.manager();
    refused(
        "an update of nothing",
        Code::NotFound,
        manager.update_service(&bench.service("nobody", 1), false).await,
    )?;
    manager.remove_service("nobody").await?;
    Ok(Verdict::Passed)
}

async fn a_mode_cannot_change(bench: &HostBench) -> Outcome {
    let cluster = bench.swarm(&[]).await?;
    let manager = cluster.manager();
    let mut spec = bench.service("moody", 1);
    manager.create_service(&spec).await?;
    spec.mode = Mode::Global;
    refused(
        "a change of mode",
        Code::Unsupported,
        manager.update_service(&spec, false).await,
    )?;
    Ok(Verdict::Passed)
}
