//! The engine's word of itself, and starting, joining and leaving a swarm.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use subako_world::{
    Code, EngineInfo, Failure, JoinRequest, JoinTokens, LocalNodeState, Progress, Result, Secret, Swarm,
    SwarmInit,
};

use super::answer::{Effect, failure};
use super::client::Api;
use super::read::{map, number, some_text, text, texts, unexpected, word};
use crate::ssh::engine_http::Sent;

/// Where every node listens for the others' control traffic.
const LISTEN: &str = "0.0.0.0:2377";
/// How long a join may go on in the background after the engine stopped waiting for it.
const BACKGROUND: Duration = Duration::from_secs(40);
/// What an engine says whose node's certificate has run out (Go, `crypto/x509`, `Expired`, as swarmkit's
/// `ca` passes it on).
const CERTIFICATE_EXPIRED: &str = "x509: certificate has expired";
/// Between two looks at a join that goes on.
const PAUSE: Duration = Duration::from_millis(250);

impl Api<'_> {
    /// What the engine says of itself.
    pub(in crate::ssh) async fn info(&self) -> Result<EngineInfo> {
        let doing = self.doing("ask the Docker Engine about itself");
        read_info(&doing, &self.get(&doing, "/info").await?)
    }

    /// Starts a swarm; returns this node's id.
    pub(in crate::ssh) async fn swarm_init(&self, init: &SwarmInit) -> Result<String> {
        let doing = self.doing("start a swarm");
        match self.post(&doing, "/swarm/init", Some(&write_init(init))).await? {
            Value::String(id) if !id.is_empty() => Ok(id),
            // It did start: its own word is as good.
            _ => self.node_id(&doing).await,
        }
    }

    /// Begins the swarm again with this engine as its only manager. Addresses and data path are those that
    /// it has, so that the other nodes find it where it was.
    pub(in crate::ssh) async fn swarm_force_new(&self, advertise_addr: &str) -> Result<()> {
        let doing = self.doing("re-form the swarm with this engine as its only manager");
        let body = json!({
            "ListenAddr": LISTEN,
            "AdvertiseAddr": advertise_addr,
            "ForceNewCluster": true,
            "Spec": { "Name": "default" },
        });
        self.post(&doing, "/swarm/init", Some(&body)).await?;
        Ok(())
    }

    /// The swarm, with its join tokens.
    pub(in crate::ssh) async fn swarm_inspect(&self) -> Result<Swarm> {
        let doing = self.doing("inspect the swarm");
        read_swarm(&doing, &self.get(&doing, "/swarm").await?)
    }

    /// Joins a swarm; returns this node's id. A join that outlives its call is waited for.
    pub(in crate::ssh) async fn swarm_join(&self, join: &JoinRequest, progress: &Progress) -> Result<String> {
        let doing = self.doing("join the swarm");
        let body = json!({
            "ListenAddr": LISTEN,
            "AdvertiseAddr": join.advertise_addr,
            "RemoteAddrs": join.remote_addrs,
            "JoinToken": join.token.expose(),
        });
        let reply = self
            .exchange(
                &doing,
                Effect::Changes,
                Sent {
                    body: Some(&body),
                    ..Sent::new(Method::POST, "/swarm/join")
                },
            )
            .await
            .map_err(|failure| with_join_hint(failure, join))?;
        if (200..300).contains(&reply.status) {
            return self.settled(&doing, join, None, progress).await;
        }
        let refused = failure(&doing, Effect::Changes, &reply);
        let goes_on = refused.message.contains("continue in the background");
        // An earlier join that has not ended yet is waited for; one that has ended is a refusal.
        let earlier = refused.code == Code::AlreadyInSwarm && self.pending(&doing).await?;
        if goes_on || earlier {
            return self.settled(&doing, join, Some(refused), progress).await;
        }
        Err(with_join_hint(refused, join))
    }

    async fn pending(&self, doing: &str) -> Result<bool> {
        let info = read_info(doing, &self.get(doing, "/info").await?)?;
        Ok(info.swarm == LocalNodeState::Pending)
    }

    /// Waits until the engine says that the join is done. `refused` is what the call itself answered.
    async fn settled(
        &self,
        doing: &str,
        join: &JoinRequest,
        refused: Option<Failure>,
        progress: &Progress,
    ) -> Result<String> {
        let clock = &self.link.shared.clock;
        let end = clock.now() + BACKGROUND.min(self.link.shared.options.command_timeout);
        let mut last_error = String::new();
        while clock.now() < end {
            // Changes were made: a failure to look is a failure of unknown effect.
            let info = self.get(doing, "/info").await.map_err(Failure::after_effect)?;
            let state = read_info(doing, &info).map_err(Failure::after_effect)?;
            match (state.swarm, state.node_id) {
                (LocalNodeState::Active, Some(id)) => return Ok(id),
                (LocalNodeState::Inactive, _) => break,
                _ => {}
            }
            if let Some(error) = some_text(&info, "/Swarm/Error") {
                last_error = error;
            }
            progress.note("waiting for the join to complete in the background");
            self.pause(PAUSE).await;
        }
        let mut failure =
            refused.unwrap_or_else(|| Failure::unknown(doing, "the join was accepted and did not complete"));
        if !last_error.is_empty() {
            failure.message = format!("{} ({last_error})", failure.message);
        }
        // An unfinished join would bar the next one. Whether it was ever admitted is not known here.
        progress.note("giving the join up");
        if let Err(error) = self.swarm_leave(true).await {
            failure.message = format!("{}; and {error}", failure.message);
        }
        Err(with_join_hint(failure.after_effect(), join))
    }

    /// Leaves the swarm; fine if in none.
    pub(in crate::ssh) async fn swarm_leave(&self, force: bool) -> Result<()> {
        let doing = self.doing("leave the swarm");
        let path = format!("/swarm/leave?force={force}");
        let reply = self
            .exchange(&doing, Effect::Changes, Sent::new(Method::POST, &path))
            .await?;
        if (200..300).contains(&reply.status) {
            return Ok(());
        }
        let failure = failure(&doing, Effect::Changes, &reply);
        if failure.message.contains("not part of a swarm") {
            return Ok(());
        }
        Err(failure)
    }

    async fn node_id(&self, doing: &str) -> Result<String> {
        self.info()
            .await
            .map_err(Failure::after_effect)?
            .node_id
            .ok_or_else(|| Failure::unknown(doing, "the Docker Engine named no node id"))
    }
}

/// A join that fails by silence fails at the security group more often than not.
fn with_join_hint(failure: Failure, join: &JoinRequest) -> Failure {
    let said = failure.message.to_lowercase();
    let silent = [
        "timeout",
        "timed out",
        "deadline",
        "no route",
        "refused",
        "unreachable",
    ];
    if failure.hint.is_some() || !silent.iter().any(|word| said.contains(word)) {
        return failure;
    }
    failure.with_hint(format!(
        "this host must reach port 2377/tcp of a manager ({}), and 7946/tcp, 7946/udp and 4789/udp of every \
         node: is that rule still in the security group?",
        join.remote_addrs.join(", ")
    ))
}

fn write_init(init: &SwarmInit) -> Value {
    let mut body = json!({
        "ListenAddr": LISTEN,
        "AdvertiseAddr": init.advertise_addr,
        "Spec": { "Name": "default", "Labels": init.labels },
    });
    if !init.addr_pool.is_empty() {
        body["DefaultAddrPool"] = json!(init.addr_pool);
        body["SubnetSize"] = json!(init.subnet_size);
    }
    body
}

fn read_swarm(doing: &str, swarm: &Value) -> Result<Swarm> {
    let token = |pointer| match text(swarm, pointer) {
        "" => Err(unexpected(doing, "two join tokens")),
        token => Ok(Secret::new(token)),
    };
    Ok(Swarm {
        id: text(swarm, "/ID").to_owned(),
        tokens: JoinTokens {
            manager: token("/JoinTokens/Manager")?,
            worker: token("/JoinTokens/Worker")?,
        },
        addr_pool: texts(swarm, "/DefaultAddrPool"),
        // 24 where an engine does not say: its own default.
        subnet_size: number(swarm, "/SubnetSize")
            .and_then(|size| u8::try_from(size).ok())
            .filter(|size| *size > 0)
            .unwrap_or(24),
        labels: map(swarm, "/Spec/Labels"),
    })
}

/// Reads an answer to `GET /info`.
fn read_info(doing: &str, info: &Value) -> Result<EngineInfo> {
    Ok(EngineInfo {
        version: some_text(info, "/ServerVersion").ok_or_else(|| unexpected(doing, "a ServerVersion"))?,
        swarm: match text(info, "/Swarm/LocalNodeState") {
            "" => LocalNodeState::Inactive,
            _ => word(doing, info, "/Swarm/LocalNodeState")?,
        },
        node_id: some_text(info, "/Swarm/NodeID"),
        cluster_id: some_text(info, "/Swarm/Cluster/ID"),
        control_available: super::read::flag(info, "/Swarm/ControlAvailable"),
        expired: text(info, "/Swarm/Error").contains(CERTIFICATE_EXPIRED),
        log_driver: some_text(info, "/LoggingDriver"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn join() -> JoinRequest {
        JoinRequest {
            token: Secret::new("SWMTKN-1-secret"),
            remote_addrs: vec!["10.0.0.235:2377".into()],
            advertise_addr: "10.0.0.7".into(),
        }
    }

    #[test]
    fn a_manager_a_worker_and_a_loner_are_told_apart() {
        let manager = json!({ "ServerVersion": "25.0.8", "Swarm": {
            "NodeID": "n1", "NodeAddr": "10.0.0.235", "LocalNodeState": "active", "ControlAvailable": true,
            "Error": "", "RemoteManagers": [{ "NodeID": "n1", "Addr": "10.0.0.235:2377" }],
            "Cluster": { "ID": "c1" } } });
        let info = read_info("ask", &manager).unwrap();
        assert_eq!(info.node_id.as_deref(), Some("n1"));
        assert_eq!(info.cluster_id.as_deref(), Some("c1"));
        assert!(info.control_available);
        let loner = json!({ "ServerVersion": "25.0.8", "Swarm": {
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false,
            "Error": "", "RemoteManagers": null } });
        let info = read_info("ask", &loner).unwrap();
        assert_eq!(info.swarm, LocalNodeState::Inactive);
        assert_eq!(info.node_id, None);
        assert!(read_info("ask", &json!({})).is_err());
    }

    #[test]
    fn a_join_that_meets_silence_names_the_port_and_the_manager() {
        let failure = with_join_hint(
            Failure::unknown("join", "Timeout was reached before node joined"),
            &join(),
        );
        let hint = failure.hint.unwrap();
        assert!(
            hint.contains("2377/tcp") && hint.contains("10.0.0.235:2377"),
            "{hint}"
        );
        let other = with_join_hint(Failure::not_applied("join", "invalid join token"), &join());
        assert_eq!(other.hint, None);
    }

    #[test]
    fn the_tokens_are_read_and_never_shown() {
        let swarm = json!({ "ID": "c1", "Version": { "Index": 11 },
            "Spec": { "Name": "default", "Labels": { "subako.cluster": "sandbox" } },
            "RootRotationInProgress": false, "DefaultAddrPool": ["10.64.0.0/12"], "SubnetSize": 24,
            "DataPathPort": 4789,
            "JoinTokens": { "Worker": "SWMTKN-1-x-worker", "Manager": "SWMTKN-1-x-manager" } });
        let swarm = read_swarm("inspect", &swarm).unwrap();
        assert_eq!(swarm.tokens.manager.expose(), "SWMTKN-1-x-manager");
        assert_eq!(swarm.addr_pool, ["10.64.0.0/12"]);
        assert_eq!(swarm.labels["subako.cluster"], "sandbox");
        assert!(!format!("{swarm:?}").contains("SWMTKN"));
        assert!(read_swarm("inspect", &json!({ "ID": "c1" })).is_err());
    }

    #[test]
    fn a_pool_is_only_sent_where_one_is_wanted() {
        let mut init = SwarmInit {
            advertise_addr: "10.0.0.235".into(),
            addr_pool: vec![],
            subnet_size: 24,
            labels: BTreeMap::new(),
        };
        assert!(write_init(&init).get("SubnetSize").is_none());
        init.addr_pool.push("10.64.0.0/12".into());
        assert_eq!(write_init(&init)["DefaultAddrPool"], json!(["10.64.0.0/12"]));
        assert_eq!(write_init(&init)["SubnetSize"], json!(24));
    }
}
