//! One request and its response.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::Instant;
use url::Url;

use super::body::{Body, Sent};
use super::error::{Error, Waiting, is_unprocessed};
use super::framing::{Frame, spare};
use super::lent::Lent;
use super::origin::Origin;
use super::pool::Pool;
use super::timings::{ConnectionUse, Handshake, Protocol, Timings};

/// A request that has not been sent.
#[derive(Debug)]
pub struct Outgoing {
    /// The verb.
    pub method: Method,
    /// Where to; the query goes on the wire as it stands.
    pub url: Url,
    /// Everything but `Host`, `Connection` and the length of the body.
    pub headers: HeaderMap,
    /// What it carries.
    pub body: Body,
    /// When the whole exchange, body of the answer included, must be over.
    pub deadline: Instant,
}

/// How an exchange went, measured at its end, good or bad.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended {
    /// Where the time went.
    pub timings: Timings,
    /// Which connection carried it.
    pub connection: ConnectionUse,
    /// The TLS handshake, if it had one of its own.
    pub handshake: Option<Handshake>,
    /// The HTTP version that carried it, if there was a connection.
    pub protocol: Option<Protocol>,
    /// Bytes of the request's body handed to the connection.
    pub sent: u64,
    /// Bytes of the answer's body that came.
    pub received: u64,
}

/// An exchange that came to nothing.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// How far it came.
    pub ended: Ended,
}

/// The clocks and counts of an exchange under way.
#[derive(Debug)]
struct Progress {
    started: Instant,
    ready: Option<Instant>, // when there was a connection
    timings: Timings,
    connection: ConnectionUse,
    handshake: Option<Handshake>,
    protocol: Option<Protocol>,
    sent: Rc<Sent>,
    received: u64,
}

impl Progress {
    fn end(&self) -> Ended {
        let mut timings = self.timings;
        timings.total = self.started.elapsed();
        Ended {
            timings,
            connection: self.connection,
            handshake: self.handshake,
            protocol: self.protocol,
            sent: self.sent.bytes(),
            received: self.received,
        }
    }

    /// Reads the clocks once the head has come, or has failed to come. Gives the moment of the answer.
    fn see(&mut self, lent: &Lent, head: Option<Instant>) -> Option<Instant> {
        let ready = self.ready?;
        let (written, answered) = lent.stamps(&self.sent, ready, head);
        let Some(mut written) = written else {
            return answered;
        };
        if let Some(answered) = answered {
            // The peer need not hear us out before it answers.
            written = written.min(answered);
            self.timings.first_byte = Some(answered.saturating_duration_since(written));
        }
        self.timings.send = Some(written.saturating_duration_since(ready));
        answered
    }
}

/// A response whose head has come. Dropping it before its body has ended closes the connection.
pub struct Incoming {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<hyper::body::Incoming>, // there until it is given up: it holds a stream of HTTP/2
    lent: Option<Lent>,                  // there until the body has ended
    first_byte: Instant,
    deadline: Instant,
    progress: Progress,
    has_body: bool,
}

impl Outgoing {
    /// Sends the request over a connection of `pool` and waits for the head of the answer.
    ///
    /// # Errors
    /// [`Failed`] when no head came before the deadline. Nothing is sent a second time, with one exception: a kept
    /// connection that turns out to be closed before a byte of this request was written to it is replaced, and so is
    /// one whose peer refuses a stream unprocessed, as long as the request has no body.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the request may have reached the peer.
    pub async fn send(self, pool: &Rc<Pool>) -> Result<Incoming, Box<Failed>> {
        let mut progress = Progress {
            started: Instant::now(),
            ready: None,
            timings: Timings::default(),
            connection: ConnectionUse::None,
            handshake: None,
            protocol: None,
            sent: self.body.sent(),
            received: 0,
        };
        let deadline = self.deadline;
        match self.run(pool, &mut progress).await {
            Ok((response, lent)) => {
                let head = Instant::now();
                let first_byte = progress.see(&lent, Some(head)).unwrap_or(head);
                let (head, body) = response.into_parts();
                let has_body = !body.is_end_stream();
                let mut incoming = Incoming {
                    status: head.status,
                    headers: head.headers,
                    body: Some(body),
                    lent: Some(lent),
                    first_byte,
                    deadline,
                    progress,
                    has_body,
                };
                if !has_body {
                    incoming.give_back();
                }
                Ok(incoming)
            }
            Err(error) => Err(Box::new(Failed {
                error,
                ended: progress.end(),
            })),
        }
    }

    async fn run(
        mut self,
        pool: &Rc<Pool>,
        progress: &mut Progress,
    ) -> Result<(http::Response<hyper::body::Incoming>, Lent), Error> {
        let origin = Origin::of(&self.url)?;
        self.body.count_into(pool.totals());
        let deadline = self.deadline;
        let frame = Frame::of(&self.url, &origin, pool.keeps_alive())?;
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        loop {
            let (mut lent, handshake) = pool.lend(&origin, deadline, &mut progress.timings).await?;
            progress.connection = lent.connection_use();
            progress.handshake = handshake;
            progress.protocol = Some(lent.protocol());
            progress.ready = Some(Instant::now());
            frame.put_on(&mut request, lent.protocol());
            let reused = progress.connection == ConnectionUse::Reused;
            let spare = match lent.protocol() {
                Protocol::Http2 if reused => spare(&request),
                _ => None,
            };
            match lent.send(request, deadline).await {
                Ok(Ok(response)) => return Ok((response, lent)),
                Err(_timed_out) => {
                    progress.see(&lent, None);
                    return Err(Error::Timeout(Waiting::Answer));
                }
                Ok(Err(mut returned)) => {
                    progress.see(&lent, None);
                    let spare = spare.filter(|_| is_unprocessed(returned.error()));
                    // Not a byte was written, or none was heard: the peer closed while the connection was idle.
                    let unsent = returned.take_message().or(spare).filter(|_| reused);
                    if let Some(unsent) = unsent
                        && Instant::now() < deadline
                    {
                        request = unsent;
                        lent.retire();
                        continue;
                    }
                    return Err(progress
                        .sent
                        .take_broken()
                        .map_or_else(|| lent.error(returned.error(), None), Error::Content));
                }
            }
        }
    }
}

impl Incoming {
    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Bytes of the body that came so far.
    pub const fn received(&self) -> u64 {
        self.progress.received
    }

    /// The next part of the body; `None` at its end. Drop each part before asking for the next: the read buffer
    /// is then used again.
    ///
    /// # Errors
    /// When the body ends too early or the deadline comes.
    ///
    /// # Cancel safety
    /// A part is either returned or still to come.
    pub async fn frame(&mut self) -> Option<Result<Bytes, Error>> {
        loop {
            let lent = self.lent.as_mut()?;
            let body = self.body.as_mut()?;
            let driven = lent.driver().run(body.frame(), self.deadline).await;
            match driven {
                Err(_timed_out) => return Some(Err(self.abandon(Error::Timeout(Waiting::Body)))),
                Ok(Some(Err(error))) => {
                    let error = self.progress.sent.take_broken().map_or_else(
                        || lent.error(&error, Some(self.progress.received)),
                        Error::Content,
                    );
                    return Some(Err(self.abandon(error)));
                }
                Ok(Some(Ok(frame))) => {
                    let Ok(bytes) = frame.into_data() else {
                        continue; // trailers
                    };
                    let length = bytes.len() as u64;
                    self.progress.received += length;
                    lent.totals().add_received(length);
                    return Some(Ok(bytes));
                }
                Ok(None) => {
                    self.give_back();
                    return None;
                }
            }
        }
    }

    /// Ends the exchange and says how it went. The connection is kept if the body has been read to its end.
    pub fn end(self) -> Ended {
        self.progress.end()
    }

    /// How the exchange went so far.
    pub fn so_far(&self) -> Ended {
        self.progress.end()
    }

    fn give_back(&mut self) {
        if self.has_body {
            self.progress.timings.body = Some(self.first_byte.elapsed());
        }
        self.body = None;
        if let Some(lent) = self.lent.take() {
            // The peer may have answered early.
            lent.give_back(self.progress.sent.is_complete());
        }
    }

    fn abandon(&mut self, error: Error) -> Error {
        self.body = None;
        self.lent = None;
        error
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("status", &self.status)
            .field("received", &self.progress.received)
            .finish_non_exhaustive()
    }
}
