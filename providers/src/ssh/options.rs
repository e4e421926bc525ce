//! How hosts are logged in to.

use std::path::PathBuf;
use std::time::Duration;

/// How hosts are logged in to: the manifest's `[ssh]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshOptions {
    /// The login user.
    pub user: String,
    /// The port.
    pub port: u16,
    /// The private key's file; `None` leaves it to the agent behind `SSH_AUTH_SOCK`.
    pub private_key: Option<PathBuf>,
    /// Whether hosts are dialled by their private addresses.
    pub private: bool,
    /// A bastion, `user@host[:port]`, logged in to with the same key. It is held to the host key that
    /// is pinned for it, else to the one in `known_hosts`, which must list it; where neither is there,
    /// the key of the first contact is kept to.
    pub jump: Option<String>,
    /// A known_hosts file to honour; `None` for none.
    pub known_hosts: Option<PathBuf>,
    /// How long a host may take to boot and let us in.
    pub boot_timeout: Duration,
    /// How long one remote command (an installation, say) may take.
    pub command_timeout: Duration,
    /// The Docker client's own configuration, for logins to registries; `None` for none.
    pub docker_config: Option<PathBuf>,
    /// The engine's socket on the host, `/var/run/docker.sock`.
    pub docker_socket: String,
}

/// Where the Docker Engine listens unless it was told otherwise.
pub const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// A user at an address, as in `[ssh] jump`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) address: String,
    pub(super) port: u16,
}

impl Login {
    /// Where it is, `host:port`, as keys are pinned by.
    pub(super) fn place(&self) -> String {
        match self.address.contains(':') {
            true => format!("[{}]:{}", self.address, self.port),
            false => format!("{}:{}", self.address, self.port),
        }
    }

    /// Reads `user@host[:port]` (`[v6]:port` too); without a port, 22.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not of the form user@host or user@host:port");
        let (user, place) = text.rsplit_once('@').ok_or_else(wrong)?;
        let (address, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']').ok_or_else(wrong)?;
                match rest.strip_prefix(':') {
                    Some(port) => (address, port.parse().map_err(|_| wrong())?),
                    None if rest.is_empty() => (address, 22),
                    None => return Err(wrong()),
                }
            }
            None => match place.split_once(':') {
                // Two colons and no brackets: an IPv6 address on its own.
                Some((_, rest)) if rest.contains(':') => (place, 22),
                Some((address, port)) => (address, port.parse().map_err(|_| wrong())?),
                None => (place, 22),
            },
        };
        if user.is_empty() || address.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            user: user.to_owned(),
            address: address.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, address: &str, port: u16) -> Login {
        Login {
            user: user.into(),
            address: address.into(),
            port,
        }
    }

    #[test]
    fn a_bastion_is_read_with_and_without_a_port() {
        assert_eq!(Login::parse("ops@bastion"), Ok(login("ops", "bastion", 22)));
        assert_eq!(
            Login::parse("ops@10.0.0.5:2222"),
            Ok(login("ops", "10.0.0.5", 2222))
        );
        assert_eq!(
            Login::parse("ops@[fd00::5]:2222"),
            Ok(login("ops", "fd00::5", 2222))
        );
        assert_eq!(Login::parse("ops@fd00::5"), Ok(login("ops", "fd00::5", 22)));
    }

    #[test]
    fn a_bastion_without_user_host_or_a_valid_port_is_refused() {
        for text in [
            "bastion",
            "@bastion",
            "ops@",
            "ops@bastion:",
            "ops@bastion:ssh",
            "ops@[fd00::5]2222",
        ] {
            assert!(Login::parse(text).is_err(), "{text}");
        }
    }
}
