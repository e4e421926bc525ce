//! Real hosts: log in over SSH, install the Docker Engine, drive its API.
//!
//! One multiplexed SSH connection per host carries everything: commands (only to install) and
//! the engine's own socket, reached through a socket channel. No TCP port is opened and no text
//! meant for people is parsed.
//!
//! The Engine API is spoken as plain HTTP and JSON, without a typed client: a typed
//! read-modify-write drops every field its types do not know, and an update of a service or a
//! node must leave what nobody manages as it is.

mod api;
mod auth;
mod base64;
mod connection;
mod daemon;
mod dial;
mod engine_http;
mod exec;
mod host;
mod host_key;
mod hosts;
mod install;
#[cfg(test)]
mod install_tests;
mod link;
mod options;
mod registry;
mod stream;

pub use hosts::SshHosts;
pub use options::{DOCKER_SOCKET, SshOptions};
