//! The recorder: it listens, passes on, and ends with what it has recorded.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::client::{Door, Tls};
use super::exchange::Site;
use super::journal::{Journal, Tally};
use super::origins::Origins;
use super::settings::{RecorderError, Settings, Stop};
use crate::embedded::certify;
use crate::trace::Recording;
use crate::transport::BareDialer;
use crate::units::is_clock_set;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// What is waited before an accept that failed is tried again.
const PAUSE: Duration = Duration::from_millis(10);
/// How long opening a connection to the target may take.
const DIAL: Duration = Duration::from_secs(30);

/// A recorder that listens and passes nothing on yet.
pub struct Recorder {
    runtime: LocalRuntime,
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
    tls: Option<Tls>,
    ca: Option<String>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

/// What was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// The requests, of which a trace is to be made.
    pub recording: Recording,
    /// Their sums.
    pub tally: Tally,
    /// Why it has ended by itself: there is no room for more requests.
    pub full: Option<io::Error>,
}

impl Recorder {
    /// Listens.
    ///
    /// # Errors
    /// See [`RecorderError`].
    pub fn bind(settings: Settings) -> Result<Self, RecorderError> {
        if !is_clock_set() {
            return Err(RecorderError::Clock);
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .map_err(RecorderError::Runtime)?;
        let (ca, tls) = if settings.tls {
            let whose = "regstorm record";
            let certified = certify(whose, settings.listen.ip(), &settings.names)
                .map_err(RecorderError::Certificate)?;
            (Some(certified.ca), Some(by_version(&certified.server)))
        } else {
            (None, None)
        };
        let bound = {
            let _entered = runtime.enter();
            bind(settings.listen)
        };
        let (listener, address) = bound.map_err(|source| RecorderError::Listen {
            address: settings.listen,
            source,
        })?;
        Ok(Self {
            runtime,
            listener,
            address,
            settings,
            tls,
            ca,
        })
    }

    /// The address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        let scheme = if self.settings.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate, in PEM, that clients have to trust; `None` without TLS.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// Passes requests on and records them until `stop` says how to end. Blocks.
    ///
    /// # Panics
    /// Never: the recording is taken once, here.
    pub fn run(self, recording: Recording, stop: &watch::Receiver<Stop>) -> Recorded {
        let Settings {
            target,
            route,
            most_connections,
            ..
        } = self.settings;
        let journal = Rc::new(Journal::new(recording));
        let door = Rc::new(Door {
            site: Rc::new(Site {
                journal: Rc::clone(&journal),
                origins: Origins::new(target.clone(), self.tls.is_some()),
                own: self.address,
            }),
            dialer: Rc::new(BareDialer::new(target, route, DIAL)),
            tls: self.tls,
            places: Arc::new(Semaphore::new(most_connections.get())),
            stop: stop.clone(),
        });
        self.runtime.block_on(serve(door, self.listener));
        journal.is_over();
        // Ends what is left: each exchange becomes a row when it is dropped.
        drop(self.runtime);
        let (recording, tally, full) = journal.finish();
        let recording = recording.expect("nothing else takes it");
        Recorded {
            recording,
            tally,
            full,
        }
    }
}

/// Serves clients until the recorder ends.
async fn serve(door: Rc<Door>, listener: TcpListener) {
    let mut stop = door.stop.clone();
    let journal = Rc::clone(&door.site.journal);
    let mut clients = JoinSet::new();
    let is_failed = tokio::select! {
        biased;
        _ = stop.wait_for(|it| *it != Stop::No) => false,
        () = journal.failed() => true,
        () = accept(&door, &listener, &mut clients) => false,
    };
    drop(listener);
    if is_failed {
        return;
    }
    let all = async { while clients.join_next().await.is_some() {} };
    tokio::select! {
        biased;
        () = all => {}
        _ = stop.wait_for(|it| *it == Stop::Cut) => {}
        () = journal.failed() => {}
    }
}

/// Accepts clients until it is dropped.
async fn accept(door: &Rc<Door>, listener: &TcpListener, clients: &mut JoinSet<()>) {
    loop {
        while clients.try_join_next().is_some() {}
        if door.places.available_permits() == 0 {
            door.site.journal.count(|it| it.full += 1);
        }
        let Ok(place) = Arc::clone(&door.places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, client)) => {
                door.site.journal.count(|it| it.connections += 1);
                let served = Rc::clone(door).serve(stream, client);
                clients.spawn_local(async move {
                    served.await;
                    drop(place);
                });
            }
            // There is no descriptor left, or a client left before it was accepted.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The same certificate, for clients with which HTTP/1.1 is spoken and for those that may choose.
fn by_version(server: &Arc<ServerConfig>) -> Tls {
    let mut http1 = ServerConfig::clone(server);
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];
    Tls {
        http1: Arc::new(http1),
        either: Arc::clone(server),
    }
}
