//! A connection that its exchange drives by itself.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::body::Body;
use super::gate::{Gate, Turn};
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
    /// The work is polled first, so that what it sends is written in the same turn, and once more after the
    /// connection, so that what was read is handed on in the same turn.
    pub(super) async fn run<F: Future>(
        &mut self,
        work: F,
        deadline: Instant,
    ) -> Result<F::Output, TimedOut> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let worked = match &self.gate {
                None => work.as_mut().poll(cx),
                Some(gate) => {
                    let turn = gate.enter(cx);
                    let worked = step(work.as_mut(), &mut self.connection, &turn);
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
        .await
    }
}

/// Polls the work, the connection, and the work once more.
fn step<F: Future>(
    mut work: Pin<&mut F>,
    connection: &mut Option<Pin<Box<Http1>>>,
    turn: &Turn<'_>,
) -> Poll<F::Output> {
    let mut context = turn.context();
    if let Poll::Ready(output) = work.as_mut().poll(&mut context) {
        return Poll::Ready(output);
    }
    turn.seen();
    if let Some(driven) = connection
        && driven.as_mut().poll(&mut context).is_ready()
    {
        // Its error, if any, reaches the work through the sender.
        *connection = None;
    }
    work.poll(&mut context)
}

impl Connection {
    /// Speaks HTTP/1.1 over a fresh connection.
    pub(super) async fn open(
        origin: Origin,
        wire: Wire,
        probe: Rc<Probe>,
    ) -> Result<Self, hyper::Error> {
        let (sender, connection) = http1::handshake(TokioIo::new(wire)).await?;
        Ok(Self {
            origin,
            sender,
            probe,
            carried: 0,
            driver: Driver {
                connection: Some(Box::pin(connection)),
                gate: Some(Gate::new()),
                ..Driver::clock()
            },
        })
    }

    /// The two halves, to be used at once.
    pub(super) fn split(&mut self) -> (&mut http1::SendRequest<Body>, &mut Driver) {
        (&mut self.sender, &mut self.driver)
    }

    /// Everything but the halves.
    pub(super) fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// Is the connection free and alive? Looks at the socket once: a peer that has closed is noticed here.
    pub(super) fn is_usable(&mut self) -> bool {
        // Nobody waits for what happens to a connection that is free.
        let mut nobody = Context::from_waker(Waker::noop());
        if let Some(connection) = &mut self.driver.connection
            && connection.as_mut().poll(&mut nobody).is_ready()
        {
            self.driver.connection = None;
        }
        self.driver.connection.is_some() && self.sender.is_ready()
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
