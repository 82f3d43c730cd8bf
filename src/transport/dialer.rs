//! How connections are opened: over which addresses, to which endpoint, and within TLS for https.

use std::cell::{Cell, OnceCell};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustls::client::ClientSessionStore;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

use super::error::{Error, Waiting};
use super::happy_eyeballs;
use super::origin::Origin;
use super::peers::{Peer, Peers};
use super::proxy::{self, Forwarded};
use super::resolver::Resolver;
use super::tls::{self, Sessions, Tls};
use super::wire::Socket;
use crate::exchange::{Handshake, HttpVersion, Lookup, Resumption, Timings};
use crate::units::{Endpoint, Proxy};

/// The ways to the target and to other hosts, the same for all workers.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// The origin that `connect_to`, the client certificate and the name of the TLS settings apply to.
    pub target: Option<Origin>,
    /// The endpoints of connections to the target, in turn; empty: its own address.
    pub connect_to: Vec<Endpoint>,
    /// The local addresses of connections, in turn; empty: the system chooses.
    pub source_ips: Vec<IpAddr>,
    /// When names are looked up.
    pub lookup: Lookup,
    /// The HTTP proxy of every connection, whatever its origin. `connect_to` then has no effect.
    pub proxy: Option<Proxy>,
    /// The TLS settings of `https`.
    pub tls: Arc<Tls>,
}

impl Route {
    /// Checks that this machine has the source addresses.
    ///
    /// # Errors
    /// Returns the first that cannot be bound to, and why.
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
    peers: Peers,
    shared_sessions: OnceCell<Arc<dyn ClientSessionStore>>,
    authorization: Option<HeaderValue>, // for the proxy
}

impl Dialer {
    /// Makes a dialer that starts with that turn: workers with different numbers spread even a few connections.
    pub fn new(route: Arc<Route>, turn: usize) -> Self {
        let proxy = route.proxy.as_ref();
        Self {
            authorization: proxy.and_then(proxy::authorization),
            route,
            turn: Cell::new(turn),
            ..Self::default()
        }
    }

    pub(super) fn has_proxy(&self) -> bool {
        self.route.proxy.is_some()
    }

    /// How requests are forwarded, if there is a proxy.
    pub(super) fn forwarded(&self) -> Option<Forwarded<'_>> {
        self.has_proxy().then_some(Forwarded {
            authorization: self.authorization.as_ref(),
        })
    }

    /// The error of a proxy that wants other credentials.
    pub(super) fn refused_by_proxy(&self) -> Option<Error> {
        let proxy = self.route.proxy.as_ref()?;
        let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        Some(proxy::refused(proxy, status))
    }

    /// Asks the proxy for a tunnel to the origin.
    pub(super) async fn tunnel(
        &self,
        stream: &mut TcpStream,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<(), Error> {
        let Some(proxy) = &self.route.proxy else {
            return Ok(());
        };
        let asking = proxy::tunnel(stream, proxy, origin, self.authorization.as_ref());
        timeout_at(deadline, asking)
            .await
            .map_err(|_| Error::Timeout(Waiting::Proxy))?
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

    /// Returns `true` if a pool that is cleared forgets its TLS sessions.
    pub(super) fn forgets_sessions(&self) -> bool {
        self.route.tls.resumption() == Resumption::On
    }

    /// Opens a TCP connection to the origin, or to the proxy. Writes the time of each phase into `timings`.
    pub(super) async fn tcp(
        &self,
        origin: &Origin,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<TcpStream, Error> {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let detours: &[Endpoint] = if !self.has_proxy() && self.route.is_target(origin) {
            &self.route.connect_to
        } else {
            &[]
        };
        let sources = self.route.source_ips.len();
        let proxy = self.route.proxy.as_ref();
        // Whom the connections are counted for, and where they go.
        let host = proxy.map_or(origin.endpoint(), |it| &it.endpoint);
        let endpoint = detours.get(turn % detours.len().max(1)).unwrap_or(host);
        let of_proxy = |error| match proxy {
            Some(proxy) => proxy::unreachable(proxy, error),
            None => error,
        };
        let resolving = self.resolver.resolve(endpoint, self.route.lookup);
        let resolved = timeout_at(deadline, resolving).await;
        let resolved = resolved.map_err(|_| Error::Timeout(Waiting::Dns));
        let (addresses, took) = resolved.and_then(|it| it).map_err(of_proxy)?;
        timings.dns = took;
        if took.is_some() {
            self.peers.know(host, &addresses);
        }
        let cycle = happy_eyeballs::turns(&addresses);
        let (source, address) = places(turn, detours.len(), sources, cycle);
        let asked = Instant::now();
        let dialling = self.first_that_answers(host, &addresses, (address, source));
        let dialled = timeout_at(deadline, dialling).await;
        timings.connect = Some(asked.elapsed());
        dialled
            .map_err(|_| of_proxy(Error::Timeout(Waiting::Connect)))?
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|source| {
                let tried = match addresses.len() {
                    0 | 1 => endpoint.to_string(),
                    several => format!("{endpoint} at any of its {several} addresses"),
                };
                of_proxy(Error::from_dial(tried, source))
            })
    }

    /// The addresses of the connections so far.
    pub fn peers(&self) -> Vec<Peer> {
        self.peers.all()
    }

    async fn first_that_answers(
        &self,
        host: &Endpoint,
        addresses: &[SocketAddr],
        (address, source): (usize, usize),
    ) -> io::Result<TcpStream> {
        let dial = async |address: SocketAddr| {
            let attempt = self.peers.attempt(host, address);
            let connected = match self.source_for(address, source) {
                Some(source) => connect_from(source, address).await,
                None => TcpStream::connect(address).await,
            };
            attempt.end(connected.is_ok());
            connected
        };
        let has_source = |it: &SocketAddr| {
            self.route.source_ips.is_empty() || self.source_for(*it, source).is_some()
        };
        if let [only] = addresses
            && has_source(only)
        {
            return dial(*only).await;
        }
        let mut order = happy_eyeballs::order(addresses, address);
        order.retain(has_source);
        if order.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "none of the source addresses is of its family (IPv4, IPv6)",
            ));
        }
        happy_eyeballs::first(&order, dial).await
    }

    /// The next source of the address's family.
    fn source_for(&self, address: SocketAddr, turn: usize) -> Option<IpAddr> {
        let all = &self.route.source_ips;
        let mut sources = all.iter().cycle().skip(turn).take(all.len());
        sources
            .find(|it| it.is_ipv4() == address.is_ipv4())
            .copied()
    }

    /// Performs the TLS handshake.
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

/// The source and the order of the endpoint's addresses for this turn. When two of them have come round together, one
/// moves on, so that every combination has its turn.
const fn places(turn: usize, endpoints: usize, sources: usize, addresses: usize) -> (usize, usize) {
    let endpoints = at_least_one(endpoints);
    let (sources, addresses) = (at_least_one(sources), at_least_one(addresses));
    let round = happy_eyeballs::together(endpoints, sources);
    let source = (turn % sources + turn / round) % sources;
    let longer = happy_eyeballs::together(round * sources, addresses);
    (source, (turn % addresses + turn / longer) % addresses)
}

const fn at_least_one(count: usize) -> usize {
    if count == 0 { 1 } else { count }
}

async fn connect_from(source: IpAddr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match source {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // The port is chosen when the peer is known: it then only has to differ from those of connections to the same
    // peer. Kernels without this option have fewer ports.
    let _ = setsockopt(&socket, IpBindAddressNoPort, &true);
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(address).await
}

#[cfg(test)]
mod tests;
