//! One reading of the whole cluster, as kinds look for their resources in it.

mod machines;
mod managers;

pub use managers::{Managers, Standing};

use std::collections::{BTreeMap, BTreeSet};

use subako_state::{Address, Json};

use crate::fast::{FastMap, FastSet};
use crate::machine::Machine;
use crate::reference::Ref;
use crate::world::{CloudSurvey, Instance, Network, Node, Service, SwarmFile, Task};

/// What one manager says of the swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct SwarmView {
    /// The manifest name of the manager that was asked.
    pub via: String,
    /// Managers that were asked before it and gave no answer.
    pub silent: BTreeSet<String>,
    /// The cluster id.
    pub id: String,
    /// Ranges that overlay networks are cut from.
    pub addr_pool: Vec<String>,
    /// The mask length of each network.
    pub subnet_size: u8,
    /// Labels of the swarm.
    pub labels: BTreeMap<String, String>,
    /// The nodes, sorted by id.
    pub nodes: Vec<Node>,
    /// The overlay networks, sorted by name.
    pub networks: Vec<Network>,
    /// The secrets, sorted by name.
    pub secrets: Vec<SwarmFile>,
    /// The configs, sorted by name.
    pub configs: Vec<SwarmFile>,
    /// The services, sorted by name.
    pub services: Vec<Service>,
    /// The tasks, sorted by service, slot and id.
    pub tasks: Vec<Task>,
}

/// What is known of the swarm.
#[derive(Debug, Clone, PartialEq)]
pub enum SwarmSurvey {
    /// No instance is in a swarm.
    None,
    /// Nobody who could know answers, and why.
    Unreachable(String),
    /// A manager answered.
    Read(Box<SwarmView>),
}

/// One reading of the whole cluster.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The cluster's name.
    pub cluster: String,
    /// The cloud's objects that carry the cluster's tag.
    pub cloud: CloudSurvey,
    /// Objects that have a wanted name but not the cluster's tag, by kind and name: who has it.
    pub foreign: BTreeMap<(String, String), String>,
    /// The swarm.
    pub swarm: SwarmSurvey,
    /// Whether no instance is left that could still hold the recorded swarm: every manager's
    /// is gone, or runs and says that it is in no swarm.
    pub swarm_lost: bool,
    /// The managers.
    pub managers: Managers,
    /// The ids of running machines of which no manager could tell, and that do not answer themselves.
    pub silent: BTreeSet<String>,
    /// The ids of nodes that the swarm has lost although their engines answer, and that it does not let in
    /// any more: their certificates have run out, or they are managers of what the swarm was before it was
    /// re-formed from another one.
    pub barred: BTreeSet<String>,
    /// The names whose recorded node is that of a machine before the recorded one.
    pub former: BTreeSet<String>,
    /// The address that a recorded object carries, where that is another one than it is recorded
    /// under: everything else here has the recorded one.
    pub misnamed: BTreeMap<Address, String>,
    /// Outputs by address, current resources only: as recorded, or as found by now.
    outputs: FastMap<Address, Json>,
    /// Recorded resources that are another object by now than the one that is recorded.
    moved: FastSet<Address>,
    /// The machine that each name has: its index.
    named: FastMap<String, usize>,
    /// Instances by id: the index in `cloud.instances`.
    instances: FastMap<String, usize>,
    /// The instances as machines, in the same order.
    machines: Vec<Machine>,
    /// Nodes by id: the index in the swarm's nodes.
    nodes: FastMap<String, usize>,
}

impl Survey {
    /// Puts a survey together from its parts.
    pub(crate) fn assemble(
        cluster: &str,
        cloud: CloudSurvey,
        foreign: BTreeMap<(String, String), String>,
        swarm: SwarmSurvey,
        swarm_lost: bool,
        outputs: FastMap<Address, Json>,
    ) -> Self {
        let instances = cloud
            .instances
            .iter()
            .enumerate()
            .map(|(index, i)| (i.id.clone(), index))
            .collect();
        let machines = cloud.instances.iter().map(Machine::of_instance).collect();
        let nodes = match &swarm {
            SwarmSurvey::Read(view) => view
                .nodes
                .iter()
                .enumerate()
                .map(|(index, node)| (node.id.clone(), index))
                .collect(),
            _ => FastMap::default(),
        };
        let mut survey = Self {
            cluster: cluster.to_owned(),
            cloud,
            foreign,
            swarm,
            swarm_lost,
            managers: Managers::default(),
            silent: BTreeSet::new(),
            barred: BTreeSet::new(),
            former: BTreeSet::new(),
            misnamed: BTreeMap::new(),
            outputs,
            moved: FastSet::default(),
            named: FastMap::default(),
            instances,
            machines,
            nodes,
        };
        survey.name_machines(&FastSet::default(), None);
        survey
    }

    /// The machine that has a name.
    pub fn machine_named(&self, name: &str) -> Option<&Machine> {
        self.named.get(name).map(|index| &self.machines[*index])
    }

    /// The machine at a private address, if it is the cluster's.
    pub fn machine_at(&self, private_ip: &str) -> Option<&Machine> {
        let mut machines = self.machines.iter();
        machines.find(|machine| machine.private_ip == private_ip && !machine.is_gone())
    }

    /// What a resource was found to answer, for those that refer to it. `moved` says that it is
    /// another object than the one recorded.
    pub(crate) fn take_in(&mut self, address: &Address, outputs: Json, moved: bool) {
        self.outputs.insert(address.clone(), outputs);
        if moved {
            self.moved.insert(address.clone());
        }
    }

    /// Whether the machine that has a name is another one by now than the one that is recorded.
    pub fn machine_has_moved(&self, name: &str) -> bool {
        let machine = self.machine_named(name).filter(|_| !self.moved.is_empty());
        machine.is_some_and(|machine| self.moved.contains(&Address::new(machine.kind, name)))
    }

    /// Why the recorded machine of a name could not be read, where it could not.
    pub fn unread_machine(&self, name: &str) -> Option<&str> {
        let outputs = self.outputs.get(&Address::new("instance", name))?;
        let id = outputs.text_field("instance_id")?;
        self.cloud.unread.get(&id).map(String::as_str)
    }

    /// The value of a reference as the recorded outputs give it.
    pub fn resolve(&self, reference: &Ref) -> Option<String> {
        match reference {
            Ref::Value(value) => Some(value.clone()),
            Ref::To { address, attr } => self.outputs.get(address)?.text_field(attr),
        }
    }

    /// The instance with that id.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.instances.get(id).map(|index| &self.cloud.instances[*index])
    }

    /// The machines.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The machine with that id.
    pub fn machine(&self, id: &str) -> Option<&Machine> {
        self.instances.get(id).map(|index| &self.machines[*index])
    }

    /// The node with that id, if the swarm was read.
    pub fn node(&self, id: &str) -> Option<&Node> {
        match &self.swarm {
            SwarmSurvey::Read(view) => self.nodes.get(id).map(|index| &view.nodes[*index]),
            _ => None,
        }
    }

    /// The swarm, if it was read.
    pub fn view(&self) -> Option<&SwarmView> {
        match &self.swarm {
            SwarmSurvey::Read(view) => Some(view),
            _ => None,
        }
    }
}
