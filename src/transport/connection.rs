//! A connection that its exchange drives by itself.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep};

use super::body::Body;
use super::origin::Origin;
use super::wire::{Probe, Wire};

/// An HTTP/1.1 connection and everything that belongs to it.
pub(super) struct Connection {
    pub(super) origin: Rc<Origin>,
    pub(super) sender: http1::SendRequest<Body>,
    pub(super) probe: Rc<Probe>,
    pub(super) carried: u64, // exchanges that this connection has carried to their end
    driver: Driver,
}

type Http1 = http1::Connection<TokioIo<Wire>, Body>;

/// hyper's half that reads and writes, and the clock that stops it.
pub(super) struct Driver {
    connection: Option<Pin<Box<Http1>>>, // `None` once it has ended
    timer: Pin<Box<Sleep>>,
}

/// The deadline came first.
pub(super) struct TimedOut;

impl Driver {
    /// The clock alone, for exchanges over a connection that another task drives.
    pub(super) fn clock() -> Self {
        Self {
            connection: None,
            timer: Box::pin(tokio::time::sleep_until(Instant::now())),
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
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if let Some(connection) = &mut self.connection
                && connection.as_mut().poll(cx).is_ready()
            {
                // Its error, if any, reaches the work through the sender.
                self.connection = None;
            }
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            self.timer.as_mut().poll(cx).map(|()| Err(TimedOut))
        })
        .await
    }
}

impl Connection {
    /// Speaks HTTP/1.1 over a fresh connection.
    pub(super) async fn open(
        origin: Rc<Origin>,
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
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn is_usable(&mut self) -> bool {
        poll_fn(|cx| {
            if let Some(connection) = &mut self.driver.connection
                && connection.as_mut().poll(cx).is_ready()
            {
                self.driver.connection = None;
            }
            Poll::Ready(self.driver.connection.is_some() && self.sender.is_ready())
        })
        .await
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
