//! Which members are managers.

use serde::Deserialize;
use subako_state::{Address, Json};

use crate::world::Role;

#[derive(Deserialize)]
struct HasRole {
    role: Role,
}

/// Whether a resource with this address and spec is a member that votes.
pub(crate) fn is_manager(address: &Address, spec: &Json) -> bool {
    address.kind() == "member"
        && spec
            .decode::<HasRole>()
            .is_ok_and(|member| member.role == Role::Manager)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manager_is_a_member_whose_role_says_so() {
        let says = |address: &str, spec: serde_json::Value| {
            let spec = Json::canonical(&spec).expect("json");
            is_manager(&address.parse().expect("an address"), &spec)
        };
        assert!(says("member.a", json!({"role": "manager"})));
        assert!(!says("member.a", json!({"role": "worker"})));
        assert!(!says("member.a", json!({})));
        assert!(!says("instance.a", json!({"role": "manager"})));
        // A label may say anything.
        let label = json!({"labels": {"x": "\"role\":\"manager\""}, "role": "worker"});
        assert!(!says("member.a", label));
        let nested = json!({"labels": {"role": "manager"}, "role": "worker"});
        assert!(!says("member.a", nested));
    }
}
