//! Ports published by services: who has which.

use std::collections::BTreeMap;

use crate::manifest::decode::Context;
use crate::manifest::error::{Code, ManifestError};
use crate::manifest::formats::Transport;
use crate::manifest::raw::{Published, PublishedTable};
use crate::manifest::span::{At, Span};
use crate::world::{Endpoint, PublishMode};

/// More ports than this in one entry would be more rules than a node can hold.
const MOST_PORTS: usize = 1000;

/// The published ports of all services so far.
#[derive(Debug)]
pub struct PublishedPorts {
    taken: BTreeMap<(Transport, u16), Taken>,
    ssh_port: u16,
}

#[derive(Debug, Clone)]
struct Taken {
    mode: PublishMode,
    span: Span,
    service: usize,
}

impl PublishedPorts {
    /// None so far. Hosts are logged in to by `ssh_port`.
    pub fn new(ssh_port: u16) -> Self {
        Self {
            taken: BTreeMap::new(),
            ssh_port,
        }
    }

    /// The endpoints of one entry of the service with this number, once its conflicts with all
    /// entries before it are reported.
    pub fn publish(&mut self, cx: &mut Context<'_>, service: usize, entry: At<Published>) -> Vec<Endpoint> {
        let span = entry.span;
        let endpoints = match entry.value {
            Published::Long(table) => Vec::from_iter(long(&table)),
            Published::Short(short) if short.published.len() > MOST_PORTS => {
                cx.report(
                    ManifestError::new(
                        Code::OutOfRange,
                        format!("at most {MOST_PORTS} ports can be published at once"),
                    )
                    .at(span, format!("these are {}", short.published.len())),
                );
                Vec::new()
            }
            Published::Short(short) => short
                .published
                .zip(short.target)
                .map(|(published, target)| Endpoint {
                    mode: PublishMode::Ingress,
                    protocol: short.transport.as_str().to_owned(),
                    published,
                    target,
                })
                .collect(),
        };
        // One report an entry is enough, however long its range.
        let mut reported = false;
        for endpoint in &endpoints {
            let problem = self.take(service, endpoint, span);
            if let Some(problem) = problem.filter(|_| !reported) {
                cx.report(problem);
                reported = true;
            }
        }
        endpoints
    }

    fn take(&mut self, service: usize, endpoint: &Endpoint, span: Span) -> Option<ManifestError> {
        let transport = if endpoint.protocol == "udp" {
            Transport::Udp
        } else {
            Transport::Tcp
        };
        let port = format!("port {}/{}", endpoint.published, endpoint.protocol);
        if let Some(owner) = self.reserved(transport, endpoint.published) {
            return Some(
                ManifestError::new(Code::PortTaken, format!("{port} is taken on every node"))
                    .at(span, format!("{owner} needs it"))
                    .help("publish another port; the one in the container can stay"),
            );
        }
        let taker = Taken {
            mode: endpoint.mode,
            span,
            service,
        };
        let first = match self.taken.entry((transport, endpoint.published)) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(taker);
                return None;
            }
            std::collections::btree_map::Entry::Occupied(first) => first.get().clone(),
        };
        // Two services may publish the same port on hosts: their tasks then keep apart.
        let hosts_of_two = first.mode == PublishMode::Host && taker.mode == PublishMode::Host;
        if hosts_of_two && first.service != service {
            return None;
        }
        let word = if first.service == service {
            "by the same service"
        } else {
            "by another service"
        };
        Some(
            ManifestError::new(Code::PortTaken, format!("{port} is published twice"))
                .at(span, "published again here")
                .at(first.span, format!("already published {word}"))
                .help("every node answers on a published port for one service: choose another port, such as \"8080:80\""),
        )
    }

    /// Who needs a port on every node.
    fn reserved(&self, transport: Transport, port: u16) -> Option<&'static str> {
        match (transport, port) {
            (Transport::Tcp, 2377) => Some("the swarm's management"),
            (_, 7946) => Some("the gossip between the nodes"),
            (Transport::Udp, 4789) => Some("the overlay networks' VXLAN"),
            (Transport::Tcp, port) if port == self.ssh_port => Some("SSH, by which Subako logs in,"),
            _ => None,
        }
    }
}

fn long(table: &PublishedTable) -> Option<Endpoint> {
    let port = |field: &Option<At<crate::manifest::decode::Int<1, 65535>>>| {
        field.as_ref().and_then(|port| u16::try_from(port.0).ok())
    };
    Some(Endpoint {
        mode: table
            .mode
            .as_ref()
            .map_or(PublishMode::Ingress, |mode| mode.value),
        protocol: table
            .protocol
            .as_ref()
            .map_or(Transport::Tcp, |at| at.value)
            .as_str()
            .to_owned(),
        published: port(&table.published)?,
        target: port(&table.target)?,
    })
}
