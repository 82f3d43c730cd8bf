//! A request that has not been sent.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

use super::address::Address;
use super::body::{Body, Sent};
use super::error::Error;
use super::exchange::Exchange;
use super::incoming::Incoming;
use super::pool::Pool;
use super::progress::{Ended, Progress};
use crate::exchange::TraceId;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The parts of a request.
#[derive(Debug)]
pub struct RequestParts {
    /// The method.
    pub method: Method,
    /// The URL.
    pub address: Address,
    /// All headers but `Connection` and the length of the body; `Host` may be left out.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// When the exchange starts: now.
    pub started: Instant,
    /// The longest silence: how long the connection may take, and after it how long no byte may move. A request body over
    /// HTTP/2 is looked at once in that time, so its silence may last up to twice as long. There is no limit to the whole
    /// exchange.
    pub silence: Duration,
}

/// An exchange that failed.
#[derive(Debug)]
pub struct Failed {
    /// The URL of the request.
    pub address: Address,
    /// The reason.
    pub error: Error,
    /// How far it got.
    pub ended: Ended,
}

/// A request that has not been sent.
pub struct Outgoing(Box<Exchange>);

impl Outgoing {
    /// Makes a request that is ready to be sent.
    pub fn new(parts: RequestParts) -> Self {
        Self(Box::new(Exchange {
            address: parts.address,
            method: parts.method,
            headers: parts.headers,
            silence: parts.silence,
            deadline: parts.started + parts.silence,
            progress: Progress::new(parts.started, parts.body.sent()),
            content: parts.body,
            status: StatusCode::OK,
            body: None,
            lease: None,
            first_byte: parts.started,
            has_body: false,
            length: None,
            is_unwanted: false,
        }))
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The URL.
    pub const fn address(&self) -> &Address {
        &self.0.address
    }

    /// Adds `traceparent`.
    ///
    /// # Spec
    /// W3C Trace Context, 3.2.
    pub fn start_trace(&mut self, trace: TraceId) {
        if let Ok(value) = HeaderValue::try_from(trace.traceparent()) {
            self.0.headers.insert(TRACEPARENT, value);
        }
    }

    /// When the exchange started.
    pub fn started(&self) -> Instant {
        self.0.progress.started
    }

    /// The progress of its body.
    pub fn sent(&self) -> &Sent {
        &self.0.progress.sent
    }

    /// Sends the request over a connection of `pool` and waits for the head of the response.
    ///
    /// # Errors
    /// Returns [`Failed`] if no head arrives, and nothing moves for too long. Nothing is sent a second time, with two exceptions:
    /// a kept connection that was closed before a byte of this request was written is replaced, and so is one whose
    /// peer says over HTTP/2 that it did not process the request, as often as Go's client does it. `again` makes the
    /// body anew; if it returns `None`, the request has failed.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the request may have reached the peer.
    pub async fn send(
        self,
        pool: &Rc<Pool>,
        again: &dyn Fn() -> Option<Body>,
    ) -> Result<Incoming, Box<Failed>> {
        let mut exchange = self.0;
        match exchange.run(pool, again).await {
            Ok(()) => Ok(Incoming(exchange)),
            Err(error) => Err(Box::new(Failed {
                ended: exchange.progress.end(),
                address: exchange.address,
                error,
            })),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", self.method())
            .field("address", &self.0.address)
            .finish_non_exhaustive()
    }
}
