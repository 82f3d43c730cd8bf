//! An HTTP/2 connection: it carries all exchanges with an origin and is driven by tasks of its own.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;

use super::body::Body;
use super::connection::{Driver, SendResult};
use super::error::Error;
use super::origin::Origin;
use super::slot::Slot;
use super::wire::{Peek, Probe, Wire};

/// The window that Go's clients grant a server at first, in bytes: for one body, ...
const STREAM_WINDOW: u32 = 4 << 20;
/// ... and for all bodies together.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// The longest head of a response, in bytes: as over HTTP/1.1.
const MAX_HEAD: u32 = 1 << 20;

/// More streams than any server allows; used for a peer that sets no limit.
const MANY: usize = 1 << 16;

/// An HTTP/2 connection and its state.
pub(super) struct Multiplexed {
    pub(super) origin: Origin,
    sender: RefCell<http2::SendRequest<Body>>,
    pub(super) probe: Rc<Probe>,
    state: Rc<State>,
    open: Cell<usize>,           // streams
    used: Cell<bool>,            // it has carried an exchange
    slot: RefCell<Option<Slot>>, // while there are streams
}

type Http2 = http2::Connection<TokioIo<Wire>, Body, Tasks>;

/// The number of streams that the peer allows, updated whenever the connection makes progress.
struct State {
    connection: RefCell<Option<Http2>>, // `None` before the handshake and after the end
    streams: Arc<Semaphore>,            // closed at the end; first come, first served
    limit: Cell<usize>,
    in_order: Cell<bool>, // it ended in order: with GOAWAY, or between two requests
    debt: Cell<usize>,    // open streams beyond a limit that was lowered
}

impl State {
    /// Adopts the latest limit of the peer.
    fn look(&self) {
        let Ok(connection) = self.connection.try_borrow() else {
            return;
        };
        let Some(connection) = &*connection else {
            return;
        };
        let now = connection.current_max_send_streams().min(MANY);
        let before = self.limit.replace(now);
        if now > before {
            let paid = self.debt.get().min(now - before);
            self.debt.set(self.debt.get() - paid);
            self.streams.add_permits(now - before - paid);
        } else if now < before {
            let gone = self.streams.forget_permits(before - now);
            self.debt.set(self.debt.get() + before - now - gone);
        }
    }

    fn give_back(&self, stream: OwnedSemaphorePermit) {
        match self.debt.get().checked_sub(1) {
            None => drop(stream),
            Some(debt) => {
                stream.forget();
                self.debt.set(debt);
            }
        }
    }
}

/// Runs the tasks of one connection on the event loop on which they were made, and checks its limit after each step.
#[derive(Clone)]
struct Tasks(Weak<State>);

impl<F: Future + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let state = Weak::clone(&self.0);
        let mut task = Box::pin(task);
        tokio::task::spawn_local(poll_fn(move |cx| {
            let step = task.as_mut().poll(cx);
            if let Some(state) = state.upgrade() {
                state.look();
            }
            step.map(drop)
        }));
    }
}

/// The task that hands requests to the connection, until it has ended or no sender is left.
struct Drive(Rc<State>);

impl Future for Drive {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut connection = self.0.connection.borrow_mut();
        if let Some(connection) = &mut *connection {
            // Its error, if any, reaches the waiting exchanges through the sender.
            match Pin::new(connection).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(ended) => self.0.in_order.set(ended.is_ok()),
            }
        }
        *connection = None;
        self.0.streams.close();
        Poll::Ready(())
    }
}

impl Multiplexed {
    /// Speaks HTTP/2 over a new connection. One stream is allowed until the peer has sent its limit.
    pub(super) async fn open(
        origin: Origin,
        wire: Wire,
        probe: Rc<Probe>,
    ) -> Result<Self, hyper::Error> {
        let state = Rc::new(State {
            connection: RefCell::new(None),
            streams: Arc::new(Semaphore::new(1)),
            limit: Cell::new(1),
            in_order: Cell::new(false),
            debt: Cell::new(0),
        });
        let (sender, connection) = http2::Builder::new(Tasks(Rc::downgrade(&state)))
            .initial_max_send_streams(1)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD)
            .handshake(TokioIo::new(wire))
            .await?;
        *state.connection.borrow_mut() = Some(connection);
        tokio::task::spawn_local(Drive(Rc::clone(&state)));
        Ok(Self {
            origin,
            sender: RefCell::new(sender),
            probe,
            state,
            open: Cell::new(0),
            used: Cell::new(false),
            slot: RefCell::new(None),
        })
    }

    /// Why there is no stream although the connection is new.
    pub(super) fn why_closed(&self) -> Error {
        if self.state.in_order.get() {
            Error::Unprocessed("the connection was closed before a request was sent".to_owned())
        } else {
            Error::closed_at_once()
        }
    }

    /// Opens no more streams. Open ones go on.
    pub(super) fn retire(&self) {
        self.state.streams.close();
    }

    /// Returns `true` if streams may be opened. Peeks at the socket of an unused connection once, so that a close by the peer
    /// is noticed even before the connection's own tasks have run.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn is_alive(&self) -> bool {
        if self.is_free() {
            match self.probe.peek() {
                Peek::Quiet => {}
                Peek::Closed => self.retire(),
                // A ping or a GOAWAY: one turn to read it, and one to act on it.
                Peek::Bytes => {
                    yield_now().await;
                    yield_now().await;
                }
            }
        }
        self.is_usable()
    }

    /// Returns `true` if streams may be opened, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        !self.state.streams.is_closed()
    }

    /// Returns `true` if no exchange uses it.
    pub(super) fn is_free(&self) -> bool {
        self.open.get() == 0
    }

    /// Returns `true` if it holds a slot of its pool.
    pub(super) fn has_slot(&self) -> bool {
        self.slot.borrow().is_some()
    }

    /// Takes a slot, and holds it until no stream is open.
    pub(super) fn hold(&self, slot: Slot) {
        *self.slot.borrow_mut() = Some(slot);
    }

    /// Opens a stream as soon as the peer allows one more; `None` if the connection takes no more.
    ///
    /// # Cancel safety
    /// No stream is lost.
    pub(super) async fn stream(self: &Rc<Self>) -> Option<Stream> {
        let permit = Arc::clone(&self.state.streams).acquire_owned().await.ok()?;
        self.open.set(self.open.get() + 1);
        Some(Stream {
            is_first: !self.used.replace(true),
            clock: Driver::clock(),
            permit: Some(permit),
            connection: Rc::clone(self),
        })
    }
}

/// A stream for one exchange. Dropping it ends the exchange, not the connection.
pub(super) struct Stream {
    pub(super) is_first: bool,
    pub(super) clock: Driver,
    permit: Option<OwnedSemaphorePermit>, // there until the end
    pub(super) connection: Rc<Multiplexed>,
}

impl Stream {
    /// Hands over a request. Returns the future of its response and the driver to run beside it.
    pub(super) fn send(
        &mut self,
        request: Request<Body>,
    ) -> (impl Future<Output = SendResult> + use<>, &mut Driver) {
        let answer = self
            .connection
            .sender
            .borrow_mut()
            .try_send_request(request);
        (answer, &mut self.clock)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let connection = &self.connection;
        if let Some(permit) = self.permit.take() {
            connection.state.give_back(permit);
        }
        connection.open.set(connection.open.get() - 1);
        if connection.is_free() {
            drop(connection.slot.take());
        }
    }
}

impl fmt::Debug for Multiplexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multiplexed")
            .field("origin", &self.origin)
            .field("open", &self.open.get())
            .field("limit", &self.state.limit.get())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
