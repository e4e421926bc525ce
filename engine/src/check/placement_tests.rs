//! Nodes for services, as they are and as they change.

use crate::check::testing::{Case, manifest, only};

fn found(service: &str) -> Vec<crate::check::Finding> {
    let text = format!("[[service]]\nname = \"web\"\nimage = \"nginx\"\n{service}\n");
    Case::of(&manifest(&text)).findings("placement")
}

#[test]
fn a_service_that_some_node_can_take_is_fine() {
    for fine in [
        "",
        "constraints = [\"node.role == worker\"]",
        "constraints = [\"node.role == manager\"]",
        "constraints = [\"node.labels.subako.name == node-1\"]",
        "constraints = [\"node.labels.zone != a\"]",
        "mode = \"global\"",
        "replicas = 0\nconstraints = [\"node.labels.no == x\"]",
    ] {
        assert_eq!(found(fine), [], "{fine}");
    }
}

#[test]
fn constraints_that_no_node_meets_are_said_once_with_their_line() {
    for (bad, message) in [
        (
            "\"node.hostname == manager-0\"",
            "no node meets `node.hostname == manager-0`",
        ),
        (
            "\"node.labels.disk == ssd\"",
            "no node meets `node.labels.disk == ssd`",
        ),
        (
            "\"node.labels.subako.name == node-2\"",
            "no node meets `node.labels.subako.name == node-2`",
        ),
        ("\"node.id == x\"", "no node meets `node.id == x`"),
        (
            "\"node.platform.os == windows\"",
            "no node meets `node.platform.os == windows`",
        ),
        (
            "\"engine.labels.disk == ssd\"",
            "no node meets `engine.labels.disk == ssd`",
        ),
        (
            "\"node.role == worker\", \"node.role != worker\"",
            "no node meets all of its constraints: node.role == worker, node.role != worker",
        ),
    ] {
        assert_eq!(
            only(&found(&format!("constraints = [{bad}]"))),
            format!("Error 22 service web constraints: {message}")
        );
        let global = found(&format!("mode = \"global\"\nconstraints = [{bad}]"));
        assert_eq!(
            only(&global),
            format!("Error 23 service web constraints: {message}")
        );
    }
}

#[test]
fn workers_that_do_not_exist_or_take_no_tasks_meet_nothing() {
    let text =
        manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.role == worker\"]\n");
    let none = text.replace("count = 2", "count = 0");
    assert_eq!(
        only(&Case::of(&none).findings("placement")),
        "Error 22 service web constraints: no node meets `node.role == worker`"
    );
    let drained = text.replace("count = 2", "count = 2\navailability = \"drain\"");
    assert_eq!(
        only(&Case::of(&drained).findings("placement")),
        "Error 23 service web constraints: `node.role == worker` is met by pool `node` alone, whose nodes take no tasks"
    );
}

#[test]
fn where_every_pool_is_drained_nothing_runs() {
    let text = manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\n")
        .replace("instance_type = ", "availability = \"drain\"\ninstance_type = ");
    assert_eq!(
        only(&Case::of(&text).findings("placement")),
        "Error 21 service web: no node takes tasks: every pool is drained, paused or empty"
    );
}

/// What is said once `before` is applied and the manifest is `after`, for a part of it.
fn changed(before: &str, after: &str, target: &[&str]) -> Vec<String> {
    let mut case = Case::of(after);
    case.snapshot = Case::of(before).applied();
    case.selection.target = target.iter().map(|pattern| (*pattern).to_owned()).collect();
    let found = case.findings("placement");
    found
        .into_iter()
        .map(|finding| format!("{:?}: {}", finding.severity, finding.message))
        .collect()
}

const WORKERS: &str = "role = \"worker\"\ncount = 2\n";

#[test]
fn a_service_that_does_not_change_is_not_left_without_nodes() {
    let before =
        manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.role == worker\"]\n");
    let drained = format!("{WORKERS}availability = \"drain\"\n");
    for after in [
        &drained[..],
        "role = \"worker\"\ncount = 0\n",
        "role = \"manager\"\ncount = 2\n",
    ] {
        let after = before.replace(WORKERS, after);
        for target in [&[][..], &["member.node-*"]] {
            let said = changed(&before, &after, target);
            assert_eq!(said.len(), 1, "{after} {target:?}: {said:#?}");
            assert!(said[0].starts_with("Error: "), "{after} {target:?}: {said:#?}");
        }
        // Elsewhere something else changes.
        let said = changed(&before, &after, &["security_group.*"]);
        assert!(said.iter().all(|said| said.starts_with("Warning: ")), "{said:#?}");
    }
    assert_eq!(changed(&before, &before, &[]), Vec::<String>::new());
}

#[test]
fn nodes_that_are_paused_and_replaced_or_renamed_leave_their_tasks_without_a_place() {
    let before = manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\n");
    let paused = |text: &str| text.replace("instance_type = ", "availability = \"pause\"\ninstance_type = ");
    let severity = |after: &str| {
        changed(&before, after, &[])[0]
            .split(':')
            .next()
            .map(str::to_owned)
    };
    let after = paused(&before);
    assert_eq!(severity(&after).as_deref(), Some("Warning"));
    let replaced = after.replace(WORKERS, &format!("{WORKERS}disk_encrypted = true\n"));
    assert_eq!(severity(&replaced).as_deref(), Some("Error"));
    let renamed = after.replace("name = \"node\"", "name = \"other\"");
    assert_ne!(renamed, after);
    assert_eq!(severity(&renamed).as_deref(), Some("Error"));
    // The tasks are elsewhere.
    let constraint = "constraints = [\"node.role == manager\"]\n";
    let elsewhere = format!("{replaced}{constraint}");
    let said = changed(&format!("{before}{constraint}"), &elsewhere, &[]);
    assert!(said[0].starts_with("Warning: "), "{said:#?}");
}

#[test]
fn tasks_that_run_go_on_on_nodes_that_are_paused() {
    let before =
        manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.role == worker\"]\n");
    let paused = format!("{WORKERS}availability = \"pause\"\n");
    let after = before.replace(WORKERS, &paused);
    let said = changed(&before, &after, &[]);
    assert!(said[0].starts_with("Warning: "), "{said:#?}");
    // A node that leaves takes its tasks away, wherever the paused ones are.
    for renewed in [
        after.replace("nginx", "nginx:2"),
        after.replace("name = \"node\"", "name = \"work\""),
        after.replace("count = 2", "count = 1"),
    ] {
        assert_ne!(renewed, after);
        let said = changed(&before, &renewed, &[]);
        assert!(said[0].starts_with("Error: "), "{said:#?}");
    }
}

#[test]
fn a_global_service_is_not_renewed_while_its_nodes_are_paused() {
    let before = manifest("[[service]]\nname = \"web\"\nimage = \"nginx\"\nmode = \"global\"\n");
    let paused = before.replace(WORKERS, &format!("{WORKERS}availability = \"pause\"\n"));
    let renewed = |text: &str| text.replace("nginx", "nginx:2");
    let message =
        "its tasks on pool `node` cannot be replaced while that is paused: no new task starts there";
    assert_eq!(
        changed(&before, &renewed(&paused), &[]),
        [format!("Error: {message}")]
    );
    assert_eq!(
        changed(&paused, &renewed(&paused), &[]),
        [format!("Warning: {message}")]
    );
    for (before, after) in [
        (&before, &paused),
        (&before, &renewed(&before)),
        (&paused, &before),
    ] {
        assert_eq!(changed(before, after, &[]), Vec::<String>::new());
    }
    let labelled = format!("{paused}labels = {{ team = \"a\" }}\n");
    assert_eq!(changed(&before, &labelled, &[]), Vec::<String>::new());
}

#[test]
fn the_remedy_is_the_one_for_that_constraint() {
    let remedy = |text: &str| {
        let found = Case::of(text).findings("placement");
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].remedy.clone().expect("a remedy")
    };
    let with = |constraint: &str| {
        manifest(&format!(
            "[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"{constraint}\"]\n"
        ))
    };
    for (constraint, expected) in [
        (
            "node.hostname == manager-0",
            "EC2 chooses host names; a node's name in the manifest is a label: node.labels.subako.name == manager-0",
        ),
        (
            "node.labels.disk == ssd",
            "set labels = { \"disk\" = \"ssd\" } in a [[pool]], or correct the constraint",
        ),
        (
            "node.labels.subako.name == node-2",
            "the nodes are manager-0, node-0 to node-1",
        ),
    ] {
        assert_eq!(remedy(&with(constraint)), expected);
    }
    let one = with("node.labels.subako.name == node-2").replace("count = 2", "count = 0");
    assert_eq!(remedy(&one), "the nodes are manager-0");
    let worker = with("node.role == worker");
    assert_eq!(
        remedy(&worker.replace("count = 2", "count = 0")),
        "remove the constraint, or add a [[pool]] whose nodes meet it",
        "a pool of workers is there"
    );
    assert_eq!(
        remedy(&worker.replace("role = \"worker\"", "role = \"manager\"")),
        "add a [[pool]] with role = \"worker\", or remove the constraint"
    );
    assert_eq!(
        remedy(&worker.replace("count = 2", "count = 2\navailability = \"drain\"")),
        "set availability = \"active\" in pool `node`"
    );
    let both = with("node.role == worker\", \"node.role != worker");
    assert_eq!(
        remedy(&both),
        "remove one of them, or add a [[pool]] whose nodes meet all of them"
    );
    let drained =
        with("node.role == worker").replace("instance_type = ", "availability = \"drain\"\ninstance_type = ");
    assert_eq!(
        remedy(&drained),
        "set availability = \"active\" in one [[pool]], or add another"
    );
}

#[test]
fn nodes_that_change_what_may_run_on_them_take_a_service_along_and_others_do_not() {
    let web = "[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.labels.disk == ssd\"]\n";
    let before = manifest(web).replace(WORKERS, &format!("{WORKERS}labels = {{ disk = \"ssd\" }}\n"));
    let target = &["member.node-*"];
    // The label goes, or becomes another.
    let bare = manifest(web);
    let said = changed(&before, &bare, target);
    assert!(said.len() == 1 && said[0].starts_with("Error: "), "{said:#?}");
    let other = manifest(web).replace(WORKERS, &format!("{WORKERS}labels = {{ disk = \"hdd\" }}\n"));
    let said = changed(&before, &other, target);
    assert!(said.len() == 1 && said[0].starts_with("Error: "), "{said:#?}");
    // It was so before, and what changes is something else.
    let more = bare.replace(WORKERS, "role = \"worker\"\ncount = 3\n");
    let said = changed(&bare, &more, target);
    assert!(said.len() == 1 && said[0].starts_with("Warning: "), "{said:#?}");
    let group = bare.replace("198.51.100.7/32", "198.51.100.8/32");
    let said = changed(&bare, &group, &["security_group.*"]);
    assert!(said.len() == 1 && said[0].starts_with("Warning: "), "{said:#?}");
}

#[test]
fn only_a_service_that_is_there_goes_on_on_paused_nodes() {
    let web = "[[service]]\nname = \"web\"\nimage = \"nginx\"\nconstraints = [\"node.role == worker\"]\n";
    let paused = format!("{WORKERS}availability = \"pause\"\n");
    let before = manifest("");
    let after = manifest(web).replace(WORKERS, &paused);
    let said = changed(&before, &after, &[]);
    assert!(said.len() == 1 && said[0].starts_with("Error: "), "{said:#?}");
    // The pool that is paused is one on which it could not run in any case.
    let drained = manifest(web)
        .replace(WORKERS, &format!("{WORKERS}availability = \"drain\"\n"))
        .replace(
            "role = \"manager\"\n",
            "role = \"manager\"\navailability = \"pause\"\n",
        );
    let said = changed(&manifest(web), &drained, &[]);
    assert!(said.iter().any(|said| said.starts_with("Error: ")), "{said:#?}");
}

#[test]
fn settings_that_replace_no_task_renew_no_global_service() {
    let text = |more: &str| {
        let service = format!("[[service]]\nname = \"web\"\nimage = \"nginx\"\nmode = \"global\"\n{more}");
        manifest(&service).replace(WORKERS, &format!("{WORKERS}availability = \"pause\"\n"))
    };
    for (more, renews) in [
        ("labels = { team = \"a\" }\n", false),
        ("ports = [\"80:80\"]\n", true),
        ("endpoint_mode = \"dnsrr\"\n", true),
        ("update_config = { parallelism = 2 }\n", false),
        ("environment = { A = \"1\" }\n", true),
        ("command = [\"true\"]\n", true),
    ] {
        let said = changed(&text(""), &text(more), &[]);
        assert_eq!(said.len(), usize::from(renews), "{more}: {said:#?}");
    }
    // Made new it has no tasks to replace; and one with replicas finds other nodes.
    let said = changed(&manifest(""), &text(""), &[]);
    assert_eq!(said, [""; 0]);
    let replicas = |image: &str| {
        text("")
            .replace("mode = \"global\"\n", "")
            .replace("nginx", image)
    };
    assert_eq!(changed(&replicas("nginx"), &replicas("nginx:2"), &[]), [""; 0]);
}
