//! `[registry]`.

use crate::manifest::decode::section;
use crate::manifest::formats::PlainText;

section! {
    /// Logins to private registries. They are read when a service needs one, passed on to the
    /// swarm, and never kept.
    pub struct Registry = "[registry]" {
        /// The Docker client's configuration, which `docker login` writes: "~/.docker/config.json".
        required docker_config: PlainText,
    }
    elsewhere {
        "config" => "did you mean `docker_config`?",
        "username" => "a manifest holds no logins: use `docker login`, and name the file that it writes in `docker_config`",
        "password" => "a manifest holds no logins: use `docker login`, and name the file that it writes in `docker_config`",
        "auth" => "a manifest holds no logins: use `docker login`, and name the file that it writes in `docker_config`",
    }
}
