//! `[secret.NAME]`, `[config.NAME]`, and how a service names them.

use crate::manifest::decode::section;
use crate::manifest::formats::{FileMode, PlainText};

section! {
    /// A secret: kept encrypted by the swarm, a file in memory for the services that name it.
    pub struct SecretSource = "a secret" {
        /// The file whose bytes it is; a relative path starts from the manifest's directory.
        optional file: PlainText,
        /// The environment variable whose value it is.
        optional env: PlainText,
        /// Whether a plan that would delete or replace it is refused, also once its block is gone.
        /// Default: false.
        optional protect: bool,
    }
    elsewhere {
        "content" => "a secret does not stand in the manifest: name its `file`, or the variable of your environment in `env`",
        "environment" => "did you mean `env`?",
        "path" => "did you mean `file`?",
        "name" => "Subako makes the name in the swarm from this one and the content",
        "external" => "every secret of a manifest is made from it: name its `file` or its `env`",
    }
    later {
        "driver" => "until then, secrets are the swarm's own",
        "template_driver" => "until then, a secret is its content as it is",
        "labels" => "until then, a secret has Subako's own labels only",
    }
}

section! {
    /// A config: a file for the services that name it.
    pub struct ConfigSource = "a config" {
        /// The file whose bytes it is; a relative path starts from the manifest's directory.
        optional file: PlainText,
        /// The content itself.
        optional content: String,
        /// Whether a plan that would delete or replace it is refused, also once its block is gone.
        /// Default: false.
        optional protect: bool,
    }
    elsewhere {
        "environment" => "write content = \"${env:NAME}\"",
        "env" => "write content = \"${env:NAME}\"",
        "path" => "did you mean `file`?",
        "name" => "Subako makes the name in the swarm from this one and the content",
        "external" => "every config of a manifest is made from it: name its `file`, or write its `content`",
    }
    later {
        "template_driver" => "until then, a config is its content as it is",
        "labels" => "until then, a config has Subako's own labels only",
    }
}

section! {
    /// A secret or config in a service's containers, in its long form.
    pub struct FileUseTable = "a file of a service" {
        /// The name of the [secret.NAME] or [config.NAME].
        required source: String,
        /// The file in the container: a secret's is below /run/secrets, a config's below /, unless
        /// it is absolute. Default: its name.
        optional target: PlainText,
        /// The number of the user that it belongs to. Default: "0".
        optional uid: PlainText,
        /// The number of the group that it belongs to. Default: "0".
        optional gid: PlainText,
        /// Its permissions, octal. Default: "0444".
        optional mode: FileMode,
    }
    elsewhere {
        "src" => "did you mean `source`?",
        "name" => "did you mean `source`?",
        "path" => "did you mean `target`?",
    }
}
