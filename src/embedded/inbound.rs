//! A request's body as it is read: counted, paced by faults, and ended decently when it is not wanted.

use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::EXPECT;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, sleep_until, timeout};

use super::exchange::Exchange;
use super::pace::{Pace, Step};
use super::refusal::Ending;

/// An unwanted body of at most this size is read all the same, because a kept connection is worth more.
const DRAIN_LIMIT: u64 = 256 * 1024;

/// How long an unwanted body may take.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The body of a request.
#[derive(Debug)]
pub(super) struct Inbound {
    body: Incoming,
    exchange: Rc<Exchange>,
    pace: Option<Box<Pace>>,
    read: u64,
    begun: bool,
    ended: bool,
}

impl Inbound {
    pub(super) fn new(body: Incoming, exchange: Rc<Exchange>, pace: Option<Box<Pace>>) -> Self {
        let ended = body.is_end_stream();
        Self {
            body,
            exchange,
            pace,
            read: 0,
            begun: false,
            ended,
        }
    }

    /// Returns the next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Ending> {
        self.keep_pace().await?;
        self.exchange.site.freezer.pass().await;
        self.begun = true;
        loop {
            match self.body.frame().await {
                None => {
                    self.ended = true;
                    return Ok(None);
                }
                Some(Err(_)) => return Err(Ending::HangUp),
                Some(Ok(frame)) => {
                    // Trailers say nothing here.
                    if let Ok(bytes) = frame.into_data() {
                        self.exchange.received(bytes.len());
                        self.read += bytes.len() as u64;
                        self.ended = self.body.is_end_stream();
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    async fn keep_pace(&mut self) -> Result<(), Ending> {
        while let Some(pace) = &mut self.pace {
            match pace.step(self.read, Instant::now()) {
                Step::Move(_) => break,
                Step::Wait(until) => sleep_until(until).await,
                Step::Hang => std::future::pending().await,
                Step::Cut(cut) => {
                    self.exchange.connection.cut.set(Some(cut));
                    return Err(Ending::HangUp);
                }
            }
        }
        Ok(())
    }

    /// Returns the whole body, if it has at most `limit` bytes; `None` if it has more.
    pub(super) async fn collect(&mut self, limit: u64) -> Result<Option<Bytes>, Ending> {
        if self.body.size_hint().lower() > limit {
            return Ok(None);
        }
        let mut whole = BytesMut::new();
        while let Some(bytes) = self.next().await? {
            if (whole.len() + bytes.len()) as u64 > limit {
                return Ok(None);
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(Some(whole.freeze()))
    }

    /// Reads what the response did not need, if it is little. Returns `true` if the connection can be used again.
    pub(super) async fn settle(mut self, headers: &HeaderMap) -> bool {
        if self.ended {
            return true;
        }
        // Reading now would make a waiting client send a body that is not needed.
        let waits = headers.contains_key(EXPECT) && !self.begun;
        if waits || self.body.size_hint().lower() > DRAIN_LIMIT {
            return false;
        }
        self.pace = None;
        let limit = self.read + DRAIN_LIMIT;
        let drained = async {
            while self.read <= limit && matches!(self.next().await, Ok(Some(_))) {}
            self.ended
        };
        timeout(DRAIN_TIME, drained).await.unwrap_or(false)
    }
}
