//! `[docker]`.

use crate::manifest::decode::{Int, OneOrMany, keywords, plain_schema, section};
use crate::manifest::formats::{Bip, Bytes, Mirror, Range4};

/// Where containers' output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogDriver {
    /// Files of JSON, which `docker logs` reads.
    JsonFile,
    /// Files in a form of Docker's own, which `docker logs` reads.
    Local,
    /// The journal of systemd.
    Journald,
    /// Nowhere.
    None,
}

impl LogDriver {
    /// The word for it, also Docker's.
    pub const fn word(self) -> &'static str {
        match self {
            Self::JsonFile => "json-file",
            Self::Local => "local",
            Self::Journald => "journald",
            Self::None => "none",
        }
    }

    /// Whether it keeps files that are rotated.
    pub const fn rotates(self) -> bool {
        matches!(self, Self::JsonFile | Self::Local)
    }
}

plain_schema! {
    LogDriver => "LogDriver" { "type": "string", "enum": ["json-file", "local", "journald", "none"] },
}

keywords!(LogDriver, "\"json-file\", \"local\", \"journald\" or \"none\"", {
    "json-file" => LogDriver::JsonFile,
    "local" => LogDriver::Local,
    "journald" => LogDriver::Journald,
    "none" => LogDriver::None,
});

section! {
    /// Settings of the Docker Engine on every host, which Subako writes into its daemon.json.
    /// Engines that are installed from now on have these defaults; those that are there already
    /// get them once the section is written, and are restarted for it, one at a time. Keys of
    /// daemon.json that are not here are left alone.
    pub struct Docker = "[docker]" {
        /// Where containers' output goes: "json-file" (the default), "local", "journald" or "none".
        optional log_driver: LogDriver,
        /// The size at which a container's log is rotated ("json-file", "local"). Default: "10M".
        optional log_max_size: Bytes,
        /// How many files of a container's log are kept ("json-file", "local"). Default: 3.
        optional log_max_file: Int<1, 1000>,
        /// The address of the bridge docker0 with its mask, for example "192.168.240.1/24". Left
        /// out, Docker's own (172.17.0.1/16) unless that collides with the VPC, else another.
        optional bip: Bip,
        /// IPv4 ranges that networks of one host, such as docker_gwbridge, are cut from in /24s.
        /// Left out, Docker's own unless those collide with the VPC, else others.
        optional address_pools: OneOrMany<Range4>,
        /// Mirrors of Docker Hub, asked in this order: "https://mirror.example.com".
        optional registry_mirrors: OneOrMany<Mirror>,
    }
    elsewhere {
        "engine_version" => "the version of the engine is `engine_version` under [swarm]",
        "version" => "the version of the engine is `engine_version` under [swarm]",
        "default-address-pools" => "did you mean `address_pools`?",
        "default_address_pools" => "did you mean `address_pools`?",
        "log-driver" => "did you mean `log_driver`?",
        "log-opts" => "did you mean `log_max_size` and `log_max_file`?",
        "log_opts" => "did you mean `log_max_size` and `log_max_file`?",
        "registry-mirrors" => "did you mean `registry_mirrors`?",
        "insecure-registries" => "a registry is reached by TLS: give its certificate to the hosts' image",
    }
}
