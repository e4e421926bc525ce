//! `[ssh]`.

use crate::manifest::decode::{Int, keywords, plain_schema, section};
use crate::manifest::formats::{Duration, Jump, PlainText, UserName};

section! {
    /// How Subako logs in to the instances.
    pub struct Ssh = "[ssh]" {
        /// The login user of the image: "ec2-user" on Amazon Linux (the default), "admin" on
        /// Debian, "ubuntu" on Ubuntu.
        optional user: UserName,
        /// The port of the SSH server. Default: 22.
        optional port: Int<1, 65535>,
        /// The file of the private key, from the manifest's directory or from `~`. Left out,
        /// the SSH agent is asked.
        optional private_key: PlainText,
        /// The addresses that instances are dialled by: "public" (the default) or "private",
        /// for a machine inside the VPC, behind a VPN, or with `jump`.
        optional via: Via,
        /// A bastion to go through, "user@host" or "user@host:port". Without a user, it is
        /// that of this section. Its host key is pinned by the first apply, unless `known_hosts`
        /// is named: then that has to list it.
        optional jump: Jump,
        /// A known_hosts file whose host keys must match. A host or bastion that it does not list
        /// is refused, unless its key is pinned already or the host was just launched: nobody can
        /// list a key that does not exist yet. Left out, a key is pinned at first contact.
        optional known_hosts: PlainText,
        /// How long an instance may take to boot and let us in, for example "5m" (the default).
        optional boot_timeout: Duration,
        /// How long one remote command may take, for example "10m" (the default).
        optional command_timeout: Duration,
    }
    elsewhere {
        "key" => "did you mean `private_key`?",
        "public_key" => "the public key is `public_key` under [key_pair]",
        "ssh_from" => "who may log in is `ssh_from` under [security_group]",
    }
}

/// The addresses that instances are dialled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The public ones.
    Public,
    /// The private ones.
    Private,
}

keywords!(Via, "\"public\" or \"private\"", { "public" => Via::Public, "private" => Via::Private, });
plain_schema!(Via => "Via" { "enum": ["public", "private"] });
