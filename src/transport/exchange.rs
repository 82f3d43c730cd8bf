//! One request and its response.

use std::fmt;
use std::pin::pin;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::client::conn::TrySendError;
use tokio::time::Instant;

use super::address::Address;
use super::body::{Body, Sent};
use super::connection::First;
use super::error::{Error, Waiting, is_unprocessed};
use super::framing::{Spare, put_on};
use super::lease::Lease;
use super::lenient;
use super::pool::Pool;
use super::progress::{Ended, Progress};
use super::resends::Resends;
use crate::exchange::{Protocol, Timings};

/// What a request is made of.
#[derive(Debug)]
pub struct RequestParts {
    /// The verb.
    pub method: Method,
    /// Where to.
    pub address: Address,
    /// Everything but `Connection` and the length of the body; `Host` may be left out.
    pub headers: HeaderMap,
    /// What it carries.
    pub body: Body,
    /// When the exchange begins: now.
    pub started: Instant,
    /// When the whole exchange, body of the answer included, must be over.
    pub deadline: Instant,
}

/// An exchange that came to nothing.
#[derive(Debug)]
pub struct Failed {
    /// What was asked.
    pub address: Address,
    /// Why.
    pub error: Error,
    /// How far it came.
    pub ended: Ended,
}

/// A request that has not been sent.
pub struct Outgoing(Box<Exchange>);

/// A response whose head has come. Dropping it before its body has ended closes the connection.
pub struct Incoming(Box<Exchange>);

/// A request, and its response once the head has arrived. It stays in one box from start to end, because it is moved often
/// and rarely read.
struct Exchange {
    address: Address,
    method: Method,
    headers: HeaderMap, // of the request until it is sent, then of the response
    content: Body,      // of the request until it is sent
    deadline: Instant,
    progress: Progress,
    status: StatusCode,                  // of the response
    body: Option<hyper::body::Incoming>, // there until it is given up: it holds a stream of HTTP/2
    lease: Option<Lease>,                // there until the body has ended
    first_byte: Instant,
    has_body: bool,
    length: Option<u64>, // of the body, as far as it was told
    is_unwanted: bool,   // the body is discarded
}

impl Outgoing {
    /// A request that is ready to go.
    pub fn new(parts: RequestParts) -> Self {
        Self(Box::new(Exchange {
            address: parts.address,
            method: parts.method,
            headers: parts.headers,
            deadline: parts.deadline,
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

    /// The verb.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// When the exchange began.
    pub fn started(&self) -> Instant {
        self.0.progress.started
    }

    /// How far its body is on its way.
    pub fn sent(&self) -> &Sent {
        &self.0.progress.sent
    }

    /// Sends the request over a connection of `pool` and waits for the head of the answer.
    ///
    /// # Errors
    /// [`Failed`] when no head came before the deadline. Nothing is sent a second time, with one exception: a kept
    /// connection that turns out to be closed before a byte of this request was written to it is replaced, and so is
    /// one whose peer says over HTTP/2 that it has done nothing for this request, as often as Go's client does it. A body is
    /// made anew by `again`; without one the request has failed.
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

impl Exchange {
    /// Takes headers and content of the request, and brings the head of the answer.
    async fn run(
        &mut self,
        pool: &Rc<Pool>,
        again: &dyn Fn() -> Option<Body>,
    ) -> Result<(), Error> {
        let deadline = self.deadline;
        let asked = self.progress.started;
        let mut resends = Resends::default();
        loop {
            let (origin, timings) = (self.address.origin(), &mut self.progress.timings);
            let (mut lease, handshake) = match pool.lease_idle(origin) {
                Some(lease) => {
                    // Until a request that is sent again goes out, it waits.
                    timings.wait = Some(resends.since(asked));
                    (lease, None)
                }
                // Boxed: most exchanges find a connection, and need not be as large as the way to a new one.
                None => match Box::pin(pool.lease(origin, (asked, deadline), timings)).await {
                    Ok(lease) => lease,
                    // A fresh connection took no request, and so has seen none.
                    Err(error @ Error::Unprocessed(_)) => {
                        let Some(due) = resends.after_pause(deadline) else {
                            return Err(error);
                        };
                        self.progress.timings = Timings::default();
                        Box::pin(resends.wait_until(due)).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            self.progress.got(&lease, handshake, asked);
            let request = self.request(lease.protocol(), pool);
            let mut once_more = None;
            let result = match &mut lease {
                Lease::Exclusive { connection, .. } => {
                    let (result, driver) = connection.send(request);
                    let mut result = driver.run(First::Connection, pin!(result), deadline).await;
                    if let Ok(Err(returned)) = &result
                        && returned.error().is_parse()
                    {
                        let again = lenient::read_again(connection, &self.method, deadline);
                        // Boxed, because it is rare.
                        if let Some(read) = Box::pin(again).await {
                            result = read;
                        }
                    }
                    result
                }
                Lease::Stream { stream, .. } => {
                    once_more = Some(Box::new(Spare::of(&request)));
                    let (result, driver) = stream.send(request);
                    // Boxed: a request over HTTP/1.1 need not be as large.
                    driver.run(First::Work, Box::pin(result), deadline).await
                }
            };
            match result {
                Ok(Ok(response)) => {
                    self.receive_head(response, lease);
                    return Ok(());
                }
                Err(_timed_out) => {
                    self.progress.see(&lease, false);
                    return Err(Error::Timeout(Waiting::Response));
                }
                Ok(Err(returned)) => {
                    let due = self.came_back(returned, &lease, once_more, (again, &mut resends))?;
                    lease.retire();
                    self.progress.timings = Timings::default();
                    // Boxed, because it is rare.
                    Box::pin(resends.wait_until(due)).await;
                }
            }
        }
    }

    /// When a request that has come back is sent again; why it has failed, if it is not.
    fn came_back(
        &mut self,
        mut returned: TrySendError<Request<Body>>,
        lease: &Lease,
        spare: Option<Box<Spare>>,
        (again, resends): (&dyn Fn() -> Option<Body>, &mut Resends),
    ) -> Result<Instant, Error> {
        self.progress.see(lease, false);
        let (deadline, was_kept) = (self.deadline, self.progress.is_reused());
        let message = returned.take_message();
        let error = returned.error();
        let unprocessed = match (message, lease) {
            // Not a byte was written: the peer closed while the connection was idle, ...
            (Some(unsent), _) if was_kept => {
                self.restore(unsent);
                if let Some(now) = resends.at_once(deadline) {
                    return Ok(now);
                }
                None
            }
            // ... or it took no stream at all.
            (Some(unsent), Lease::Stream { stream, .. }) => {
                self.restore(unsent);
                Some(stream.connection.why_closed())
            }
            // None was heard.
            _ => spare
                .filter(|_| is_unprocessed(error, !was_kept))
                .filter(|spare| self.take_up(spare, again))
                .map(|_| lease.error(error, None)),
        };
        if let Some(error) = unprocessed {
            return resends.after_pause(deadline).ok_or(error);
        }
        let broken = self.progress.sent.take_broken();
        Err(broken.map_or_else(|| lease.error(error, None), Error::Content))
    }

    /// Takes back what was not sent.
    fn restore(&mut self, unsent: Request<Body>) {
        let (head, body) = unsent.into_parts();
        (self.headers, self.content) = (head.headers, body);
    }

    /// Makes the same request once more; `false` where its body cannot be made anew.
    fn take_up(&mut self, spare: &Spare, again: &dyn Fn() -> Option<Body>) -> bool {
        if spare.has_body {
            let Some(body) = again() else {
                return false;
            };
            self.progress.sent.goes_on_with(&body);
            self.content = body;
        }
        self.headers.clone_from(&spare.headers);
        true
    }

    /// The request as it goes over a connection of that kind.
    fn request(&mut self, protocol: Protocol, pool: &Pool) -> Request<Body> {
        let mut body = std::mem::replace(&mut self.content, Body::empty());
        body.count_into(pool.totals());
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = std::mem::take(&mut self.headers);
        put_on(&mut request, &self.address, protocol, pool.keeps_alive());
        request
    }

    /// The head of the answer has come.
    fn receive_head(&mut self, response: Response<hyper::body::Incoming>, lease: Lease) {
        self.first_byte = (self.progress.see(&lease, true)).unwrap_or_else(Instant::now);
        let (head, body) = response.into_parts();
        self.status = head.status;
        self.headers = head.headers;
        self.has_body = !body.is_end_stream();
        self.length = body.size_hint().exact();
        self.body = Some(body);
        self.lease = Some(lease);
        if !self.has_body {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        let now = Instant::now();
        self.progress.finished = Some(now);
        if self.has_body {
            let took = now.saturating_duration_since(self.first_byte);
            self.progress.timings.body = Some(took);
        }
        self.body = None;
        if let Some(lease) = self.lease.take() {
            // The peer may have answered early.
            lease.give_back(self.progress.sent.is_complete());
        }
    }

    fn abandon(&mut self, error: Error) -> Error {
        self.body = None;
        self.lease = None;
        error
    }
}

impl Incoming {
    /// What was asked.
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

    /// Bytes of the body that came so far.
    pub fn received(&self) -> u64 {
        self.0.progress.received
    }

    /// Nobody will look at the body: of what comes from now on only the length is told truly, and the bytes may be zeros. To be
    /// said before the first part is asked for.
    ///
    /// In the clear over HTTP/1.1, and when the answer told its length, most of the body is then dropped within the system,
    /// at less than half the cost of copying it.
    pub fn discard_body(&mut self) {
        self.0.is_unwanted = true;
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
                    // Where the length was told, the last part is known for what it is.
                    if body.is_end_stream() {
                        it.give_back();
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

    /// Ends the exchange and says how it went. The connection is kept if the body has been read to its end.
    pub fn end(self) -> Ended {
        self.0.progress.end()
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

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("status", &self.status())
            .field("received", &self.received())
            .finish_non_exhaustive()
    }
}
