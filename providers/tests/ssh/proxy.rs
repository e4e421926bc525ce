//! A TCP relay before sshd: a network that can be cut or go silent, and that counts connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    /// Bytes go through.
    Fine,
    /// Connections that existed at the time are reset.
    Cut(usize),
    /// Bytes vanish.
    Silent,
    /// Bytes wait.
    Held,
}

/// The relay.
pub struct Proxy {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    network: watch::Sender<Network>,
}

impl Proxy {
    /// Relays to 127.0.0.1:`to`.
    pub async fn before(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (network, state) = watch::channel(Network::Fine);
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                tokio::spawn(relay(near, far, number, state.clone()));
            }
        });
        Self {
            port,
            connections,
            network,
        }
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Resets the connections there are; new ones work.
    pub fn cut(&self) {
        self.network.send(Network::Cut(self.connections())).unwrap();
    }

    /// Lets nothing through for a while, and then all of it.
    pub async fn hold(&self, long: std::time::Duration) {
        self.network.send(Network::Held).unwrap();
        tokio::time::sleep(long).await;
        self.network.send(Network::Fine).unwrap();
    }

    /// Swallows everything from now on.
    pub fn silence(&self) {
        self.network.send(Network::Silent).unwrap();
    }
}

async fn relay(near: TcpStream, far: TcpStream, number: usize, mut state: watch::Receiver<Network>) {
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let ended = async {
        tokio::join!(
            copy(&mut near_read, &mut far_write),
            copy(&mut far_read, &mut near_write)
        )
    };
    tokio::pin!(ended);
    loop {
        let held = *state.borrow() == Network::Held;
        tokio::select! {
            _ = &mut ended, if !held => return,
            changed = state.changed() => {
                let now = *state.borrow_and_update();
                match now {
                    Network::Cut(before) if number < before => return,
                    // The sockets stay open, and nothing is read from them any more.
                    Network::Silent => std::future::pending::<()>().await,
                    _ if changed.is_err() => return,
                    _ => {}
                }
            }
        }
    }
}

async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}
