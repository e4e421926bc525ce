//! The cases on the simulator, each under its own name, on virtual time.

use std::time::Duration;

use crate::sim::Pace;
use subako_world::ImageQuery;

use super::{
    Case, CaseReport, CloudBench, CloudFixture, Counterpart, HostBench, HostFixture, Verdict, cloud_cases,
    host_cases, run,
};
use crate::sim::{SimOptions, Simulator};

fn simulator() -> Simulator {
    let options = SimOptions {
        seed: 42,
        time: Pace::Instant,
        ..SimOptions::default()
    };
    Simulator::open(options).unwrap()
}

fn cloud_fixture() -> CloudFixture {
    CloudFixture {
        cluster: "conformance".to_owned(),
        image: ImageQuery {
            ami: "amazon-linux-2023".to_owned(),
            instance_type: "t3.micro".to_owned(),
        },
        other_type: "t3.small".to_owned(),
        zones: Vec::new(),
        vpc: None,
        subnets: Vec::new(),
        public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIConformanceConformanceConformanceConformance"
            .to_owned(),
        crowd: 30,
        counterpart: Counterpart::default(),
    }
}

async fn cloud_bench() -> CloudBench {
    CloudBench::new(simulator().world(), cloud_fixture())
}

async fn host_bench() -> HostBench {
    let fixture = HostFixture {
        cloud: cloud_fixture(),
        image: "nginx:1.29".to_owned(),
        other_image: "nginx:1.30".to_owned(),
        missing_image: "registry.test/does-not-exist:1".to_owned(),
        crashing_image: "registry.test/crash:1".to_owned(),
        shell_image: "alpine:3".to_owned(),
        patience: Duration::from_secs(300),
    };
    HostBench::prepare(simulator().world(), fixture).await.unwrap()
}

async fn one<B>(cases: Vec<Case<B>>, name: &str, bench: &B) {
    let case = cases.into_iter().find(|case| case.name == name).unwrap();
    match (case.run)(bench).await {
        Ok(Verdict::Passed) => {}
        Ok(Verdict::Skipped(why)) => panic!("the simulator must show everything, but: {why}"),
        Err(error) => panic!("{error}"),
    }
}

/// Tests named after the cases, and one that holds that none is missing.
macro_rules! tests {
    ($module:ident, $cases:ident, $bench:ident, [$($name:ident),+ $(,)?]) => {
        mod $module {
            use super::*;

            #[test]
            fn every_case_has_its_test() {
                let names: Vec<&str> = $cases().iter().map(|case| case.name).collect();
                assert_eq!(names, [$(stringify!($name)),+]);
            }

            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    one($cases(), stringify!($name), &$bench().await).await;
                }
            )+
        }
    };
}

tests!(
    cloud,
    cloud_cases,
    cloud_bench,
    [
        the_account_and_its_region_are_known,
        a_lookup_finds_image_vpc_and_subnets,
        an_unknown_image_is_refused_with_a_hint,
        types_say_what_they_have_and_where,
        a_type_that_the_region_does_not_have_is_missing,
        the_same_token_imports_one_key_pair,
        another_key_pair_of_the_name_is_refused,
        a_key_pair_is_found_by_name_until_deleted,
        the_same_token_creates_one_group,
        another_group_of_the_name_is_refused,
        a_group_is_found_by_name_and_id_until_deleted,
        rules_added_twice_are_there_once,
        rules_are_removed_and_absent_ones_are_left_alone,
        rules_are_described_in_other_words_and_stay,
        tags_of_a_group_are_set_and_removed,
        a_survey_sees_tags_and_only_its_own_cluster,
        an_instance_runs_as_requested,
        the_same_token_runs_one_instance,
        a_token_with_another_request_is_refused,
        a_token_of_a_terminated_instance_is_refused,
        an_instance_is_found_by_its_token,
        a_pinned_address_is_kept_and_given_once,
        a_group_in_use_is_deleted_only_after_termination,
        waiting_for_a_terminated_instance_fails_at_once,
        an_instance_stops_and_starts,
        a_type_changes_only_while_stopped,
        a_disk_grows_and_tags_change_while_running,
        a_protected_instance_ends_only_unprotected,
        terminating_what_is_not_there_is_fine,
        residue_is_what_is_left_and_then_nothing,
        a_survey_sees_a_crowd_sorted_and_whole,
        the_same_token_allocates_one_address,
        an_address_is_found_by_id_and_token_until_released,
        an_address_moves_from_instance_to_instance,
        an_address_stays_through_stop_and_start,
        an_address_outlives_its_instance,
        an_address_in_use_is_released_all_the_same,
        tags_of_an_address_are_set_and_removed,
        an_address_that_is_not_there_cannot_be_associated,
        an_address_is_surveyed_and_is_residue,
    ]
);

tests!(
    host,
    host_cases,
    host_bench,
    [
        an_engine_is_there_once_installed,
        installing_twice_is_fine,
        a_pinned_host_key_is_checked,
        a_machine_that_is_gone_is_not_reached,
        a_swarm_starts_once,
        the_token_decides_the_role,
        a_wrong_token_is_refused,
        joining_twice_is_refused,
        a_join_through_closed_ports_is_of_unknown_effect,
        labels_and_availability_are_read_back,
        a_worker_manages_nothing,
        the_last_manager_stays_one,
        a_manager_leaves_once_demoted,
        a_worker_leaves_and_is_forgotten,
        leaving_no_swarm_is_fine,
        a_lost_quorum_is_forced_on_a_manager_that_is_left,
        a_network_is_made_once_and_listed,
        networks_get_ranges_of_their_own,
        a_network_in_use_stays,
        a_service_is_made_once_and_listed_as_wanted,
        a_service_on_an_unknown_network_is_refused,
        a_port_of_the_mesh_is_published_once,
        an_unknown_service_is_not_updated_but_removed,
        a_mode_cannot_change,
        a_secret_or_config_is_made_once_and_listed,
        a_secret_or_config_in_use_stays,
        names_are_compared_without_case,
        replicas_are_spread_evenly,
        a_service_is_scaled_both_ways,
        a_global_service_runs_everywhere_once,
        a_constraint_is_honoured,
        an_update_replaces_every_task,
        force_replaces_tasks_of_an_equal_spec,
        logins_are_handed_on_without_a_restart,
        a_drained_node_is_emptied_and_not_refilled,
        tasks_are_filtered_by_service_and_node,
        an_image_that_does_not_exist_is_rejected_with_its_reason,
        a_crashing_program_fails_with_its_exit_code,
        an_update_to_a_broken_image_pauses,
        an_update_to_a_broken_image_rolls_back_where_told,
        a_reservation_beyond_every_node_waits_and_says_so,
        reservations_are_added_up,
        a_port_of_the_node_keeps_a_start_first_update_waiting,
        a_one_shot_task_completes_and_is_not_started_again,
        an_update_of_a_one_shot_task_is_paused_by_its_end,
        what_an_ended_task_has_written_is_there_to_read,
        a_bind_mount_of_a_path_that_is_not_there_is_rejected,
    ]
);

#[tokio::test(start_paused = true)]
async fn all_cases_pass_one_after_the_other_on_one_bench_each() {
    let cloud = cloud_bench().await;
    let mut reports = run(&cloud_cases(), &cloud).await;
    cloud.sweep().await.unwrap();
    let hosts = host_bench().await;
    reports.extend(run(&host_cases(), &hosts).await);
    hosts.cloud.sweep().await.unwrap();
    let failed: Vec<&CaseReport> = reports.iter().filter(|report| report.failed()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
