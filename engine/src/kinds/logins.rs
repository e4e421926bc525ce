//! Logins to registries while nodes come and go.

use super::swarm_access::Managers;
use crate::kind::StepContext;

/// Hands services the logins that there are now, before tasks may come to other nodes: the login
/// that a service was deployed with may have run out since. Where that does not work it is said, and
/// what the step is for goes on: nodes that have the images need no login.
pub(super) async fn refresh(managers: &mut Managers<'_>, cx: &StepContext) {
    // That no manager answers is for whoever needs one.
    let Ok(host) = managers.host().await else {
        return;
    };
    if let Err(failure) = host.refresh_logins().await {
        cx.progress.note(format!(
            "services keep their former logins to registries: {}",
            failure.message
        ));
    }
}
