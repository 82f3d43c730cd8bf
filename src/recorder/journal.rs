//! What a recorder has seen: rows for the trace, and the sums of its end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::trace::{Observed, Recording, Timestamp};
use crate::units::foreign_words;

/// The most hosts that are counted by name.
const MOST_HOSTS: usize = 16;
/// The longest name of a host that is kept, in characters.
const LONGEST_HOST: usize = 100;

/// The sums of a recording. `requests = whole + left + broken + unreached + cut`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections of clients.
    pub connections: u64,
    /// Connections whose TLS handshake failed.
    pub failed_handshakes: u64,
    /// Requests in the trace.
    pub requests: u64,
    /// Requests to paths outside the registry's API, which are passed on and are not in the trace.
    pub outside: u64,
    /// Requests of the trace by their status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests whose response came to its end.
    pub whole: u64,
    /// Requests whose client left before.
    pub left: u64,
    /// Requests whose response the target broke off.
    pub broken: u64,
    /// Requests that got the recorder's own 502, because the target could not be reached or does not speak HTTP.
    pub unreached: u64,
    /// Requests that the end of the recording has cut.
    pub cut: u64,
    /// Bytes of the bodies of requests.
    pub sent: u64,
    /// Bytes of the bodies of responses.
    pub received: u64,
    /// Responses that send a client past the recorder, by redirect, link or token realm: their host, and how many. The last
    /// place is for all hosts that have none.
    pub elsewhere: BTreeMap<String, u64>,
    /// How often a connection was the last one that there was a place for.
    pub full: u64,
    /// Why the target could not be reached, the first time.
    pub problem: Option<String>,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its response came to its end.
    Whole,
    /// Nothing else has ended it: the client left.
    Left,
    /// The target broke it off.
    Broken,
    /// The target could not be reached.
    Unreached,
}

/// An exchange that has ended.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) start: Instant,
    pub(super) end: Instant,
    pub(super) address: IpAddr,
    pub(super) agent: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) status: Option<NonZeroU16>,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) how: End,
}

/// What a recorder has seen.
pub(super) struct Journal {
    recording: RefCell<Option<Recording>>,
    tally: RefCell<Tally>,
    failed: RefCell<Option<io::Error>>,
    has_failed: Notify,
    is_over: Cell<bool>,
    began: (u64, Instant),
}

impl Journal {
    /// Begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reading of the wall clock for the times of a trace"
    )]
    pub(super) fn new(recording: Recording) -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = wall.map_or(0, |it| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX));
        Self {
            recording: RefCell::new(Some(recording)),
            tally: RefCell::default(),
            failed: RefCell::default(),
            has_failed: Notify::new(),
            is_over: Cell::new(false),
            began: (nanos, Instant::now()),
        }
    }

    /// Changes the sums.
    pub(super) fn count(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.borrow_mut());
    }

    /// Counts a response that sends a client to another host.
    pub(super) fn leads_elsewhere(&self, host: &str) {
        let hosts = &mut self.tally.borrow_mut().elsewhere;
        let host = foreign_words(host, LONGEST_HOST);
        let is_known = hosts.len() < MOST_HOSTS || hosts.contains_key(&host);
        let place = if is_known {
            host
        } else {
            "other hosts".to_owned()
        };
        *hosts.entry(place).or_default() += 1;
    }

    /// From now on, what ends without an end was cut by the recorder.
    pub(super) fn is_over(&self) {
        self.is_over.set(true);
    }

    /// Takes an exchange that has ended.
    pub(super) fn take(&self, it: &Ended<'_>) {
        let mut recording = self.recording.borrow_mut();
        let Some(recording) = recording.as_mut() else {
            return;
        };
        let after = it.start.saturating_duration_since(self.began.1);
        let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        let pushed = recording.push(&Observed {
            start: Timestamp::from_nanos(self.began.0.saturating_add(after)),
            duration: it.end.saturating_duration_since(it.start),
            address: it.address,
            agent: it.agent,
            method: it.method,
            uri: it.uri,
            status: it.status,
            sent: it.sent,
            received: it.received,
        });
        let mut tally = self.tally.borrow_mut();
        match pushed {
            Ok(true) => {}
            Ok(false) => {
                tally.outside += 1;
                return;
            }
            // It is kept, and with those under way it is the last one.
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(error);
                self.has_failed.notify_one();
            }
        }
        tally.requests += 1;
        tally.sent += it.sent;
        tally.received += it.received;
        if let Some(status) = it.status {
            *tally.statuses.entry(status.get()).or_default() += 1;
        }
        *match it.how {
            End::Whole => &mut tally.whole,
            End::Left if self.is_over.get() => &mut tally.cut,
            End::Left => &mut tally.left,
            End::Broken => &mut tally.broken,
            End::Unreached => &mut tally.unreached,
        } += 1;
    }

    /// Waits until there is no room for more requests.
    pub(super) async fn failed(&self) {
        self.has_failed.notified().await;
    }

    /// Ends it. Returns why there was no room for more requests, too.
    pub(super) fn finish(&self) -> (Option<Recording>, Tally, Option<io::Error>) {
        let recording = self.recording.borrow_mut().take();
        let tally = self.tally.borrow().clone();
        (recording, tally, self.failed.borrow_mut().take())
    }
}
