//! The connections of one virtual user, or of all users of a worker.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::connection::Connection;
use super::dialer::Dialer;
use super::error::{Error, Waiting};
use super::lease::Lease;
use super::multiplexed::Multiplexed;
use super::origin::Origin;
use super::origin_protocols::{Known, OriginProtocols};
use super::pool_settings::PoolSettings;
use super::proxy::{self, Forwarded};
use super::slot::Slot;
use super::tls::{Sessions, chose_http2};
use super::totals::Totals;
use super::wire::{Probe, Socket, Wire};
use crate::exchange::{Handshake, HttpVersion, Protocol, Timings};

/// A set of connections. It is cheap to make: a virtual user has one of its own or shares one.
#[derive(Debug)]
pub struct Pool {
    settings: PoolSettings,
    idle: RefCell<Vec<Connection>>,
    shared: RefCell<Vec<Rc<Multiplexed>>>, // one for each origin that speaks HTTP/2
    protocols: OriginProtocols,            // origins without HTTP/2, or not known
    permits: Option<Arc<Semaphore>>,
    pub(super) in_use: Cell<usize>,
    sessions: RefCell<Option<Rc<Sessions>>>, // made when first needed
    dialer: Rc<Dialer>,
    totals: Rc<Totals>,
}

/// A new connection.
enum Opened {
    Http1(Connection),
    Http2(Multiplexed),
}

/// A new connection, within TLS where the origin has it, over which nothing was sent yet.
pub(super) struct Reached {
    pub(super) wire: Wire,
    pub(super) handshake: Option<Handshake>,
    pub(super) is_http2: bool,
    probe: Rc<Probe>,
}

impl Pool {
    /// Makes a pool without connections.
    pub fn new(settings: PoolSettings, dialer: Rc<Dialer>, totals: Rc<Totals>) -> Rc<Self> {
        Rc::new(Self {
            settings,
            idle: RefCell::default(),
            shared: RefCell::default(),
            protocols: OriginProtocols::default(),
            permits: settings
                .limit
                .map(|limit| Arc::new(Semaphore::new(limit.get()))),
            in_use: Cell::default(),
            sessions: RefCell::default(),
            dialer,
            totals,
        })
    }

    /// Returns `true` if connections are kept after their exchange.
    pub const fn keeps_alive(&self) -> bool {
        self.settings.keep_alive
    }

    /// The number of idle connections.
    pub fn idle(&self) -> usize {
        let shared = self.shared.borrow();
        let free = shared.iter().filter(|it| it.is_usable() && it.is_free());
        self.idle.borrow().len() + free.count()
    }

    /// Keeps a connection that became idle, if there is room for one more to its origin.
    pub(super) fn keep(&self, mut connection: Connection) {
        connection.carried += 1;
        let mut idle = self.idle.borrow_mut();
        let of_origin = || idle.iter().filter(|it| it.origin == connection.origin);
        let is_full = |most: NonZeroUsize| of_origin().count() >= most.get();
        if self.settings.keep_alive && !self.settings.max_idle_per_host.is_some_and(is_full) {
            idle.push(connection);
        }
    }

    /// Closes all idle connections and forgets TLS sessions that are not shared, as on a node that starts cold.
    pub fn clear(&self) {
        self.idle.borrow_mut().clear();
        self.shared.borrow_mut().clear();
        self.protocols.clear();
        if self.dialer.forgets_sessions() {
            drop(self.sessions.take());
        }
    }

    /// The counters of this pool's body bytes.
    pub const fn totals(&self) -> &Rc<Totals> {
        &self.totals
    }

    /// Leases an idle connection to `origin` that carries one exchange at a time. `None`: call [`Pool::lease`], which
    /// may find or open one.
    pub(super) fn lease_idle(self: &Rc<Self>, origin: &Origin) -> Option<Lease> {
        if self.may_share(origin) {
            return None;
        }
        let slot = Slot::take(self, self.permit().ok()?);
        let connection = self.take_idle(origin)?;
        Some(Lease::Exclusive { connection, slot })
    }

    /// Returns `true` if one connection to that origin may carry several exchanges.
    fn may_share(&self, origin: &Origin) -> bool {
        self.settings.keep_alive
            && match self.settings.http {
                HttpVersion::Http1 => false,
                HttpVersion::Http2 => true,
                HttpVersion::Auto => origin.is_secure(),
            }
    }

    /// Leases a connection to `origin`, or a stream of one, idle or new. Writes the time of each phase into
    /// `timings`.
    ///
    /// # Cancel safety
    /// An abandoned dial is closed; no slot is lost.
    pub(super) async fn lease(
        self: &Rc<Self>,
        origin: &Origin,
        (asked, deadline): (Instant, Instant),
        timings: &mut Timings,
    ) -> Result<(Lease, Option<Handshake>), Error> {
        if self.may_share(origin) {
            self.lease_shared(origin, asked, deadline, timings).await
        } else {
            self.lease_exclusive(origin, asked, deadline, timings).await
        }
    }

    async fn lease_exclusive(
        self: &Rc<Self>,
        origin: &Origin,
        asked: Instant,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<(Lease, Option<Handshake>), Error> {
        let slot = self.slot(deadline).await?;
        let found = self.take_idle(origin);
        timings.wait = Some(asked.elapsed());
        if let Some(connection) = found {
            return Ok((Lease::Exclusive { connection, slot }, None));
        }
        match Box::pin(self.dial(origin, deadline, timings)).await? {
            (Opened::Http1(connection), handshake) => {
                Ok((Lease::Exclusive { connection, slot }, handshake))
            }
            (Opened::Http2(connection), handshake) => {
                let connection = Rc::new(connection);
                connection.hold(slot);
                let stream = connection
                    .stream()
                    .await
                    .ok_or_else(|| connection.why_closed())?;
                let totals = Rc::clone(&self.totals);
                Ok((Lease::Stream { stream, totals }, handshake))
            }
        }
    }

    /// Does the same where one connection may carry many exchanges: only one of them dials.
    async fn lease_shared(
        self: &Rc<Self>,
        origin: &Origin,
        asked: Instant,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<(Lease, Option<Handshake>), Error> {
        let no_connection = |_| Error::Timeout(Waiting::Connection);
        loop {
            if let Some(connection) = self.find_shared(origin) {
                if !connection.is_alive().await {
                    continue;
                }
                if !connection.has_slot() {
                    let slot = self.slot(deadline).await?;
                    // Other exchanges may have run first, and the connection may have ended.
                    if !connection.has_slot() && connection.is_usable() {
                        connection.hold(slot);
                    }
                }
                let stream = timeout_at(deadline, connection.stream()).await;
                if let Some(stream) = stream.map_err(no_connection)? {
                    timings.wait = Some(asked.elapsed());
                    let totals = Rc::clone(&self.totals);
                    return Ok((Lease::Stream { stream, totals }, None));
                }
                continue;
            }
            match self.protocols.of(origin) {
                Some(Known::Dialling(told)) => timeout_at(deadline, told.notified())
                    .await
                    .map_err(no_connection)?,
                Some(Known::Http1) => {
                    return self.lease_exclusive(origin, asked, deadline, timings).await;
                }
                None => break,
            }
        }
        let dialling = self.protocols.dial(origin);
        let slot = self.slot(deadline).await?;
        timings.wait = Some(asked.elapsed());
        match Box::pin(self.dial(origin, deadline, timings)).await? {
            (Opened::Http1(connection), handshake) => {
                dialling.found_http1();
                Ok((Lease::Exclusive { connection, slot }, handshake))
            }
            (Opened::Http2(connection), handshake) => {
                let connection = Rc::new(connection);
                connection.hold(slot);
                self.shared.borrow_mut().push(Rc::clone(&connection));
                let stream = connection
                    .stream()
                    .await
                    .ok_or_else(|| connection.why_closed())?;
                let totals = Rc::clone(&self.totals);
                Ok((Lease::Stream { stream, totals }, handshake))
            }
        }
    }

    /// Returns the HTTP/2 connection to an origin, if there is one that takes requests.
    fn find_shared(&self, origin: &Origin) -> Option<Rc<Multiplexed>> {
        let mut shared = self.shared.borrow_mut();
        shared.retain(|it| it.is_usable());
        shared.iter().find(|it| it.origin == *origin).cloned()
    }

    async fn slot(self: &Rc<Self>, deadline: Instant) -> Result<Slot, Error> {
        let permit = match self.permit() {
            Ok(permit) => permit,
            Err(permits) => {
                let acquired = timeout_at(deadline, permits.acquire_owned()).await;
                let permit = acquired.map_err(|_| Error::Timeout(Waiting::Connection))?;
                Some(permit.expect("the semaphore of a pool is never closed"))
            }
        };
        Ok(Slot::take(self, permit))
    }

    /// Returns a permit for one more connection if the pool has a limit. The error is the semaphore to wait for.
    fn permit(&self) -> Result<Option<OwnedSemaphorePermit>, Arc<Semaphore>> {
        let Some(permits) = &self.permits else {
            return Ok(None);
        };
        let permit = Arc::clone(permits).try_acquire_owned();
        permit.map(Some).map_err(|_none_left| Arc::clone(permits))
    }

    /// Takes the connection that was used last: the peer is least likely to have closed it.
    fn take_idle(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut idle = self.idle.borrow_mut();
                let index = idle.iter().rposition(|it| it.origin == *origin)?;
                idle.remove(index)
            };
            if connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Closes idle connections until there is room for one more. The dial itself holds a slot already.
    fn make_room(&self) {
        let Some(limit) = self.settings.limit else {
            return;
        };
        let mut idle = self.idle.borrow_mut();
        let mut shared = self.shared.borrow_mut();
        let has_room = |free: usize| free + self.in_use.get() <= limit.get();
        let is_free = |it: &Rc<Multiplexed>| !it.has_slot() && it.is_free();
        while !has_room(idle.len() + shared.iter().filter(|it| is_free(it)).count()) {
            if !idle.is_empty() {
                idle.remove(0);
            } else if let Some(index) = shared.iter().position(is_free) {
                shared.remove(index).retire();
            } else {
                return;
            }
        }
    }

    async fn dial(
        &self,
        origin: &Origin,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<(Opened, Option<Handshake>), Error> {
        self.make_room();
        let Reached {
            wire,
            handshake,
            is_http2,
            probe,
        } = self.reach(origin, deadline, timings).await?;
        let (home, seen) = (origin.clone(), Rc::clone(&probe));
        let (opened, protocol) = if is_http2 {
            let opened = timeout_at(deadline, Multiplexed::open(home, wire, seen))
                .await
                .map_err(|_| Error::Timeout(Waiting::Connect))?;
            (opened.map(Opened::Http2), Protocol::Http2)
        } else {
            let opened = Connection::open(home, wire, seen).await;
            (opened.map(Opened::Http1), Protocol::Http1)
        };
        let spoken = (protocol, probe.first_bytes());
        let opened = opened.map_err(|error| Error::from_hyper(&error, None, spoken))?;
        Ok((opened, handshake))
    }

    /// Connects to the origin: over TCP, through the proxy, and within TLS.
    pub(super) async fn reach(
        &self,
        origin: &Origin,
        deadline: Instant,
        timings: &mut Timings,
    ) -> Result<Reached, Error> {
        if self.forwarded(origin).is_some() {
            proxy::check(origin)?;
        }
        let mut stream = self.dialer.tcp(origin, deadline, timings).await?;
        self.totals.add_connection();
        if self.is_tunnelled(origin) {
            let asked = Instant::now();
            let tunnelled = self.dialer.tunnel(&mut stream, origin, deadline).await;
            timings.proxy = Some(asked.elapsed());
            tunnelled?;
        }
        let probe = Rc::new(Probe::new(&self.totals));
        let socket = Socket::new(stream, Rc::clone(&probe));
        if !origin.is_secure() {
            return Ok(Reached {
                wire: Wire::plain(socket, Rc::clone(&probe)),
                handshake: None,
                is_http2: self.settings.http == HttpVersion::Http2,
                probe,
            });
        }
        let sessions = self.sessions();
        let socket = socket.reading_ahead();
        let asked = Instant::now();
        let shaking = self.dialer.tls(&sessions, origin, socket, deadline);
        let shaken = shaking.await;
        timings.tls = Some(asked.elapsed());
        let (stream, handshake) = shaken?;
        let is_http2 = chose_http2(&stream);
        if !is_http2 && self.settings.http == HttpVersion::Http2 {
            return Err(Error::NotHttp2("it did not choose it".to_owned()));
        }
        Ok(Reached {
            wire: Wire::tls(stream, Rc::clone(&probe)),
            handshake: Some(handshake),
            is_http2,
            probe,
        })
    }

    /// Returns `true` if connections to the origin are tunnels of a proxy. No proxy forwards HTTP/2.
    fn is_tunnelled(&self, origin: &Origin) -> bool {
        self.dialer.has_proxy() && (origin.is_secure() || self.settings.http == HttpVersion::Http2)
    }

    /// How requests to the origin are forwarded, if a proxy forwards them.
    pub(super) fn forwarded(&self, origin: &Origin) -> Option<Forwarded<'_>> {
        let forwarded = self.dialer.forwarded();
        forwarded.filter(|_| !self.is_tunnelled(origin))
    }

    /// What a 407 of that origin means: the proxy that forwards requests wants other credentials. `None`: it is the origin's.
    pub(super) fn refused_by_proxy(&self, origin: &Origin) -> Option<Error> {
        self.forwarded(origin)?;
        self.dialer.refused_by_proxy()
    }

    fn sessions(&self) -> Rc<Sessions> {
        let mut sessions = self.sessions.borrow_mut();
        let make = || self.dialer.sessions(self.settings.http);
        Rc::clone(sessions.get_or_insert_with(make))
    }
}
