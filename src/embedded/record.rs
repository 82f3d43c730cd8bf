//! The log of requests that tests read: what came, which response it got, and when.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

use crate::oci::Operation;

/// One request as the registry saw it.
#[derive(Debug, Clone)]
pub struct RequestRecord {
    /// The place among all requests, from 0.
    pub sequence: u64,
    /// The connection it came on, counted from 0 in the order of acceptance.
    pub connection: u64,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The operation; `None`: outside the specification.
    pub operation: Option<Operation>,
    /// `true` if it went to the storage host that blobs are redirected to.
    pub at_storage_host: bool,
    /// The headers; of credentials only the scheme is kept.
    pub headers: HeaderMap,
    /// The status of the response; `None`: none yet, or never.
    pub status: Option<StatusCode>,
    /// Bytes of the body that were read.
    pub received: u64,
    /// Bytes of the response's body that were handed to the connection.
    pub sent: u64,
    /// When the head was read, since the registry started ([`Running::began`](super::Running::began)).
    pub arrived: Duration,
    /// From the head read to the begin of the write that put the first byte of the response into the socket: no client
    /// can have read that byte earlier.
    pub first_byte: Option<Duration>,
    /// From the head read to the begin of the write that put the last byte so far into the socket.
    pub last_byte: Option<Duration>,
    /// When the connection was seen to have ended, since the registry started, if this request was the last on it.
    pub closed: Option<Duration>,
}

impl RequestRecord {
    /// Returns the first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Every line of a header, in order.
    pub fn lines(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect()
    }

    /// Returns the scheme of the `Authorization` header, if there was one.
    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }
}

/// A record that is still being written.
#[derive(Debug)]
pub(super) struct OpenRecord {
    written: RefCell<RequestRecord>,
    began: Instant,
    first_byte: Cell<Option<Instant>>,
    last_byte: Cell<Option<Instant>>,
    closed: Cell<Option<Instant>>,
    answered: Cell<bool>,
}

impl OpenRecord {
    pub(super) fn received(&self, bytes: u64) {
        self.written.borrow_mut().received += bytes;
    }

    pub(super) fn sent(&self, bytes: u64) {
        self.written.borrow_mut().sent += bytes;
    }

    pub(super) fn status(&self, status: StatusCode) {
        self.written.borrow_mut().status = Some(status);
        self.answered.set(true);
    }

    /// A write that began at `at` put bytes into the socket. A `100 Continue` is not yet the response.
    pub(super) fn wrote(&self, at: Instant) {
        if self.answered.get() {
            if self.first_byte.get().is_none() {
                self.first_byte.set(Some(at));
            }
            self.last_byte.set(Some(at));
        }
    }

    /// The connection has ended.
    pub(super) fn closed(&self) {
        self.closed.set(Some(Instant::now()));
    }

    fn snapshot(&self) -> RequestRecord {
        let mut record = self.written.borrow().clone();
        record.first_byte = self.first_byte.get().map(|at| at - self.began);
        record.last_byte = self.last_byte.get().map(|at| at - self.began);
        let closed = self.closed.get();
        record.closed = closed.map(|at| record.arrived + (at - self.began));
        record
    }
}

/// The last so many records.
#[derive(Debug)]
pub(super) struct RequestLog {
    limit: usize,
    began: Instant,
    records: VecDeque<Rc<OpenRecord>>,
    next: u64,
}

impl RequestLog {
    /// Keeps the last `limit` records, on a clock that began at `began`.
    pub(super) fn new(limit: usize, began: Instant) -> Self {
        Self {
            limit,
            began,
            records: VecDeque::new(),
            next: 0,
        }
    }

    /// Opens a record; `at_storage_host` and `connection` say where the request came in.
    pub(super) fn open(
        &mut self,
        head: &Parts,
        operation: Option<Operation>,
        connection: u64,
        at_storage_host: bool,
    ) -> Rc<OpenRecord> {
        let began = Instant::now();
        let target = head
            .uri
            .path_and_query()
            .map_or("", |it| it.as_str())
            .to_owned();
        let record = Rc::new(OpenRecord {
            written: RefCell::new(RequestRecord {
                sequence: self.next,
                connection,
                method: head.method.clone(),
                target,
                operation,
                at_storage_host,
                headers: without_secrets(&head.headers),
                status: None,
                received: 0,
                sent: 0,
                arrived: began - self.began,
                first_byte: None,
                last_byte: None,
                closed: None,
            }),
            began,
            first_byte: Cell::new(None),
            last_byte: Cell::new(None),
            closed: Cell::new(None),
            answered: Cell::new(false),
        });
        self.next += 1;
        self.records.push_back(Rc::clone(&record));
        if self.records.len() > self.limit {
            self.records.pop_front();
        }
        record
    }

    pub(super) fn snapshot(&self) -> Vec<RequestRecord> {
        self.records
            .iter()
            .map(|record| record.snapshot())
            .collect()
    }
}

fn without_secrets(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE] {
        if let Some(value) = headers.get(&name) {
            let scheme = value
                .to_str()
                .ok()
                .and_then(|text| text.split_once(' '))
                .and_then(|(scheme, _)| HeaderValue::from_str(scheme).ok());
            // In place of every line of that name, not of the first only.
            headers.insert(
                name,
                scheme.unwrap_or_else(|| HeaderValue::from_static("?")),
            );
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_keeps_no_secret() {
        let mut log = RequestLog::new(2, Instant::now());
        for path in ["/a", "/b", "/c"] {
            let request = http::Request::get(path)
                .header("authorization", "Basic c2VjcmV0")
                .header("accept", "a")
                .header("accept", "b")
                .body(())
                .unwrap();
            log.open(&request.into_parts().0, None, 0, false);
        }
        let records = log.snapshot();
        let targets: Vec<_> = records
            .iter()
            .map(|it| (it.sequence, it.target.as_str()))
            .collect();
        assert_eq!(targets, [(1, "/b"), (2, "/c")]);
        assert_eq!(records[0].authorization(), Some("Basic"));
        assert_eq!(records[0].lines("accept"), ["a", "b"]);
        assert!(!format!("{records:?}").contains("c2VjcmV0"));
    }
}
