//! Why a host cannot be reached, whether waiting may help, and what to say of it.

use subako_world::{Code, Failure, NextCommand};

use super::host_key::HostKeyError;

/// Why no connection came about. Texts fit "waiting for ssh: …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DialError {
    /// The target has no address of the kind asked for.
    #[error("it has no public address")]
    NoPublicAddress,
    /// Something in the settings is wrong.
    #[error("{0}")]
    Settings(String),
    /// Nothing listens there (yet).
    #[error("connection refused")]
    Refused,
    /// Packets vanish: still booting, or a security group.
    #[error("no answer from {address}")]
    Silent { address: String },
    /// Any other network error.
    #[error("{0}")]
    Network(String),
    /// The server hung up or does not speak SSH as we do.
    #[error("the SSH handshake failed: {0}")]
    Handshake(String),
    /// The user or the key is not accepted.
    #[error("permission denied for user {user} with {with}")]
    Denied { user: String, with: String },
    /// The agent does not help.
    #[error("the SSH agent cannot be used: {0}")]
    Agent(String),
    /// The host key is not the one expected.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// The bastion itself cannot be reached.
    #[error("bastion {bastion}: {cause}")]
    Bastion { bastion: String, cause: Box<DialError> },
    /// The bastion is there and finds no way to the host.
    #[error("the bastion cannot connect to {address}")]
    BeyondBastion { address: String },
}

impl DialError {
    /// Whether it may pass while the machine boots.
    pub(super) fn passing(&self) -> bool {
        match self {
            Self::Refused
            | Self::Silent { .. }
            | Self::Network(_)
            | Self::Handshake(_)
            | Self::BeyondBastion { .. } => true,
            // The user's key may not be in place in the first moments; the caller bounds this.
            Self::Denied { .. } => true,
            Self::Bastion { .. }
            | Self::NoPublicAddress
            | Self::Settings(_)
            | Self::Agent(_)
            | Self::HostKey(_) => false,
        }
    }

    /// Whether the machine is up, and refuses us.
    pub(super) fn denied(&self) -> bool {
        matches!(self, Self::Denied { .. })
    }

    /// The failure of an operation that never got as far as sending anything. `name` and
    /// `instance` are the host's, for the hint.
    pub(super) fn into_failure(self, doing: &str, name: &str, instance: &str) -> Failure {
        let failure = Failure::not_applied(doing, self.to_string());
        if let (Self::Bastion { .. }, Self::HostKey(error)) = (&self, self.root()) {
            return untrusted_bastion(failure, error);
        }
        match self.root() {
            Self::NoPublicAddress => failure.with_code(Code::Unreachable).with_hint(
                "dial private addresses with via = \"private\" in [ssh], or go through a bastion with jump",
            ),
            Self::Settings(_) => failure,
            Self::Silent { .. } => failure.with_code(Code::Unreachable).with_hint(
                "is this machine's address among ssh_from in [security_group], and has the subnet a route \
                 to here?",
            ),
            Self::Refused | Self::Network(_) | Self::Handshake(_) | Self::BeyondBastion { .. } => {
                failure.with_code(Code::Unreachable)
            }
            Self::Denied { .. } => failure.with_code(Code::Denied).with_hint(
                "does private_key in [ssh] belong to public_key in [key_pair], and is user the image's own \
                 (ec2-user, ubuntu, admin)?",
            ),
            Self::Agent(_) => failure.with_code(Code::Credentials).with_hint(
                "start one and add the key with `ssh-add`, or name the key file in [ssh] private_key",
            ),
            Self::HostKey(HostKeyError::Changed { .. }) => failure
                .with_code(Code::Untrusted)
                .with_hint(format!(
                    "either somebody stands in between or the machine was reinstalled: compare with \
                     `aws ec2 get-console-output --instance-id {instance}`; if the key is right, forget the \
                     old one and apply again"
                ))
                .with_next(NextCommand::StateRm(format!("docker.{name}"))),
            Self::HostKey(HostKeyError::Unknown { file, .. }) => {
                let hint = format!(
                    "compare the key with `aws ec2 get-console-output --instance-id {instance}` and add it to \
                     {file}; without known_hosts in [ssh] a host's key is trusted on first use and pinned"
                );
                failure.with_code(Code::Untrusted).with_hint(hint)
            }
            Self::HostKey(_) => failure
                .with_code(Code::Untrusted)
                .with_hint("correct the known_hosts file if the machine was reinstalled"),
            Self::Bastion { .. } => failure,
        }
    }

    fn root(&self) -> &Self {
        match self {
            Self::Bastion { cause, .. } => cause.root(),
            other => other,
        }
    }
}

/// What to do about a bastion's host key, which is nothing that the cluster has made.
fn untrusted_bastion(failure: Failure, error: &HostKeyError) -> Failure {
    let failure = failure.with_code(Code::Untrusted);
    match error {
        HostKeyError::Changed { .. } => failure
            .with_hint(
                "either somebody stands in between or the bastion was set up again: ask whoever runs it for \
                 its host key; if the one shown is right, forget the old one",
            )
            .with_next(NextCommand::StateUnpin),
        HostKeyError::Unknown { file, .. } => failure.with_hint(format!(
            "ask whoever runs the bastion for its host key and add it to {file}; without known_hosts in [ssh] \
             it is trusted on first use and pinned"
        )),
        HostKeyError::Unlisted { .. } | HostKeyError::Revoked { .. } => {
            failure.with_hint("correct the known_hosts file if the bastion was set up again")
        }
    }
}

/// A network error in few words.
pub(super) fn network(error: &std::io::Error, address: &str) -> DialError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => DialError::Refused,
        ErrorKind::TimedOut => DialError::Silent {
            address: address.to_owned(),
        },
        ErrorKind::HostUnreachable => DialError::Network(format!("no route to {address}")),
        ErrorKind::NetworkUnreachable => DialError::Network(format!("network of {address} unreachable")),
        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {
            DialError::Handshake("connection closed by the host".to_owned())
        }
        _ => DialError::Network(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booting_machine_is_waited_for_and_a_changed_key_is_not() {
        assert!(DialError::Refused.passing());
        assert!(
            DialError::Silent {
                address: "10.0.0.5".into()
            }
            .passing()
        );
        let changed = DialError::HostKey(HostKeyError::Changed {
            host: "manager-0".into(),
            expected: "a".into(),
            shown: "b".into(),
        });
        assert!(!changed.passing());
        assert!(!DialError::NoPublicAddress.passing());
    }

    #[test]
    fn a_changed_key_says_what_changed_and_what_to_do() {
        let failure = DialError::HostKey(HostKeyError::Changed {
            host: "manager-0".into(),
            expected: "ssh-ed25519 SHA256:a".into(),
            shown: "ssh-ed25519 SHA256:b".into(),
        })
        .into_failure("log in to manager-0", "manager-0", "i-1");
        assert_eq!(failure.code, Code::Untrusted);
        assert!(failure.message.contains("SHA256:a") && failure.message.contains("SHA256:b"));
        assert_eq!(
            failure.next,
            Some(NextCommand::StateRm("docker.manager-0".into()))
        );
        let hint = failure.hint.unwrap();
        assert!(hint.contains("i-1"), "{hint}");
    }

    #[test]
    fn a_bastions_own_trouble_keeps_its_hint() {
        let failure = DialError::Bastion {
            bastion: "ops@bastion:22".into(),
            cause: Box::new(DialError::Denied {
                user: "ops".into(),
                with: "key a".into(),
            }),
        }
        .into_failure("log in to manager-0", "manager-0", "i-1");
        assert_eq!(failure.code, Code::Denied);
        assert_eq!(
            failure.message,
            "bastion ops@bastion:22: permission denied for user ops with key a"
        );
    }
}
