//! The calls of the seams by name: what a simulated fault can hit, and what a preflight asks about.

/// Calls that change the world, sorted.
pub const MUTATING: [&str; 34] = [
    "allocate_address",
    "associate_address",
    "authorize_ingress",
    "create_config",
    "create_network",
    "create_secret",
    "create_security_group",
    "create_service",
    "delete_key_pair",
    "delete_security_group",
    "describe_ingress",
    "disassociate_address",
    "import_key_pair",
    "install_engine",
    "modify_instance",
    "refresh_logins",
    "release_address",
    "remove_config",
    "remove_network",
    "remove_node",
    "remove_secret",
    "remove_service",
    "retag",
    "revoke_ingress",
    "run_instance",
    "start_instance",
    "stop_instance",
    "swarm_force_new",
    "swarm_init",
    "swarm_join",
    "swarm_leave",
    "terminate_instance",
    "update_node",
    "update_service",
];

/// Calls that only read or wait, sorted.
pub const READING: [&str; 28] = [
    "account",
    "address",
    "await_instance",
    "configs",
    "connect",
    "engine_info",
    "find_address_by_token",
    "find_instance_by_token",
    "find_key_pair",
    "find_security_group",
    "greet_bastion",
    "image_digest",
    "instance",
    "lookup",
    "networks",
    "node",
    "nodes",
    "reach",
    "residue",
    "secrets",
    "security_group",
    "service",
    "services",
    "survey",
    "swarm_inspect",
    "task_logs",
    "tasks",
    "types",
];

/// Every call: first those that change something.
pub fn all() -> impl Iterator<Item = &'static str> {
    MUTATING.into_iter().chain(READING)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seams' own text: a trait's methods cannot be listed at run time.
    const SEAMS: [&str; 2] = [include_str!("cloud.rs"), include_str!("host.rs")];

    #[test]
    fn the_calls_are_those_of_the_seams() {
        let mut of_the_seams: Vec<&str> = SEAMS
            .iter()
            .flat_map(|text| text.split("async fn ").skip(1))
            .filter_map(|rest| rest.split('(').next())
            // One method for both kinds of files, two calls of the engine.
            .flat_map(|call| match call {
                "files" => vec!["secrets", "configs"],
                "create_file" => vec!["create_secret", "create_config"],
                "remove_file" => vec!["remove_secret", "remove_config"],
                other => vec![other],
            })
            .collect();
        of_the_seams.sort_unstable();
        of_the_seams.dedup();
        let mut known: Vec<&str> = all().collect();
        known.sort_unstable();
        assert_eq!(of_the_seams, known);
    }
}
