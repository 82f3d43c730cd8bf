//! One request and its response.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::Instant;
use url::{Position, Url};

use super::body::{Body, Sent};
use super::error::{Error, Waiting};
use super::origin::Origin;
use super::pool::{Lent, Pool};
use super::timings::{ConnectionUse, Timings};

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
            sent: self.sent.bytes(),
            received: self.received,
        }
    }

    /// Reads the probe once the head has come, or has failed to come.
    fn see(&mut self, lent: &Lent) {
        let Some(ready) = self.ready else { return };
        let answered = lent.connection.probe.first_read();
        let Some(mut written) = lent.connection.probe.last_write() else {
            return;
        };
        if let Some(answered) = answered {
            // The peer need not hear us out before it answers.
            written = written.min(answered);
            self.timings.first_byte = Some(answered.saturating_duration_since(written));
        }
        self.timings.send = Some(written.saturating_duration_since(ready));
    }
}

/// A response whose head has come. Dropping it before its body has ended closes the connection.
pub struct Incoming {
    status: StatusCode,
    headers: HeaderMap,
    body: hyper::body::Incoming,
    lent: Option<Lent>, // there until the body has ended
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
    /// connection that turns out to be closed before a byte of this request was written to it is replaced.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; the request may have reached the peer.
    pub async fn send(self, pool: &Rc<Pool>) -> Result<Incoming, Box<Failed>> {
        let mut progress = Progress {
            started: Instant::now(),
            ready: None,
            timings: Timings::default(),
            connection: ConnectionUse::None,
            sent: self.body.sent(),
            received: 0,
        };
        let deadline = self.deadline;
        match self.run(pool, &mut progress).await {
            Ok((response, lent)) => {
                progress.see(&lent);
                let first_byte = lent
                    .connection
                    .probe
                    .first_read()
                    .unwrap_or_else(Instant::now);
                let (head, body) = response.into_parts();
                let has_body = !body.is_end_stream();
                let mut incoming = Incoming {
                    status: head.status,
                    headers: head.headers,
                    body,
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
        let mut request = self.into_request(&origin, pool.keeps_alive())?;
        loop {
            let mut lent = pool.lend(&origin, deadline, &mut progress.timings).await?;
            progress.connection = lent.connection_use();
            progress.ready = Some(Instant::now());
            lent.connection.probe.reset();
            let (sender, driver) = lent.connection.split();
            let answer = driver.run(sender.try_send_request(request), deadline).await;
            match answer {
                Ok(Ok(response)) => return Ok((response, lent)),
                Err(_timed_out) => {
                    progress.see(&lent);
                    return Err(Error::Timeout(Waiting::Answer));
                }
                Ok(Err(mut returned)) => {
                    progress.see(&lent);
                    let reused = progress.connection == ConnectionUse::Reused;
                    match returned.take_message() {
                        // Not a byte was written: the peer closed while the connection was idle.
                        Some(unsent) if reused => request = unsent,
                        _ => {
                            return Err(progress.sent.take_broken().map_or_else(
                                || Error::from_hyper(returned.error(), None),
                                Error::Content,
                            ));
                        }
                    }
                }
            }
        }
    }

    fn into_request(self, origin: &Origin, keep_alive: bool) -> Result<Request<Body>, Error> {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        // Only path and query go on the request line: the target is the server itself, not a proxy.
        let path = &self.url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = path.parse()?;
        *request.headers_mut() = self.headers;
        let host = match self.url.port() {
            Some(port) => format!("{}:{port}", origin.host()),
            None => origin.host().to_string(),
        };
        let host = HeaderValue::try_from(host).expect("a URL's host is made of visible characters");
        request.headers_mut().insert(HOST, host);
        if !keep_alive {
            request
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(request)
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
            let driven = lent
                .connection
                .driver()
                .run(self.body.frame(), self.deadline)
                .await;
            match driven {
                Err(_timed_out) => return Some(Err(self.abandon(Error::Timeout(Waiting::Body)))),
                Ok(Some(Err(error))) => {
                    let error = self.progress.sent.take_broken().map_or_else(
                        || Error::from_hyper(&error, Some(self.progress.received)),
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
        if let Some(lent) = self.lent.take()
            && self.progress.sent.is_complete()
        {
            lent.give_back();
        }
        // Else the peer has answered early: what is left of the request would go out during the next exchange.
    }

    fn abandon(&mut self, error: Error) -> Error {
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
