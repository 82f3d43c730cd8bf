//! The slowest exchanges of an operation, each with what its peer logs of it.
//!
//! The memory is there before the run. An exchange that is not among the slowest costs one comparison.

use std::cmp::Reverse;
use std::fmt;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use crate::exchange::{Timings, TraceId};

use super::failures::write_line;
use super::{ExchangeSample, TrackId};

/// What identifies an exchange in the logs of its peer.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// When it ended, on the clock of the process.
    pub when: Instant,
    /// Host and port of the peer.
    pub host: &'a dyn fmt::Display,
    /// The path, without its query.
    pub path: &'a str,
    /// The peer's id of the request, if it sent one.
    pub request_id: Option<&'a str>,
    /// The trace that it started.
    pub trace: Option<TraceId>,
}

/// One of the slowest exchanges of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowExchange {
    /// The track that it belongs to.
    pub track: TrackId,
    /// When it ended, since the measured window opened.
    pub at: Duration,
    /// The same on the clock of the process.
    pub when: Instant,
    /// Where its time went.
    pub timings: Timings,
    /// The status.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body.
    pub received: u64,
    /// The trace that it started.
    pub trace: Option<TraceId>,
    /// Host, path and request id.
    pub names: Names,
}

/// The texts by which an exchange is found: each one line, cut to a fixed length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Host and port of the peer.
    pub host: String,
    /// The path of the request, without its query.
    pub path: String,
    /// The peer's id of the request; empty if it sent none.
    pub request_id: String,
}

/// The slowest exchanges of one operation.
#[derive(Debug, Clone)]
pub(super) struct Slowest {
    /// In no order.
    kept: Vec<SlowExchange>,
    /// Memory for those to come.
    free: Vec<Names>,
    /// The least time among those kept, once there are enough.
    floor: Duration,
}

impl Names {
    /// Lengths in bytes: of a name in DNS with a port, of a path with a digest, of an id.
    const HOST: usize = 260;
    const PATH: usize = 300;
    const REQUEST_ID: usize = 128;

    fn empty() -> Self {
        Self {
            host: String::with_capacity(Self::HOST),
            path: String::with_capacity(Self::PATH),
            request_id: String::with_capacity(Self::REQUEST_ID),
        }
    }

    /// Takes other texts, in the memory that is there.
    fn fill(&mut self, identity: &Identity<'_>) {
        write_line(&mut self.host, Self::HOST, identity.host);
        write_line(&mut self.path, Self::PATH, &identity.path);
        let request_id = identity.request_id.unwrap_or_default();
        write_line(&mut self.request_id, Self::REQUEST_ID, &request_id);
    }
}

impl SlowExchange {
    /// The most that are kept of an operation.
    pub const MOST: usize = 10;
}

impl PartialEq for Slowest {
    /// Compares what is kept, whatever its order and the memory that is left.
    fn eq(&self, other: &Self) -> bool {
        self.clone().into_sorted() == other.clone().into_sorted()
    }
}

impl Default for Slowest {
    fn default() -> Self {
        Self {
            kept: Vec::with_capacity(SlowExchange::MOST),
            free: (0..SlowExchange::MOST).map(|_| Names::empty()).collect(),
            floor: Duration::ZERO,
        }
    }
}

impl Slowest {
    /// Returns `true` if an exchange that took so long is kept. Of equal ones the first stays.
    pub(super) fn takes(&self, total: Duration) -> bool {
        total > self.floor || self.kept.len() < SlowExchange::MOST
    }

    /// Keeps an exchange, in place of the fastest one if there are enough.
    pub(super) fn keep(&mut self, sample: &ExchangeSample, identity: &Identity<'_>) {
        let mut names = match self.free.pop() {
            Some(names) => names,
            None if self.kept.len() < SlowExchange::MOST => Names::empty(),
            None => {
                let Some(fastest) = self.fastest() else {
                    return;
                };
                self.kept.swap_remove(fastest).names
            }
        };
        names.fill(identity);
        self.kept.push(SlowExchange {
            track: sample.track,
            at: sample.finished,
            when: identity.when,
            timings: sample.timings,
            status: sample.status,
            sent: sample.sent,
            received: sample.received,
            trace: identity.trace,
            names,
        });
        self.set_floor();
    }

    /// Adds those of another worker, and keeps the slowest of both.
    pub(super) fn merge(&mut self, other: Self) {
        self.kept.extend(other.kept);
        self.sort();
        self.kept.truncate(SlowExchange::MOST);
        self.free = Vec::new();
        self.set_floor();
    }

    /// Puts the slowest first, equally slow ones as they ended.
    fn sort(&mut self) {
        let key = |it: &SlowExchange| (Reverse(it.timings.total), it.when);
        self.kept.sort_by_key(key);
    }

    /// Returns them, the slowest first.
    pub(super) fn into_sorted(mut self) -> Vec<SlowExchange> {
        self.sort();
        mem::take(&mut self.kept)
    }

    fn fastest(&self) -> Option<usize> {
        let places = self.kept.iter().enumerate();
        // Of equal ones the last goes, so that what is kept does not depend on how they were spread.
        let fastest = places.min_by_key(|(_, it)| (it.timings.total, Reverse(it.at)));
        fastest.map(|(place, _)| place)
    }

    fn set_floor(&mut self) {
        let fastest = self.fastest().map(|it| self.kept[it].timings.total);
        self.floor = fastest.unwrap_or_default();
    }
}

impl fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Outcome, Period};
    use super::*;
    use crate::exchange::ConnectionUse;
    use crate::oci::Operation;

    fn sample(total_ms: u64) -> ExchangeSample {
        let catalogue = Catalogue::new(vec![("pull".into(), vec![])]);
        ExchangeSample {
            track: catalogue.track(0).unwrap(),
            operation: Operation::BlobGet,
            period: Period::Measure,
            due: Duration::ZERO,
            finished: Duration::ZERO,
            timings: Timings {
                total: Duration::from_millis(total_ms),
                ..Timings::default()
            },
            connection: ConnectionUse::Reused,
            protocol: None,
            handshake: None,
            sent: 0,
            received: 0,
            status: Some(200),
            outcome: Outcome::Ok,
        }
    }

    fn meet(slowest: &mut Slowest, total_ms: u64, path: &str) {
        let sample = sample(total_ms);
        if slowest.takes(sample.timings.total) {
            let identity = Identity {
                when: Instant::now(),
                host: &"registry:5000",
                path,
                request_id: None,
                trace: None,
            };
            slowest.keep(&sample, &identity);
        }
    }

    fn kept(slowest: Slowest) -> Vec<(u128, String)> {
        let sorted = slowest.into_sorted().into_iter();
        sorted
            .map(|it| (it.timings.total.as_millis(), it.names.path))
            .collect()
    }

    #[test]
    fn ten_are_kept_whatever_their_order() {
        // 7 and 101 have no common factor: each of 1 to 100 comes once, in no order.
        let times = (1..=100).map(|it| it * 7 % 101);
        let mut slowest = Slowest::default();
        for time in times {
            meet(&mut slowest, time, &format!("/{time}"));
        }
        let wanted: Vec<_> = (91..=100).rev().map(|it| (it, format!("/{it}"))).collect();
        assert_eq!(kept(slowest), wanted);
    }

    #[test]
    fn of_equal_ones_the_first_stay() {
        let mut slowest = Slowest::default();
        for number in 0..20 {
            meet(&mut slowest, 5, &format!("/{number}"));
        }
        let wanted: Vec<_> = (0..10).map(|it| (5, format!("/{it}"))).collect();
        assert_eq!(kept(slowest), wanted);
    }

    #[test]
    fn those_of_two_workers_are_those_of_one() {
        let [mut left, mut right] = [Slowest::default(), Slowest::default()];
        for time in 1..=9 {
            meet(&mut left, 2 * time, "/left");
            meet(&mut right, 2 * time + 1, "/right");
        }
        left.merge(right);
        let times: Vec<_> = kept(left.clone())
            .into_iter()
            .map(|(time, _)| time)
            .collect();
        assert_eq!(times, (10..=19).rev().collect::<Vec<_>>());
        // One that comes later takes the place of the fastest.
        assert!(!left.takes(Duration::from_millis(10)));
        meet(&mut left, 11, "/late");
        let last = kept(left).pop().unwrap();
        assert_eq!(last.0, 11);
    }

    #[test]
    fn texts_of_a_registry_are_cut_and_harmless() {
        let mut slowest = Slowest::default();
        let path = format!("/a\r\n\u{1b}[31m{}", "ä".repeat(500));
        meet(&mut slowest, 1, &path);
        let (_, path) = kept(slowest).remove(0);
        assert!(path.starts_with("/a   [31mää"), "{path}");
        // 9 bytes and two for each further character.
        assert_eq!(path.len(), 299);
    }
}
