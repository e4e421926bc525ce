//! What means the same, or need not be replaced, changes nothing.

use super::demo::{Demo, demo};
use super::row::{Row, all, edit, then};

#[test]
fn what_means_the_same() {
    let base = demo(3, 1)
        .network("net", "")
        .service("web", "networks = [\"net\"]\nconstraints = [\"node.role == worker\", \"node.labels.subako.name == node-0\"]");
    let same = |edits: &[(&str, &str)]| edit("respelled", &base, edits).unchanged();
    let swapped = "constraints = [\"node.labels.subako.name == node-0\", \"node.role == worker\"]";
    all(&[
        same(&[("[swarm]", "[swarm]\naddr_pool = \"10.0.0.0/8\"")]),
        same(&[("[swarm]", "[swarm]\nsubnet_size = 24")]),
        same(&[("[swarm]", "[swarm]\nengine_version = \"25.0.8\"")]),
        same(&[("\"nginx\"", "\"docker.io/library/nginx:latest\"")]),
        same(&[("\"nginx\"", "\"library/nginx\"")]),
        same(&[(
            "constraints = [\"node.role == worker\", \"node.labels.subako.name == node-0\"]",
            swapped,
        )]),
        same(&[(
            "\"nginx\"\n",
            "\"nginx\"\nrestart_policy = { condition = \"any\" }\nstop_grace_period = \"10s\"\n",
        )]),
        same(&[(
            "\"nginx\"\n",
            "\"nginx\"\nmode = \"replicated\"\nreplicas = 1\nendpoint_mode = \"vip\"\n",
        )]),
        same(&[(
            "\"nginx\"\n",
            "\"nginx\"\nupdate_config = { parallelism = 1, order = \"stop-first\", failure_action = \"pause\", monitor = \"5s\" }\n",
        )]),
        same(&[(
            "\"net\"\n",
            "\"net\"\nattachable = false\nencrypted = false\ninternal = false\ndriver = \"overlay\"\n",
        )]),
        same(&[(
            "role = \"worker\"",
            "role = \"worker\"\navailability = \"active\"\nprotect = false\ndisk_encrypted = false",
        )]),
        same(&[
            ("role = \"manager\"", "role = \"manager\"\npublic_ip = true"),
            ("role = \"worker\"", "role = \"worker\"\npublic_ip = true"),
        ]),
        same(&[("\nami = \"amazon-linux-2023\"\ndisk_gib = 8", "")]),
        same(&[(
            "ssh_from = \"198.51.100.7/32\"",
            "ssh_from = [\"198.51.100.7/32\"]\npublish_to = \"0.0.0.0/0\"",
        )]),
        same(&[("[ssh]", "[ssh]\nuser = \"ec2-user\"\nport = 22\nvia = \"public\"")]),
        same(&[("name = \"search\"", "name = \"search\"\ntags = {}")]),
    ]);
}

fn zones(letters: &str) -> Demo {
    let named: Vec<String> = letters
        .chars()
        .map(|zone| format!("\"ap-northeast-1{zone}\""))
        .collect();
    demo(3, 3).aws(&format!("availability_zones = [{}]", named.join(", ")))
}

#[test]
fn machines_stay_where_they_may_be() {
    let same =
        |before: &str, after: &str| -> Row { then("zones", &zones(before), &zones(after)).unchanged() };
    all(&[
        same("acd", "cad"),
        same("ac", "acd"),
        same("a", "ac"),
        same("acd", "dca"),
        then("none named any more", &zones("acd"), &demo(3, 3).aws("")).unchanged(),
        then("a zone goes", &zones("ac"), &zones("a")),
    ]);
}
