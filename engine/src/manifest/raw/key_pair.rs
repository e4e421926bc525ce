//! `[key_pair]`.

use crate::manifest::decode::section;
use crate::manifest::formats::{KeyPairName, PlainText};

section! {
    /// The SSH key that instances are started with. Its public half is imported into EC2; the
    /// private half never reaches AWS, nor Subako's state.
    pub struct KeyPair = "[key_pair]" {
        /// The key pair's name in EC2, unique in the region.
        required name: KeyPairName,
        /// The file of the public key (OpenSSH, ED25519 or RSA), from the manifest's directory
        /// or from `~`; or the key itself, as in "ssh-ed25519 AAAA…".
        required public_key: PlainText,
    }
    elsewhere {
        "private_key" => "the private key's file is `private_key` under [ssh]; it stays on your machine",
    }
}
