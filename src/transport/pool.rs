//! The connections of one virtual user, or of all the users of a worker.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use url::Host;

use super::connection::Connection;
use super::error::{Error, Waiting};
use super::origin::Origin;
use super::timings::{ConnectionUse, Timings};

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// Is a connection used again, or closed after each exchange (`Connection: close`)?
    pub keep_alive: bool,
    /// The most connections open at once; `None` opens one whenever none is free.
    pub limit: Option<NonZeroUsize>,
}

/// Body bytes that crossed the sockets of a worker: the count that the samples are held against. And the sockets.
#[derive(Debug, Default)]
pub struct Totals {
    connections: Cell<u64>,
    sent: Cell<u64>,
    received: Cell<u64>,
}

impl Totals {
    /// Bytes of request bodies handed to connections.
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Bytes of answer bodies taken from connections.
    pub fn received(&self) -> u64 {
        self.received.get()
    }

    /// Connections opened.
    pub fn connections(&self) -> u64 {
        self.connections.get()
    }

    pub(super) fn add_sent(&self, bytes: u64) {
        self.sent.set(self.sent.get() + bytes);
    }

    pub(super) fn add_received(&self, bytes: u64) {
        self.received.set(self.received.get() + bytes);
    }
}

/// The addresses of hosts: looked up once for each worker and pinned, so that a run does not drift to another
/// machine half-way and does not measure the resolver ten thousand times.
#[derive(Debug, Default)]
pub struct Resolver {
    known: RefCell<Vec<(Origin, Rc<[SocketAddr]>)>>,
}

impl Resolver {
    async fn resolve(
        &self,
        origin: &Origin,
    ) -> Result<(Rc<[SocketAddr]>, Option<Duration>), Error> {
        let name = match origin.host() {
            Host::Ipv4(ip) => return Ok((Rc::new([(*ip, origin.port()).into()]), None)),
            Host::Ipv6(ip) => return Ok((Rc::new([(*ip, origin.port()).into()]), None)),
            Host::Domain(name) => name,
        };
        let cached = |known: &[(Origin, Rc<[SocketAddr]>)]| {
            let found = known.iter().find(|(it, _)| it == origin);
            found.map(|(_, addresses)| Rc::clone(addresses))
        };
        if let Some(addresses) = cached(&self.known.borrow()) {
            return Ok((addresses, None));
        }
        let asked = Instant::now();
        let refuse = |source| Error::Dns {
            host: name.clone(),
            source,
        };
        let addresses: Rc<[SocketAddr]> = tokio::net::lookup_host((name.as_str(), origin.port()))
            .await
            .map_err(refuse)?
            .collect();
        if addresses.is_empty() {
            return Err(refuse(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "the name has no address",
            )));
        }
        let mut known = self.known.borrow_mut();
        // Others may have asked at the same time; and a peer that redirects to ever new hosts must not fill memory.
        if cached(&known).is_none() && known.len() < 1024 {
            known.push((origin.clone(), Rc::clone(&addresses)));
        }
        Ok((addresses, Some(asked.elapsed())))
    }
}

/// A set of connections. Cheap to make; a virtual user may have one of its own or share one.
#[derive(Debug)]
pub struct Pool {
    settings: PoolSettings,
    idle: RefCell<Vec<Connection>>,
    permits: Option<Arc<Semaphore>>,
    in_use: Cell<usize>,
    resolver: Rc<Resolver>,
    totals: Rc<Totals>,
}

/// A connection lent by a pool. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) connection: Connection,
    place: Place,
}

/// A place in the pool's limit, taken from before the dial until the connection is free or closed.
#[derive(Debug)]
struct Place {
    pool: Rc<Pool>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.in_use.set(self.pool.in_use.get() - 1);
    }
}

impl Lent {
    /// Hands the connection back for others to use.
    pub(super) fn give_back(self) {
        let Self {
            mut connection,
            place,
        } = self;
        connection.carried += 1;
        if place.pool.settings.keep_alive {
            place.pool.idle.borrow_mut().push(connection);
        }
    }

    pub(super) const fn connection_use(&self) -> ConnectionUse {
        if self.connection.carried == 0 {
            ConnectionUse::New
        } else {
            ConnectionUse::Reused
        }
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.place.pool.totals
    }
}

impl Pool {
    /// A pool without connections.
    pub fn new(settings: PoolSettings, resolver: Rc<Resolver>, totals: Rc<Totals>) -> Rc<Self> {
        Rc::new(Self {
            settings,
            idle: RefCell::default(),
            permits: settings
                .limit
                .map(|limit| Arc::new(Semaphore::new(limit.get()))),
            in_use: Cell::default(),
            resolver,
            totals,
        })
    }

    /// Is a connection kept after its exchange?
    pub const fn keeps_alive(&self) -> bool {
        self.settings.keep_alive
    }

    /// Connections that are open and free.
    pub fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    /// Closes every free connection, as a node that goes cold does.
    pub fn clear(&self) {
        self.idle.borrow_mut().clear();
    }

    /// Where the body bytes of this pool are counted.
    pub const fn totals(&self) -> &Rc<Totals> {
        &self.totals
    }

    /// A connection to `origin`: a free one, or a new one. Writes what it cost into `timings`.
    ///
    /// # Cancel safety
    /// A dial that is given up is closed; no place in the limit is lost.
    pub(super) async fn lend(
        self: &Rc<Self>,
        origin: &Origin,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<Lent, Error> {
        let asked = Instant::now();
        let permit = match &self.permits {
            None => None,
            Some(permits) => {
                let permit = timeout_at(deadline, Arc::clone(permits).acquire_owned()).await;
                let permit = permit.map_err(|_| Error::Timeout(Waiting::Connection))?;
                Some(permit.expect("the semaphore of a pool is never closed"))
            }
        };
        self.in_use.set(self.in_use.get() + 1);
        let place = Place {
            pool: Rc::clone(self),
            _permit: permit,
        };
        let found = self.take_idle(origin).await;
        timings.wait = Some(asked.elapsed());
        let connection = match found {
            Some(connection) => connection,
            None => self.dial(origin, deadline, timings).await?,
        };
        Ok(Lent { connection, place })
    }

    /// The connection that was used last: it is the least likely to have been closed by the peer.
    async fn take_idle(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut idle = self.idle.borrow_mut();
                let place = idle.iter().rposition(|it| *it.origin == *origin)?;
                idle.remove(place)
            };
            if connection.is_usable().await {
                return Some(connection);
            }
        }
    }

    async fn dial(
        &self,
        origin: &Origin,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<Connection, Error> {
        if let Some(limit) = self.settings.limit {
            let mut idle = self.idle.borrow_mut();
            // The dial itself has a place already.
            while !idle.is_empty() && idle.len() + self.in_use.get() > limit.get() {
                idle.remove(0);
            }
        }
        let resolved = timeout_at(deadline, self.resolver.resolve(origin)).await;
        let (addresses, took) = resolved.map_err(|_| Error::Timeout(Waiting::Dns))??;
        timings.dns = took;
        let asked = Instant::now();
        let dialled = timeout_at(deadline, TcpStream::connect(&addresses[..])).await;
        timings.connect = Some(asked.elapsed());
        let stream = dialled
            .map_err(|_| Error::Timeout(Waiting::Connect))?
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|source| Error::from_dial(origin.to_string(), source))?;
        self.totals
            .connections
            .set(self.totals.connections.get() + 1);
        Connection::open(Rc::new(origin.clone()), stream)
            .await
            .map_err(|error| Error::from_hyper(&error, None))
    }
}
