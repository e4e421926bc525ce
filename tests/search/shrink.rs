//! Smaller cases that break the same promise in the same way.

use super::case::{Case, Mode};
use super::cluster::{Cluster, Pool, Service};
use super::edits::Edit;
use super::trouble::Attempt;
use super::try_case::try_case;
use super::verdict::{Verdict, Violation};

/// How many smaller cases are tried in all.
const TRIES: u32 = 1_500;

/// The smallest case found that breaks the same promise for the same cause.
pub fn shrink(case: &Case, violation: &Violation) -> (Case, Violation) {
    let mut best = (case.clone(), violation.clone());
    let mut left = TRIES;
    'smaller: loop {
        for candidate in candidates(&best.0) {
            if left == 0 {
                return best;
            }
            left -= 1;
            if let Verdict::Broken(found) = try_case(&candidate)
                && (found.property, &found.cause) == (violation.property, &violation.cause)
            {
                best = (candidate, found);
                continue 'smaller;
            }
        }
        return best;
    }
}

/// Cases one step smaller, the largest steps first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        if smaller != *case {
            out.push(smaller);
        }
    };
    with(&|case| case.selection = Default::default());
    for index in 0..case.attempts.len() {
        with(&|case| drop(case.attempts.remove(index)));
    }
    for index in 0..case.edits.len() {
        with(&|case| drop(case.edits.remove(index)));
    }
    for index in 0..case.drift.len() {
        with(&|case| drop(case.drift.remove(index)));
    }
    for before in smaller_clusters(&case.before) {
        with(&|case| case.before = before.clone());
    }
    for (index, edit) in case.edits.iter().enumerate() {
        for smaller in smaller_edits(edit) {
            with(&|case| case.edits[index] = smaller.clone());
        }
    }
    for (index, attempt) in case.attempts.iter().enumerate() {
        for smaller in smaller_attempts(attempt) {
            with(&|case| case.attempts[index] = smaller.clone());
        }
    }
    with(&|case| case.passes = 60);
    with(&|case| drop(case.selection.target.pop()));
    with(&|case| drop(case.selection.exclude.pop()));
    with(&|case| drop(case.selection.replace.pop()));
    // A selection that is popped empty selects everything: that is another case.
    out.retain(|smaller| smaller.mode == Mode::Runs || !emptied(case, smaller));
    out
}

fn emptied(case: &Case, smaller: &Case) -> bool {
    let lists = |case: &Case| {
        let selection = &case.selection;
        [
            selection.target.len(),
            selection.exclude.len(),
            selection.replace.len(),
        ]
    };
    let pairs = lists(case).into_iter().zip(lists(smaller));
    smaller.selection != Default::default() && pairs.into_iter().any(|(was, is)| was > 0 && is == 0)
}

fn smaller_clusters(cluster: &Cluster) -> Vec<Cluster> {
    let mut out = Vec::new();
    let mut with = |change: &dyn Fn(&mut Cluster)| {
        let mut smaller = cluster.clone();
        change(&mut smaller);
        if smaller != *cluster && smaller.managers() > 0 {
            out.push(smaller);
        }
    };
    for service in &cluster.services {
        with(&|c| {
            Edit::RemoveService {
                service: service.name.clone(),
            }
            .make(c)
        });
    }
    for network in &cluster.networks {
        with(&|c| {
            Edit::RemoveNetwork {
                network: network.name.clone(),
            }
            .make(c)
        });
    }
    for file in cluster.secrets.keys().chain(cluster.configs.keys()) {
        with(&|c| Edit::RemoveFile { file: file.clone() }.make(c));
    }
    for pool in &cluster.pools {
        with(&|c| {
            Edit::RemovePool {
                pool: pool.name.clone(),
            }
            .make(c)
        });
        for count in 1..pool.count {
            with(&|c| {
                Edit::Count {
                    pool: pool.name.clone(),
                    count,
                }
                .make(c)
            });
        }
    }
    with(&|c| c.key = None);
    with(&|c| c.group = None);
    with(&|c| c.publish_to = None);
    with(&|c| c.rules.clear());
    with(&|c| c.tags.clear());
    with(&|c| c.addr_pool = None);
    with(&|c| c.zones.clear());
    with(&|c| c.zones.truncate(1));
    for index in 0..cluster.networks.len() {
        with(&|c| c.networks[index].range = None);
        with(&|c| c.networks[index].encrypted = false);
        with(&|c| c.networks[index].attachable = false);
        with(&|c| c.networks[index].internal = false);
    }
    for index in 0..cluster.services.len() {
        for change in service_defaults() {
            with(&|c| change(&mut c.services[index]));
        }
    }
    for index in 0..cluster.pools.len() {
        for change in pool_defaults() {
            with(&|c| change(&mut c.pools[index]));
        }
    }
    out
}

fn service_defaults() -> [fn(&mut Service); 20] {
    [
        |s| s.replicas = Some(1),
        |s| s.replicas = s.replicas.map(|replicas| replicas.min(2)),
        |s| s.ports.clear(),
        |s| s.networks.clear(),
        |s| s.secrets.clear(),
        |s| s.configs.clear(),
        |s| s.constraints.clear(),
        |s| s.spread = None,
        |s| s.env.clear(),
        |s| s.labels.clear(),
        |s| s.command = None,
        |s| s.volume = None,
        |s| s.grace = None,
        |s| s.health = false,
        |s| s.reserve_mib = None,
        |s| s.restart = None,
        |s| s.update = None,
        |s| {
            if let Some(update) = &mut s.update {
                update.delay = 0;
            }
        },
        |s| {
            if let Some(update) = &mut s.update {
                update.parallelism = 1;
            }
        },
        |s| "nginx".clone_into(&mut s.image),
    ]
}

fn pool_defaults() -> [fn(&mut Pool); 10] {
    [
        |p| p.labels.clear(),
        |p| p.tags.clear(),
        |p| p.pinned.clear(),
        |p| p.ami = None,
        |p| p.disk = 8,
        |p| p.encrypted = false,
        |p| p.public_ip = None,
        |p| p.elastic = false,
        |p| "t3.micro".clone_into(&mut p.instance_type),
        |p| "active".clone_into(&mut p.availability),
    ]
}

fn smaller_edits(edit: &Edit) -> Vec<Edit> {
    let mut out = Vec::new();
    match edit {
        Edit::AddService(service) => {
            for change in service_defaults() {
                let mut smaller = service.clone();
                change(&mut smaller);
                out.push(Edit::AddService(smaller));
            }
        }
        Edit::AddPool(pool) => {
            for change in pool_defaults() {
                let mut smaller = pool.clone();
                change(&mut smaller);
                out.push(Edit::AddPool(smaller));
            }
        }
        Edit::Replicas {
            service,
            to: Some(to),
        } if *to > 1 => {
            out.push(Edit::Replicas {
                service: service.clone(),
                to: Some(to - 1),
            });
        }
        _ => {}
    }
    out
}

fn smaller_attempts(attempt: &Attempt) -> Vec<Attempt> {
    let mut out = Vec::new();
    let mut with = |change: &dyn Fn(&mut Attempt)| {
        let mut smaller = attempt.clone();
        change(&mut smaller);
        if smaller != *attempt {
            out.push(smaller);
        }
    };
    with(&|a| a.faults.clear());
    with(&|a| a.kill = None);
    with(&|a| a.lost.clear());
    for index in 0..attempt.faults.len() {
        with(&|a| a.faults[index].times = 1);
    }
    out
}
