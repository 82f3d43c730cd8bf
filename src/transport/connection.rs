//! An HTTP/1.1 connection that is driven by its exchange.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite as _;
use tokio::time::Instant;

use super::body::Body;
use super::deadline_timer::DeadlineTimer;
use super::origin::Origin;
use super::turn_waker::{Turn, TurnWaker};
use super::wire::{Probe, Wire};

/// An HTTP/1.1 connection and its state.
pub(super) struct Connection {
    pub(super) origin: Origin,
    pub(super) sender: http1::SendRequest<Body>,
    pub(super) probe: Rc<Probe>,
    pub(super) carried: u64, // exchanges that this connection has carried to their end
    driver: Driver,
}

/// The outcome of a request that was handed over.
pub(super) type SendResult = Result<Response<Incoming>, TrySendError<Request<Body>>>;

type Http1 = http1::Connection<TokioIo<Wire>, Body>;

/// hyper's connection, and the timer that stops it.
pub(super) struct Driver {
    half: Half,
    waker: Option<TurnWaker>, // if there is a connection to drive
    timer: DeadlineTimer,
}

/// hyper's half of a connection, if there is one.
#[derive(Default)]
struct Half {
    http1: Option<Box<Http1>>,
    has_ended: bool, // bytes that it did not understand are still in it
}

impl Half {
    fn of(http1: Http1) -> Self {
        Self {
            http1: Some(Box::new(http1)),
            has_ended: false,
        }
    }

    /// Reads and writes what is possible now.
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(http1) = &mut self.http1
            && !self.has_ended
        {
            // Its error, if any, reaches the work through the sender.
            self.has_ended = http1.poll_without_shutdown(cx).is_ready();
        }
    }

    const fn is_running(&self) -> bool {
        self.http1.is_some() && !self.has_ended
    }

    /// Returns the wire of a half that has ended, and the bytes that it read and did not understand.
    fn take_back(&mut self) -> Option<(Wire, Bytes)> {
        let ended = self.http1.take_if(|_| self.has_ended)?;
        let parts = ended.into_parts();
        Some((parts.io.into_inner(), parts.read_buf))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if let Some((mut wire, _)) = self.take_back() {
            // Sends the TLS close_notify if there is room for it; the peer may wait for it.
            let mut nobody = Context::from_waker(Waker::noop());
            let _ = Pin::new(&mut wire).poll_shutdown(&mut nobody);
        }
    }
}

/// The deadline passed first.
pub(super) struct TimedOut;

/// What is polled first in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// The work: what it waits for may be there already.
    Work,
    /// The connection: the work has handed over its request and waits for the response.
    Connection,
}

impl Driver {
    /// Returns the timer alone, for exchanges over a connection that other tasks drive.
    pub(super) fn clock() -> Self {
        Self {
            half: Half::default(),
            waker: None,
            timer: DeadlineTimer::default(),
        }
    }

    /// Runs `work` and the connection side by side until `work` is done or the deadline passes.
    ///
    /// The work is polled after the connection, so that it gets in the same turn what was read; and also before it,
    /// if something may be there already.
    pub(super) fn run<F: Future + Unpin>(
        &mut self,
        first: First,
        mut work: F,
        deadline: Instant,
    ) -> impl Future<Output = Result<F::Output, TimedOut>> {
        // The output of the work is large, and is moved as rarely as possible.
        let mut output = None;
        poll_fn(move |cx| {
            let mut work = |context: &mut Context<'_>| match Pin::new(&mut work).poll(context) {
                Poll::Ready(done) => {
                    output = Some(done);
                    true
                }
                Poll::Pending => false,
            };
            match &self.waker {
                None => drop(work(cx)),
                Some(waker) => {
                    let turn = waker.enter(cx);
                    if !step(first, work, &mut self.half, &turn) {
                        turn.end(cx);
                    }
                }
            }
            match output.take() {
                Some(output) => Poll::Ready(Ok(output)),
                None => self.timer.poll_at(cx, deadline).map(|()| Err(TimedOut)),
            }
        })
    }
}

/// Polls the connection and then the work; the work also before, if it comes first. Returns `true` once the work is
/// done.
fn step(
    first: First,
    mut work: impl FnMut(&mut Context<'_>) -> bool,
    half: &mut Half,
    turn: &Turn<'_>,
) -> bool {
    if first == First::Work && turn.work(&mut work) {
        return true;
    }
    turn.connection(|context| half.poll(context));
    turn.work(work)
}

impl Connection {
    /// Speaks HTTP/1.1 over a new connection.
    pub(super) async fn open(
        origin: Origin,
        wire: Wire,
        probe: Rc<Probe>,
    ) -> Result<Self, hyper::Error> {
        let (sender, connection) = http1::handshake(TokioIo::new(wire)).await?;
        let waker = TurnWaker::new();
        probe.wakes(waker.state());
        Ok(Self {
            origin,
            sender,
            probe,
            carried: 0,
            driver: Driver {
                half: Half::of(connection),
                waker: Some(waker),
                ..Driver::clock()
            },
        })
    }

    /// Hands over a request. Returns the future of its response and the driver to run beside it, connection first.
    pub(super) fn send(
        &mut self,
        request: Request<Body>,
    ) -> (impl Future<Output = SendResult> + use<>, &mut Driver) {
        self.probe.reset();
        self.hand_over(request)
    }

    fn hand_over(
        &mut self,
        request: Request<Body>,
    ) -> (impl Future<Output = SendResult> + use<>, &mut Driver) {
        let sender = &mut self.sender;
        let hand_over = || sender.try_send_request(request);
        let answer = match &self.driver.waker {
            Some(waker) => waker.work(hand_over),
            None => hand_over(),
        };
        (answer, &mut self.driver)
    }

    /// Returns the wire of a connection that hyper gave up, and the bytes that it read and did not understand.
    pub(super) fn take_back(&mut self) -> Option<(Wire, Bytes)> {
        self.driver.half.take_back()
    }

    /// Reads the response to a request of that method again, from a wire that replays it, with room for so many
    /// header fields and bytes.
    pub(super) async fn read_again(
        &mut self,
        wire: Wire,
        method: &Method,
        (fields, bytes): (usize, usize),
        deadline: Instant,
    ) -> Option<Result<SendResult, TimedOut>> {
        let shaking = http1::Builder::new()
            .max_headers(fields)
            .max_buf_size(bytes)
            .handshake(TokioIo::new(wire));
        let (sender, connection) = shaking.await.ok()?;
        self.sender = sender;
        self.driver.half = Half::of(connection);
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        let (answer, driver) = self.hand_over(request);
        Some(driver.run(First::Connection, pin!(answer), deadline).await)
    }

    /// The driver.
    pub(super) fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// Returns `true` if the connection is idle and alive, as far as the event loop knows. A close by the peer is noticed here.
    pub(super) fn is_usable(&mut self) -> bool {
        let Driver {
            half,
            waker: Some(waker),
            ..
        } = &mut self.driver
        else {
            return false;
        };
        // While the peer sends nothing, the connection is as it was at the end of its last turn.
        let as_it_was = self.probe.is_idle() && self.sender.is_ready();
        if half.is_running() && !as_it_was {
            half.poll(&mut waker.context());
        }
        half.is_running() && self.sender.is_ready()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("origin", &self.origin)
            .field("carried", &self.carried)
            .finish_non_exhaustive()
    }
}
