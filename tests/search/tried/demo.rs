//! The cluster that is tried, as text: managers, workers, and what a row adds.

use std::fmt::Write as _;

use crate::cluster::NAME;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqcLkuqN1vPQMgC3pQ3q9hfFFPKZ1Tt1d4mGeZYXz0a me";

/// A manifest in parts, which a row sets as it needs.
#[derive(Debug, Clone)]
pub struct Demo {
    managers: u32,
    workers: u32,
    aws: String,
    ssh: String,
    group: String,
    swarm: String,
    of_managers: String,
    of_workers: String,
    rest: String,
}

/// So many managers and workers, in one zone, reached from one address.
pub fn demo(managers: u32, workers: u32) -> Demo {
    Demo {
        managers,
        workers,
        aws: "availability_zones = [\"ap-northeast-1a\"]".into(),
        ssh: String::new(),
        group: "ssh_from = \"198.51.100.7/32\"".into(),
        swarm: String::new(),
        of_managers: String::new(),
        of_workers: String::new(),
        rest: String::new(),
    }
}

impl Demo {
    /// Keys of `[aws]`, in place of the zone.
    pub fn aws(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.aws);
        self
    }

    /// Keys of `[ssh]`.
    pub fn ssh(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.ssh);
        self
    }

    /// Keys of `[security_group]`, in place of `ssh_from`.
    pub fn group(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.group);
        self
    }

    /// Keys of `[docker]`.
    pub fn docker(mut self, keys: &str) -> Self {
        let _ = writeln!(self.rest, "\n[docker]\n{keys}");
        self
    }

    /// Keys of `[swarm]`.
    pub fn swarm(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.swarm);
        self
    }

    /// More keys of the managers' pool.
    pub fn of_managers(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.of_managers);
        self
    }

    /// More keys of the workers' pool.
    pub fn of_workers(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.of_workers);
        self
    }

    /// A service of nginx.
    pub fn service(self, name: &str, keys: &str) -> Self {
        self.image(name, "nginx", keys)
    }

    /// A service of an image.
    pub fn image(mut self, name: &str, image: &str, keys: &str) -> Self {
        let _ = writeln!(
            self.rest,
            "\n[[service]]\nname = \"{name}\"\nimage = \"{image}\"\n{keys}"
        );
        self
    }

    /// A network.
    pub fn network(mut self, name: &str, keys: &str) -> Self {
        let _ = writeln!(self.rest, "\n[[network]]\nname = \"{name}\"\n{keys}");
        self
    }

    /// A config.
    pub fn config(mut self, name: &str, content: &str) -> Self {
        let _ = writeln!(self.rest, "\n[config.{name}]\ncontent = \"{content}\"");
        self
    }

    /// A secret.
    pub fn secret(mut self, name: &str) -> Self {
        let _ = writeln!(self.rest, "\n[secret.{name}]\nenv = \"SECRET\"");
        self
    }

    /// The manifest.
    pub fn text(&self) -> String {
        let pool = |name: &str, role: &str, count: u32, more: &str| {
            let mut out = format!("\n[[pool]]\nname = \"{name}\"\nrole = \"{role}\"\ncount = {count}\n");
            for (key, value) in [
                ("instance_type", "\"t3.micro\""),
                ("ami", "\"amazon-linux-2023\""),
                ("disk_gib", "8"),
            ] {
                if !more.contains(key) {
                    let _ = writeln!(out, "{key} = {value}");
                }
            }
            out + more + "\n"
        };
        let Self {
            aws,
            ssh,
            group,
            swarm,
            rest,
            ..
        } = self;
        let group = match group.contains("name =") {
            true => group.clone(),
            false => format!("name = \"group\"\n{group}"),
        };
        let workers = match self.workers {
            0 => String::new(),
            count => pool("node", "worker", count, &self.of_workers),
        };
        format!(
            "[cluster]\nname = \"{NAME}\"\n\n[aws]\nregion = \"ap-northeast-1\"\n{aws}\n\n[key_pair]\nname = \"key\"\n\
             public_key = \"{KEY}\"\n\n[ssh]\n{ssh}\n\n[security_group]\n{group}\n\n[swarm]\n{swarm}\n{}{workers}{rest}",
            pool("manager", "manager", self.managers, &self.of_managers),
        )
    }
}

/// A text with the first place of each changed. A row whose edit changes nothing would try nothing.
#[track_caller]
pub fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        text.replacen(from, to, 1)
    })
}
