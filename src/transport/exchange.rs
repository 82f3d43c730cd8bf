//! One request and its response.

use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::client::conn::TrySendError;
use tokio::time::Instant;

use super::address::Address;
use super::body::{Body, Sent};
use super::connection::{First, SendResult, TimedOut};
use super::error::{Error, Waiting, is_unprocessed};
use super::framing::{Spare, put_on};
use super::lease::Lease;
use super::lenient;
use super::multiplexed::Stream;
use super::pool::Pool;
use super::progress::{Ended, Progress};
use super::resends::Resends;
use crate::exchange::{Protocol, Timings, TraceId};

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

/// A response whose head has arrived. Dropping it before the end of its body closes the connection.
pub struct Incoming(Box<Exchange>);

/// A request, and its response once the head has arrived. It stays in one box from start to end, because it is moved often
/// and rarely read.
struct Exchange {
    address: Address,
    method: Method,
    headers: HeaderMap, // of the request until it is sent, then of the response
    content: Body,      // of the request until it is sent
    silence: Duration,
    deadline: Instant, // unless something moves before
    progress: Progress,
    status: StatusCode,                  // of the response
    body: Option<hyper::body::Incoming>, // until it is dropped: it holds a stream of HTTP/2
    lease: Option<Lease>,                // until the body has ended
    first_byte: Instant,
    has_body: bool,
    length: Option<u64>, // of the body, if known
    is_unwanted: bool,   // the body is discarded
}

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

impl Exchange {
    /// Takes headers and content of the request, and reads the head of the response.
    async fn run(
        &mut self,
        pool: &Rc<Pool>,
        again: &dyn Fn() -> Option<Body>,
    ) -> Result<(), Error> {
        let deadline = self.first_deadline();
        let asked = self.progress.started;
        let mut resends = Resends::default();
        loop {
            let (origin, timings) = (self.address.origin(), &mut self.progress.timings);
            let (mut lease, handshake) = match pool.lease_idle(origin) {
                Some(lease) => {
                    // A request that is sent again is waiting until it goes out.
                    timings.wait = Some(resends.since(asked));
                    (lease, None)
                }
                // Boxed: most exchanges find an idle connection, and need not be as large as a dial.
                None => match Box::pin(pool.lease(origin, (asked, deadline), timings)).await {
                    Ok(lease) => lease,
                    // A fresh connection that took no request has seen none.
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
            self.deadline = self.progress.ready.unwrap_or(asked) + self.silence;
            let request = self.request(lease.protocol(), pool);
            let mut once_more = None;
            let result = match &mut lease {
                Lease::Exclusive { connection, .. } => {
                    let (result, _) = connection.send(request);
                    let mut result = pin!(result);
                    let mut result = loop {
                        let driver = connection.driver();
                        let turn = driver.run(First::Connection, result.as_mut(), self.deadline);
                        match turn.await {
                            Err(_timed_out) if self.has_moved(connection.probe.last_write()) => {}
                            ended => break ended,
                        }
                    };
                    if let Ok(Err(returned)) = &result
                        && returned.error().is_parse()
                    {
                        let again = lenient::read_again(connection, &self.method, self.deadline);
                        // Boxed, because it is rare.
                        if let Some(read) = Box::pin(again).await {
                            result = read;
                        }
                    }
                    result
                }
                Lease::Stream { stream, .. } => {
                    once_more = Some(Box::new(Spare::of(&request)));
                    // Boxed: a request over HTTP/1.1 need not be as large.
                    Box::pin(self.over_stream(stream, request)).await
                }
            };
            match result {
                Ok(Ok(response)) => {
                    if let Some(error) = self.proxy_refusal(response.status(), pool) {
                        self.progress.see(&lease, true);
                        return Err(error);
                    }
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

    /// When a connection must be there, and until when a request that was not processed is sent again.
    fn first_deadline(&self) -> Instant {
        self.progress.started + self.silence
    }

    /// Sends the request over a stream of HTTP/2.
    async fn over_stream(
        &mut self,
        stream: &mut Stream,
        request: Request<Body>,
    ) -> Result<SendResult, TimedOut> {
        let (result, driver) = stream.send(request);
        let mut result = pin!(result);
        let mut seen = 0;
        loop {
            let turn = driver.run(First::Work, result.as_mut(), self.deadline);
            match turn.await {
                Err(_timed_out) if self.has_moved(self.progress.sent.moved(&mut seen)) => {}
                ended => return ended,
            }
        }
    }

    /// Returns `true` if bytes of the request went out so late that it has more time; sets the deadline.
    fn has_moved(&mut self, last: Option<Instant>) -> bool {
        let next = last.map(|it| it + self.silence);
        match next.filter(|it| *it > self.deadline) {
            Some(next) => {
                self.deadline = next;
                true
            }
            None => false,
        }
    }

    /// Returns the error that a status means if it is not the origin's but that of the proxy that forwards requests to it.
    fn proxy_refusal(&self, status: StatusCode, pool: &Pool) -> Option<Error> {
        let is_refusal = status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let origin = self.address.origin();
        is_refusal.then(|| pool.refused_by_proxy(origin)).flatten()
    }

    /// Returns when a request that came back is sent again, or why it has failed.
    fn came_back(
        &mut self,
        mut returned: TrySendError<Request<Body>>,
        lease: &Lease,
        spare: Option<Box<Spare>>,
        (again, resends): (&dyn Fn() -> Option<Body>, &mut Resends),
    ) -> Result<Instant, Error> {
        self.progress.see(lease, false);
        let (deadline, was_kept) = (self.first_deadline(), self.progress.is_reused());
        let message = returned.take_message();
        let error = returned.error();
        let unprocessed = match (message, lease) {
            // No byte was written: the peer closed while the connection was idle, ...
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
            // The peer processed none of it.
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

    /// Takes back a request that was not sent.
    fn restore(&mut self, unsent: Request<Body>) {
        let (head, body) = unsent.into_parts();
        (self.headers, self.content) = (head.headers, body);
    }

    /// Prepares the same request again. Returns `false` if its body cannot be made anew.
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

    /// Makes the request for a connection of that protocol.
    fn request(&mut self, protocol: Protocol, pool: &Pool) -> Request<Body> {
        let mut body = std::mem::replace(&mut self.content, Body::empty());
        body.count_into(pool.totals());
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = std::mem::take(&mut self.headers);
        let forwarded = pool.forwarded(self.address.origin());
        put_on(
            &mut request,
            (&self.address, forwarded),
            protocol,
            pool.keeps_alive(),
        );
        request
    }

    /// Takes over a response whose head has arrived.
    fn receive_head(&mut self, response: Response<hyper::body::Incoming>, lease: Lease) {
        self.first_byte = (self.progress.see(&lease, true)).unwrap_or_else(Instant::now);
        self.deadline = self.first_byte + self.silence;
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
            // The peer may have responded before the request was sent.
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
