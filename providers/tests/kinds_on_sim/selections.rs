//! Selections are closed: what can only change together is taken along, or left together.

use subako_engine::check::Severity;
use subako_engine::manifest::{File, Manifest};
use subako_engine::plan::{Plan, Reason, Selection};
use subako_engine::world::{Content, FileKind, FileMount, Role, Vault};

use crate::bench::{Bench, steps};
use crate::manifest::{pool, sandbox};

fn target(pattern: &str) -> Selection {
    Selection {
        target: vec![pattern.into()],
        ..Selection::default()
    }
}

fn exclude(pattern: &str) -> Selection {
    Selection {
        exclude: vec![pattern.into()],
        ..Selection::default()
    }
}

fn replace(pattern: &str) -> Selection {
    Selection {
        replace: vec![pattern.into()],
        ..Selection::default()
    }
}

/// Applies a part of an edit, then the rest; ends with an empty plan. Returns the part's plan.
async fn in_parts(
    mut manifest: Manifest,
    edit: impl FnOnce(&mut Manifest),
    part: &Selection,
) -> (Bench, Plan) {
    let mut bench = new_bench();
    bench.apply(&manifest).await;
    edit(&mut manifest);
    let plan = bench.apply_with(&manifest, part).await;
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;
    (bench, plan)
}

fn taken_along(plan: &Plan, address: &str) -> bool {
    plan.steps.iter().any(|step| {
        step.address.as_str() == address && matches!(step.reason, Some(Reason::TakenAlong { .. }))
    })
}

fn refused(plan: &Plan) -> Vec<&str> {
    let errors = plan.findings.iter().filter(|f| f.severity == Severity::Error);
    errors.map(|f| f.remedy.as_deref().unwrap_or_default()).collect()
}

#[tokio::test(start_paused = true)]
async fn managers_that_are_replaced_take_their_engines_and_memberships_along() {
    let encrypt = |manifest: &mut Manifest| manifest.pools[0].disk_encrypted = true;
    for pattern in ["instance.manager-*", "instance.manager-1"] {
        let (bench, plan) = in_parts(sandbox(), encrypt, &target(pattern)).await;
        assert!(taken_along(&plan, "member.manager-1"), "{:#?}", steps(&plan));
        assert!(taken_along(&plan, "docker.manager-1"));
        assert!(bench.said("member.manager-1: demoting"));
        assert!(plan.findings.iter().any(|f| f.message.contains("is partial")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_replaced_takes_along_those_that_leave_and_are_in_it() {
    let edit = |manifest: &mut Manifest| {
        manifest.security_group.name = "renamed".into();
        manifest.pools[1].count = 1;
    };
    let (_, plan) = in_parts(sandbox(), edit, &target("instance.node-0")).await;
    assert!(taken_along(&plan, "instance.node-1"), "{:#?}", steps(&plan));
}

#[tokio::test(start_paused = true)]
async fn what_is_excluded_keeps_back_what_would_take_it_along() {
    let encrypt = |manifest: &mut Manifest| manifest.pools[0].disk_encrypted = true;
    let (_, plan) = in_parts(sandbox(), encrypt, &exclude("member.*")).await;
    assert_eq!(steps(&plan), Vec::<String>::new());
}

fn file(word: &str) -> File {
    File {
        name: "motd".into(),
        object: format!("motd-{word}"),
        content: Some(Content::new(word.as_bytes().to_vec())),
        source: "the manifest".into(),
    }
}

fn new_bench() -> Bench {
    let mut bench = Bench::new(vec![]);
    let files = ["one", "two"].map(file);
    let contents = files
        .into_iter()
        .filter_map(|file| Some((FileKind::Config, file.object, file.content?)));
    bench.world.vault = Vault::new(contents);
    bench
}

fn shared() -> Manifest {
    let mut manifest = sandbox();
    manifest.configs.push(file("one"));
    for service in &mut manifest.services {
        service.spec.configs.push(FileMount {
            gid: "0".into(),
            mode: 0o444,
            name: "motd".into(),
            target: "/motd".into(),
            uid: "0".into(),
        });
    }
    manifest
}

#[tokio::test(start_paused = true)]
async fn a_shared_config_changes_for_all_that_use_it_or_for_none() {
    let other = |manifest: &mut Manifest| manifest.configs[0] = file("two");
    let (_, plan) = in_parts(shared(), other, &target("service.reply")).await;
    assert!(taken_along(&plan, "service.reply2"), "{:#?}", steps(&plan));
    let (_, plan) = in_parts(shared(), other, &exclude("service.reply2")).await;
    assert_eq!(steps(&plan), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_shared_network_changes_for_all_that_are_on_it_or_for_none() {
    let other = |manifest: &mut Manifest| manifest.networks[0].attachable = true;
    let (_, plan) = in_parts(sandbox(), other, &target("service.reply")).await;
    assert!(taken_along(&plan, "service.reply2"), "{:#?}", steps(&plan));
    let (_, plan) = in_parts(sandbox(), other, &exclude("service.reply2")).await;
    assert_eq!(steps(&plan), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_renamed_group_takes_all_its_instances_along() {
    let other = |manifest: &mut Manifest| manifest.security_group.name = "renamed".into();
    let (_, plan) = in_parts(sandbox(), other, &target("instance.node-0")).await;
    assert!(taken_along(&plan, "instance.manager-0"), "{:#?}", steps(&plan));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_moves_takes_along_who_gives_it_up() {
    let swap = |manifest: &mut Manifest| {
        let ports = std::mem::take(&mut manifest.services[1].spec.ports);
        manifest.services[0].spec.ports.extend(ports);
    };
    let (_, plan) = in_parts(sandbox(), swap, &target("service.reply")).await;
    assert!(taken_along(&plan, "service.reply2"), "{:#?}", steps(&plan));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_machine_is_not_replaced_without_it() {
    let manifest = sandbox();
    let mut bench = new_bench();
    bench.apply(&manifest).await;
    for part in ["member.node-0", "member.manager-1", "docker.node-0"] {
        let plan = bench.plan_with(&manifest, &replace(part)).await;
        let name = part.split_once('.').expect("two parts").1;
        let remedies = refused(&plan);
        assert_eq!(remedies.len(), 1, "{:#?}", plan.findings);
        assert!(remedies[0].contains(&format!("--replace instance.{name}")));
    }
    bench.apply_with(&manifest, &replace("*.node-0")).await;
    bench.assert_settled(&manifest).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_to_be_replaced_takes_its_users_along() {
    let manifest = shared();
    let mut bench = new_bench();
    bench.apply(&manifest).await;
    for part in ["config.motd", "network.my-overlay"] {
        let plan = bench.apply_with(&manifest, &replace(part)).await;
        assert_eq!(plan.summary.replace, 3, "{:#?}", steps(&plan));
        bench.assert_settled(&manifest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_manager_is_destroyed_alone_unless_it_is_the_last() {
    let mut manifest = sandbox();
    let mut bench = new_bench();
    bench.apply(&manifest).await;
    let part = Selection {
        destroy: true,
        ..target("instance.manager-0")
    };
    let plan = bench.apply_with(&manifest, &part).await;
    assert_eq!(plan.steps.len(), 3, "{:#?}", steps(&plan));
    bench.apply(&manifest).await;
    bench.assert_settled(&manifest).await;

    manifest.pools[0] = pool("manager", Role::Manager, 1);
    let mut bench = new_bench();
    bench.apply(&manifest).await;
    let plan = bench.plan_with(&manifest, &part).await;
    assert_ne!(refused(&plan), Vec::<&str>::new(), "{:#?}", steps(&plan));
}
