//! What is run when storage fails: every command that writes, from where it begins.

use std::collections::BTreeMap;

use subako_engine::manifest::Manifest;
use subako_engine::plan::Selection;

use super::cluster::{Cluster, Network, Pool, Port, Service};
use super::driver::{Driver, Exit};
use super::trouble::{Kill, Verb};

/// A command, and what is there when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The first apply.
    First,
    /// An apply of a change.
    Change,
    Destroy,
    /// `recover` of a killed first apply, and of a killed change.
    FirstForward,
    FirstBack,
    ChangeForward,
    ChangeBack,
    /// An apply after a killed change: it settles first.
    Settle,
    Forget,
    Rename,
    Restore,
    /// `state rebuild` of a whole state, of a damaged one, and with a damaged journal.
    RebuildWhole,
    RebuildDamaged,
    RebuildJournal,
}

impl Command {
    pub const ALL: [Self; 14] = [
        Self::First,
        Self::Change,
        Self::Destroy,
        Self::FirstForward,
        Self::FirstBack,
        Self::ChangeForward,
        Self::ChangeBack,
        Self::Settle,
        Self::Forget,
        Self::Rename,
        Self::Restore,
        Self::RebuildWhole,
        Self::RebuildDamaged,
        Self::RebuildJournal,
    ];

    /// Whether it changes the cluster; the others only repair what is kept.
    pub fn changes(self) -> bool {
        !matches!(self, Self::Forget | Self::Rename | Self::Restore) && !self.rebuilds()
    }

    /// Whether it is a `state rebuild`.
    pub fn rebuilds(self) -> bool {
        matches!(
            self,
            Self::RebuildWhole | Self::RebuildDamaged | Self::RebuildJournal
        )
    }
}

/// A cluster on which a command is about to run.
pub struct Scene {
    pub driver: Driver,
    /// What the cluster was before; `None` if there was none.
    pub before: Option<Manifest>,
    /// What it is to be.
    pub after: Manifest,
}

/// The cluster before the change.
fn small() -> Cluster {
    let network = |name: &str| Network {
        name: name.to_owned(),
        range: None,
        encrypted: false,
        attachable: false,
        internal: false,
    };
    Cluster {
        zones: Vec::new(),
        tags: BTreeMap::new(),
        key: None,
        group: None,
        publish_to: None,
        rules: Vec::new(),
        addr_pool: None,
        engine: None,
        comment: super::cluster::me(),
        pools: vec![pool("manager", true), pool("node", false)],
        networks: vec![network("front")],
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        services: vec![service("web", 2), service("api", 1)],
    }
}

/// The cluster after it: an update, a deletion and a creation.
fn changed() -> Cluster {
    let mut cluster = small();
    cluster.services = vec![service("web", 3), service("log", 1)];
    cluster
}

fn pool(name: &str, manager: bool) -> Pool {
    Pool {
        name: name.to_owned(),
        manager,
        count: 1,
        instance_type: "t3.small".to_owned(),
        ami: None,
        disk: 8,
        encrypted: false,
        labels: BTreeMap::new(),
        availability: "active".to_owned(),
        pinned: Vec::new(),
        public_ip: None,
        elastic: false,
        tags: BTreeMap::new(),
    }
}

fn service(name: &str, replicas: u32) -> Service {
    let port = Port {
        published: 80,
        target: 80,
        host: false,
        udp: false,
    };
    Service {
        name: name.to_owned(),
        image: "nginx".to_owned(),
        replicas: Some(replicas),
        ports: if name == "web" { vec![port] } else { Vec::new() },
        networks: vec!["front".to_owned()],
        secrets: Vec::new(),
        configs: Vec::new(),
        constraints: Vec::new(),
        spread: None,
        env: BTreeMap::new(),
        labels: BTreeMap::new(),
        command: None,
        volume: None,
        grace: None,
        health: false,
        reserve_mib: None,
        restart: None,
        update: None,
    }
}

impl Scene {
    /// Everything up to the command.
    pub async fn before(command: Command) -> Self {
        let driver = Driver::new(7);
        let parsed = |cluster: &Cluster| driver.parse(cluster).expect("a manifest");
        let (small, changed) = (parsed(&small()), parsed(&changed()));
        let first = matches!(
            command,
            Command::First | Command::FirstForward | Command::FirstBack
        );
        if !first {
            let exit = driver.apply(&small, &Selection::default()).await.exit;
            assert_eq!(exit, Exit::Done);
        }
        let (before, after) = match command {
            Command::First | Command::FirstForward | Command::FirstBack => (None, small),
            Command::Change
            | Command::ChangeForward
            | Command::ChangeBack
            | Command::Settle
            | Command::Restore => (Some(small), changed),
            Command::Rename => {
                let mut renamed = self::small();
                "edge".clone_into(&mut renamed.pools[1].name);
                let renamed = driver.parse(&renamed).expect("a manifest");
                (Some(small), renamed)
            }
            Command::RebuildJournal => {
                // A rebuild finds what the manifest has, and says what else there is.
                let mut grown = self::small();
                grown.services.push(service("log", 1));
                let grown = driver.parse(&grown).expect("a manifest");
                (Some(small), grown)
            }
            Command::Destroy | Command::Forget | Command::RebuildWhole | Command::RebuildDamaged => {
                (Some(small.clone()), small)
            }
        };
        let killed = match command {
            Command::FirstForward | Command::FirstBack => Some(Kill::Entry(9)),
            Command::ChangeForward | Command::ChangeBack | Command::Settle | Command::RebuildJournal => {
                Some(Kill::Entry(4))
            }
            _ => None,
        };
        if let Some(kill) = killed {
            let ended = driver.troubled(&after, Verb::Apply, &[], Some(kill)).await;
            assert_eq!(ended.exit, Exit::Killed);
        }
        if command == Command::Restore {
            assert_eq!(driver.apply(&after, &Selection::default()).await.exit, Exit::Done);
        }
        if command == Command::RebuildDamaged {
            driver.put_back(b"no state");
        }
        if command == Command::RebuildJournal {
            driver.memory.put("journal.jsonl", "no journal\n");
        }
        Self {
            driver,
            before,
            after,
        }
    }
}

/// What a person would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    Change(Verb),
    Forget,
    Rename,
    Restore(u64),
    Rebuild,
}

impl Command {
    /// What is typed for it.
    pub fn typed(self) -> Typed {
        match self {
            Self::First | Self::Change | Self::Settle => Typed::Change(Verb::Apply),
            Self::Destroy => Typed::Change(Verb::Destroy),
            Self::FirstForward | Self::ChangeForward => Typed::Change(Verb::Forward),
            Self::FirstBack | Self::ChangeBack => Typed::Change(Verb::Back),
            Self::Forget => Typed::Forget,
            Self::Rename => Typed::Rename,
            Self::Restore => Typed::Restore(1),
            Self::RebuildWhole | Self::RebuildDamaged | Self::RebuildJournal => Typed::Rebuild,
        }
    }
}
