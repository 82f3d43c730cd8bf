//! A connection that its exchange drives by itself.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use http::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::body::Body;
use super::gate::{Gate, Turn};
use super::lent::Answer;
use super::origin::Origin;
use super::wire::{Probe, Wire};

/// An HTTP/1.1 connection and everything that belongs to it.
pub(super) struct Connection {
    pub(super) origin: Origin,
    pub(super) sender: http1::SendRequest<Body>,
    pub(super) probe: Rc<Probe>,
    pub(super) carried: u64, // exchanges that this connection has carried to their end
    driver: Driver,
}

type Http1 = http1::Connection<TokioIo<Wire>, Body>;

/// hyper's half that reads and writes, and the clock that stops it.
pub(super) struct Driver {
    connection: Option<Pin<Box<Http1>>>, // `None` once it has ended
    gate: Option<Gate>,                  // where there is a connection to drive
    alarm: Alarm,
}

/// The deadline came first.
pub(super) struct TimedOut;

/// What is polled first in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// The work: what it waits for may be there already.
    Work,
    /// The connection: the work has handed over what it had, and waits for what comes of it.
    Connection,
}

impl Driver {
    /// The clock alone, for exchanges over a connection that another task drives.
    pub(super) fn clock() -> Self {
        Self {
            connection: None,
            gate: None,
            alarm: Alarm::default(),
        }
    }

    /// Runs `work` and the connection side by side until `work` is done or the deadline has come.
    ///
    /// The work is polled after the connection, so that what was read is handed on in the same turn; and before it,
    /// where something may be there already.
    pub(super) fn run<F: Future + Unpin>(
        &mut self,
        first: First,
        mut work: F,
        deadline: Instant,
    ) -> impl Future<Output = Result<F::Output, TimedOut>> {
        poll_fn(move |cx| {
            let worked = match &self.gate {
                None => Pin::new(&mut work).poll(cx),
                Some(gate) => {
                    let turn = gate.enter(cx);
                    let worked = step(first, Pin::new(&mut work), &mut self.connection, &turn);
                    if worked.is_pending() {
                        turn.end(cx);
                    }
                    worked
                }
            };
            match worked {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending => self.alarm.poll_at(cx, deadline).map(|()| Err(TimedOut)),
            }
        })
    }
}

/// Polls the connection, and the work after it; and before it, if that is first.
fn step<F: Future>(
    first: First,
    mut work: Pin<&mut F>,
    connection: &mut Option<Pin<Box<Http1>>>,
    turn: &Turn<'_>,
) -> Poll<F::Output> {
    if first == First::Work
        && let Poll::Ready(output) = turn.work(|context| work.as_mut().poll(context))
    {
        return Poll::Ready(output);
    }
    if let Some(driven) = connection
        && turn
            .connection(|context| driven.as_mut().poll(context))
            .is_ready()
    {
        // Its error, if any, reaches the work through the sender.
        *connection = None;
    }
    turn.work(|context| work.poll(context))
}

impl Connection {
    /// Speaks HTTP/1.1 over a fresh connection.
    pub(super) async fn open(
        origin: Origin,
        wire: Wire,
        probe: Rc<Probe>,
    ) -> Result<Self, hyper::Error> {
        let (sender, connection) = http1::handshake(TokioIo::new(wire)).await?;
        let gate = Gate::new();
        probe.wakes(gate.bell());
        Ok(Self {
            origin,
            sender,
            probe,
            carried: 0,
            driver: Driver {
                connection: Some(Box::pin(connection)),
                gate: Some(gate),
                ..Driver::clock()
            },
        })
    }

    /// Hands a request over. Gives its answer, and what has to run beside it, the connection first.
    pub(super) fn send(
        &mut self,
        request: Request<Body>,
    ) -> (impl Future<Output = Answer> + use<>, &mut Driver) {
        self.probe.reset();
        let sender = &mut self.sender;
        let hand_over = || sender.try_send_request(request);
        let answer = match &self.driver.gate {
            Some(gate) => gate.work(hand_over),
            None => hand_over(),
        };
        (answer, &mut self.driver)
    }

    /// Everything but the halves.
    pub(super) fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// Is the connection free and alive? A peer that has closed is noticed here, as far as the event loop knows.
    pub(super) fn is_usable(&mut self) -> bool {
        let Driver {
            connection: Some(connection),
            gate: Some(gate),
            ..
        } = &mut self.driver
        else {
            return false;
        };
        // While nothing is heard of the peer, it is as it was at the end of its last turn.
        let as_it_was = self.probe.is_idle() && self.sender.is_ready();
        if !as_it_was && connection.as_mut().poll(&mut gate.context()).is_ready() {
            self.driver.connection = None;
            return false;
        }
        self.sender.is_ready()
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
