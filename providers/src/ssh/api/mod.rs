//! The Docker Engine API, call by call, in the terms of the seam.
//!
//! `client` sends requests and turns answers into failures; the other files know one kind of
//! object each. What the engine says is read leniently (a field it lacks has its documented
//! default), what is sent starts from what the engine said.

mod answer;
mod client;
mod files;
mod images;
mod networks;
mod nodes;
mod read;
mod service_read;
#[cfg(test)]
mod service_tests;
mod services;
mod swarm;
mod tasks;

pub(super) use client::Api;
