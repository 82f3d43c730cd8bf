//! One exchange: a request, and its response once the head has arrived.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Body as _;
use hyper::client::conn::TrySendError;
use tokio::time::Instant;

use super::address::Address;
use super::body::Body;
use super::connection::{First, SendResult, TimedOut};
use super::error::{Error, Waiting, is_unprocessed};
use super::framing::{Spare, put_on};
use super::lease::Lease;
use super::lenient;
use super::multiplexed::Stream;
use super::pool::Pool;
use super::progress::Progress;
use super::resends::Resends;
use crate::exchange::{Protocol, Timings};

/// A request, and its response once the head has arrived. It stays in one box from start to end, because it is moved often
/// and rarely read.
pub(super) struct Exchange {
    pub(super) address: Address,
    pub(super) method: Method,
    pub(super) headers: HeaderMap, // of the request until it is sent, then of the response
    pub(super) content: Body,      // of the request until it is sent
    pub(super) silence: Duration,
    pub(super) deadline: Instant, // unless something moves before
    pub(super) progress: Progress,
    pub(super) status: StatusCode,                  // of the response
    pub(super) body: Option<hyper::body::Incoming>, // until it is dropped: it holds a stream of HTTP/2
    pub(super) lease: Option<Lease>,                // until the body has ended
    pub(super) first_byte: Instant,
    pub(super) has_body: bool,
    pub(super) length: Option<u64>, // of the body, if known
    pub(super) is_unwanted: bool,   // the body is discarded
}

impl Exchange {
    /// Takes headers and content of the request, and reads the head of the response.
    pub(super) async fn run(
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

    pub(super) fn give_back(&mut self) {
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

    pub(super) fn abandon(&mut self, error: Error) -> Error {
        self.body = None;
        self.lease = None;
        error
    }
}
