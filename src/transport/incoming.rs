//! A response whose head has arrived, and its body.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::Instant;

use super::address::Address;
use super::connection::First;
use super::error::{Error, Waiting};
use super::exchange::Exchange;
use super::progress::Ended;

/// A response whose head has arrived. Dropping it before the end of its body closes the connection.
pub struct Incoming(pub(super) Box<Exchange>);

impl Incoming {
    /// The URL of the request.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Bytes of the body so far.
    pub fn received(&self) -> u64 {
        self.0.progress.received
    }

    /// Discards the body: from now on only its length is right, and the bytes may be zeros. Call it before the first
    /// [`Incoming::frame`].
    ///
    /// Over HTTP/1.1 without TLS, and if the response states its length, the system then drops most of the body, at
    /// less than half the cost of copying it.
    pub fn discard_body(&mut self) {
        self.0.is_unwanted = true;
    }

    /// Returns the next part of the body, or `None` at its end. Drop each part before you ask for the next: the read
    /// buffer is then reused.
    ///
    /// # Errors
    /// Fails if the body ends too early, or if no byte of it comes for too long.
    ///
    /// # Cancel safety
    /// A part is either returned or still to come.
    pub async fn frame(&mut self) -> Option<Result<Bytes, Error>> {
        let it = &mut *self.0;
        loop {
            let (lease, body) = (it.lease.as_mut()?, it.body.as_mut()?);
            let next = body.frame();
            let driven = lease.driver().run(First::Work, next, it.deadline).await;
            match driven {
                Err(_timed_out) => return Some(Err(it.abandon(Error::Timeout(Waiting::Body)))),
                Ok(Some(Err(error))) => {
                    let error = it.progress.sent.take_broken().map_or_else(
                        || lease.error(&error, Some(it.progress.received)),
                        Error::Content,
                    );
                    return Some(Err(it.abandon(error)));
                }
                Ok(Some(Ok(frame))) => {
                    let Ok(bytes) = frame.into_data() else {
                        continue; // trailers
                    };
                    let part = bytes.len() as u64;
                    let is_first = it.progress.received == 0;
                    if let Some(length) = it.length.filter(|_| it.is_unwanted && is_first) {
                        lease.discard_body(part, length);
                    }
                    it.progress.received += part;
                    lease.totals().add_received(part);
                    // With a known length, the last part is recognised without another read.
                    if body.is_end_stream() {
                        it.give_back();
                    } else {
                        it.deadline = Instant::now() + it.silence;
                    }
                    return Some(Ok(bytes));
                }
                Ok(None) => {
                    it.give_back();
                    return None;
                }
            }
        }
    }

    /// Returns `true` if all of it has come, whatever of it was returned: the connection carries other exchanges.
    pub fn is_over(&self) -> bool {
        self.0.lease.is_none()
    }

    /// The reader has made a pause: the peer's silence counts from now on.
    pub fn had_paused(&mut self) {
        self.0.deadline = Instant::now() + self.0.silence;
    }

    /// Ends the exchange and returns its measurements, the URL of the request, and the headers of the response. The
    /// connection is kept if the body was read to its end.
    pub fn end(self) -> (Ended, Address, HeaderMap) {
        let ended = self.0.progress.end();
        let Exchange {
            address, headers, ..
        } = *self.0;
        (ended, address, headers)
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("status", &self.status())
            .field("received", &self.received())
            .finish_non_exhaustive()
    }
}
