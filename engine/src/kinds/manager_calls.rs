//! What a swarm is asked: each call goes to a manager that answers, and to another where that one
//! has stopped being one ([`Managers::ask_any`]).

use std::sync::Arc;

use futures::FutureExt as _;

use super::swarm_access::Managers;
use crate::world::{
    Content, FileKind, FileSpec, Host, Network, NetworkSpec, Node, NodeUpdate, Result, Service, ServiceSpec,
    Swarm, SwarmFile, Task, TaskFilter,
};

/// Methods of [`Managers`] that are calls of [`Host`] with the same name and arguments.
macro_rules! asked {
    ($($(#[$doc:meta])* $call:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl Managers<'_> {
            $(
                $(#[$doc])*
                pub async fn $call(&mut self, $($argument: $kind),*) -> Result<$answer> {
                    self.ask_any(|host: Arc<dyn Host>| async move { host.$call($($argument),*).await }.boxed())
                        .await
                }
            )*
        }
    };
}

asked! {
    /// The swarm and its tokens.
    swarm_inspect() -> Swarm;
    /// The nodes.
    nodes() -> Vec<Node>;
    /// One node.
    node(id: &str) -> Option<Node>;
    /// Changes a node.
    update_node(id: &str, update: &NodeUpdate) -> ();
    /// Forgets a node.
    remove_node(id: &str, force: bool) -> ();
    /// The overlay networks.
    networks() -> Vec<Network>;
    /// Creates a network.
    create_network(spec: &NetworkSpec) -> String;
    /// Removes a network.
    remove_network(name: &str) -> ();
    /// The secrets or the configs.
    files(kind: FileKind) -> Vec<SwarmFile>;
    /// Creates a secret or a config.
    create_file(kind: FileKind, spec: &FileSpec, content: &Content) -> String;
    /// Removes a secret or a config.
    remove_file(kind: FileKind, name: &str) -> ();
    /// One service.
    service(name: &str) -> Option<Service>;
    /// Creates a service.
    create_service(spec: &ServiceSpec) -> String;
    /// Changes a service.
    update_service(spec: &ServiceSpec, force: bool) -> ();
    /// Removes a service.
    remove_service(name: &str) -> ();
    /// Tasks.
    tasks(filter: &TaskFilter) -> Vec<Task>;
}
