//! How connections are opened: over which addresses, to which endpoint, and within TLS if the origin wants it.

use std::cell::{Cell, OnceCell};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustls::client::ClientSessionStore;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

use super::error::{Error, Waiting};
use super::origin::Origin;
use super::resolver::Resolver;
use super::timings::{Handshake, HttpVersion, Timings};
use super::tls::{self, Resumption, Sessions, Tls};
use super::wire::Socket;
use crate::units::Endpoint;

/// When names are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lookup {
    /// Once for each worker: a run does not drift to another machine half-way.
    #[default]
    Once,
    /// For each connection, as clients do that keep no cache.
    PerConnection,
}

/// The ways to the target and to wherever it sends us, the same for all workers.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// Whom `connect_to`, the client certificate and the name of the TLS settings are for.
    pub target: Option<Origin>,
    /// Where connections to the target really go, in turn; empty: to its own address.
    pub connect_to: Vec<Endpoint>,
    /// The local addresses that connections come from, in turn; empty: the system chooses.
    pub source_ips: Vec<IpAddr>,
    /// When names are looked up.
    pub lookup: Lookup,
    /// Whom `https` trusts.
    pub tls: Arc<Tls>,
}

impl Route {
    /// Finds out whether this machine has the source addresses.
    ///
    /// # Errors
    /// The first that cannot be bound to, and why.
    pub fn check_sources(&self) -> Result<(), (IpAddr, io::Error)> {
        for ip in &self.source_ips {
            TcpListener::bind((*ip, 0)).map_err(|error| (*ip, error))?;
        }
        Ok(())
    }

    fn is_target(&self, origin: &Origin) -> bool {
        self.target.as_ref() == Some(origin)
    }
}

/// Opens the connections of one worker.
#[derive(Debug, Default)]
pub struct Dialer {
    route: Arc<Route>,
    resolver: Resolver,
    turn: Cell<usize>,
    shared_sessions: OnceCell<Arc<dyn ClientSessionStore>>,
}

impl Dialer {
    /// A dialer that begins with that turn: workers with different numbers spread what few connections they have.
    pub fn new(route: Arc<Route>, turn: usize) -> Self {
        Self {
            route,
            turn: Cell::new(turn),
            ..Self::default()
        }
    }

    /// TLS for a pool of its own.
    pub(super) fn sessions(&self, http: HttpVersion) -> Rc<Sessions> {
        let tls = &self.route.tls;
        let store = match tls.resumption() {
            Resumption::On => Some(tls::store()),
            Resumption::Shared => Some(self.shared_sessions.get_or_init(tls::store).clone()),
            Resumption::Off => None,
        };
        Rc::new(tls.sessions(http, store))
    }

    /// Does a pool that goes cold lose its sessions?
    pub(super) fn forgets_sessions(&self) -> bool {
        self.route.tls.resumption() == Resumption::On
    }

    /// A TCP connection towards the origin. Writes what it cost into `timings`.
    pub(super) async fn tcp(
        &self,
        origin: &Origin,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<TcpStream, Error> {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let detours: &[Endpoint] = if self.route.is_target(origin) {
            &self.route.connect_to
        } else {
            &[]
        };
        let (detour, source) = places(turn, detours.len(), self.route.source_ips.len());
        let endpoint = detours.get(detour).unwrap_or(origin.endpoint());
        let resolving = self.resolver.resolve(endpoint, self.route.lookup);
        let resolved = timeout_at(deadline, resolving).await;
        let (addresses, took) = resolved.map_err(|_| Error::Timeout(Waiting::Dns))??;
        timings.dns = took;
        let asked = Instant::now();
        let dialled = timeout_at(deadline, self.first_that_answers(&addresses, source)).await;
        timings.connect = Some(asked.elapsed());
        dialled
            .map_err(|_| Error::Timeout(Waiting::Connect))?
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|source| Error::from_dial(endpoint.to_string(), source))
    }

    async fn first_that_answers(
        &self,
        addresses: &[SocketAddr],
        source: usize,
    ) -> io::Result<TcpStream> {
        if self.route.source_ips.is_empty() {
            return TcpStream::connect(addresses).await;
        }
        let mut error = io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "none of the source addresses is of its family (IPv4, IPv6)",
        );
        for address in addresses {
            let sources = self.route.source_ips.iter().cycle().skip(source);
            let mut sources = sources.take(self.route.source_ips.len());
            let Some(source) = sources.find(|it| it.is_ipv4() == address.is_ipv4()) else {
                continue;
            };
            match connect_from(*source, *address).await {
                Ok(stream) => return Ok(stream),
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// The TLS handshake.
    pub(super) async fn tls(
        &self,
        sessions: &Sessions,
        origin: &Origin,
        socket: Socket,
        deadline: Instant,
    ) -> Result<(TlsStream<Socket>, Handshake), Error> {
        let is_target = self.route.is_target(origin);
        let shaking = self
            .route
            .tls
            .handshake(sessions, origin, is_target, socket);
        timeout_at(deadline, shaking)
            .await
            .map_err(|_| Error::Timeout(Waiting::Tls))?
            .map_err(|problem| Error::Tls {
                address: origin.to_string(),
                problem,
            })
    }
}

/// Which endpoint and which source have the turn. Each goes round; when both have gone round together, the sources
/// move on by one, so that in the end every pair has had its turn.
const fn places(turn: usize, endpoints: usize, sources: usize) -> (usize, usize) {
    const fn divisor(a: usize, b: usize) -> usize {
        if b == 0 { a } else { divisor(b, a % b) }
    }
    let (endpoints, sources) = (at_least_one(endpoints), at_least_one(sources));
    let round = endpoints / divisor(endpoints, sources) * sources;
    (turn % endpoints, (turn % sources + turn / round) % sources)
}

const fn at_least_one(count: usize) -> usize {
    if count == 0 { 1 } else { count }
}

async fn connect_from(source: IpAddr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match source {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // The port is chosen when the peer is known: then it need only differ from those of connections to the same peer.
    // A kernel that does not know the option has fewer ports to give.
    let _ = setsockopt(&socket, IpBindAddressNoPort, &true);
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(address).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_pair_of_endpoint_and_source_has_its_turn() {
        for endpoints in 1..6 {
            for sources in 1..6 {
                let all: BTreeSet<_> = (0..endpoints * sources)
                    .map(|turn| places(turn, endpoints, sources))
                    .collect();
                assert_eq!(all.len(), endpoints * sources, "{endpoints} {sources}");
            }
        }
        assert_eq!(places(7, 0, 0), (0, 0));
    }
}
