//! One example of each kind of failed exchange, and how often it came.

use std::fmt::{self, Write as _};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::exchange::TraceId;
use crate::oci::{ErrorCode, Operation};
use crate::units::is_unseen;

use super::{FailureClass, Period, TrackId};

/// A failed exchange, whose example is kept if it is the first of its kind.
pub struct FailureExample<'a> {
    /// The track that met it.
    pub track: TrackId,
    /// The part of the run that it belongs to.
    pub period: Period,
    /// The operation.
    pub operation: Operation,
    /// Why it failed.
    pub class: FailureClass,
    /// The status, if a response came.
    pub status: Option<u16>,
    /// The registry's own code, if it gave one.
    pub code: Option<&'a ErrorCode>,
    /// When it ended, since the measured window opened.
    pub at: Duration,
    /// The same on the clock of the process.
    pub when: Instant,
    /// Host and port of the peer, and the path.
    pub asked: Option<(&'a dyn fmt::Display, &'a str)>,
    /// The peer's id of the request, if it sent one.
    pub request_id: Option<&'a str>,
    /// The trace that it started.
    pub trace: Option<TraceId>,
    /// The error in words. It is formatted only if the example is kept.
    pub text: &'a dyn fmt::Display,
}

/// One kind of failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FailureEntry")]
pub struct FailureKind<E> {
    /// The part of the run that they belong to.
    pub period: Period,
    /// The operation.
    pub operation: Operation,
    /// Why it failed.
    pub class: FailureClass,
    /// The status, if responses came.
    pub status: Option<u16>,
    /// The registry's own code, if it gave one.
    pub code: Option<String>,
    /// How often it came.
    pub count: u64,
    /// The first of them.
    pub example: E,
}

/// What is kept of the first failure of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstFailure {
    /// The track that met it.
    pub track: TrackId,
    /// When it ended, since the measured window opened.
    pub at: Duration,
    /// The same on the clock of the process.
    pub when: Instant,
    /// Host and port of the peer.
    pub host: Option<String>,
    /// The path of the request, without its query: at most 300 characters.
    pub path: Option<String>,
    /// The peer's id of the request.
    pub request_id: Option<String>,
    /// The trace that it started.
    pub trace: Option<TraceId>,
    /// What happened: one line, at most 300 characters, none of them a control character.
    pub text: String,
}

/// An example of a failure, of which the earliest is kept.
pub trait Dated {
    /// Returns `true` if it is earlier than the other.
    fn is_before(&self, other: &Self) -> bool;
}

impl Dated for FirstFailure {
    fn is_before(&self, other: &Self) -> bool {
        self.when < other.when
    }
}

/// What distinguishes two kinds.
type Key<'a> = (
    Period,
    Operation,
    FailureClass,
    Option<u16>,
    Option<&'a str>,
);

impl<E> FailureKind<E> {
    fn key(&self) -> Key<'_> {
        (
            self.period,
            self.operation,
            self.class,
            self.status,
            self.code.as_deref(),
        )
    }
}

/// The kinds of failures of a run, each with its first failure. A peer that makes up a new error code for each response cannot
/// make it grow beyond 256 kinds; the rest is only counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureLog<E = FirstFailure> {
    /// Failed exchanges by kind.
    pub kinds: Vec<FailureKind<E>>,
    /// Failed exchanges of kinds beyond the number that is distinguished.
    pub other: u64,
}

impl<E> Default for FailureLog<E> {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            other: 0,
        }
    }
}

impl<E> FailureLog<E> {
    /// The most kinds that are distinguished.
    pub const MAX_KINDS: usize = 256;

    fn place(&self, key: Key<'_>) -> Option<usize> {
        self.kinds.iter().position(|kind| kind.key() == key)
    }

    /// Returns the same kinds with examples of another form.
    pub fn map<F>(&self, form: impl Fn(&E) -> F) -> FailureLog<F> {
        let kinds = self.kinds.iter().map(|kind| FailureKind {
            period: kind.period,
            operation: kind.operation,
            class: kind.class,
            status: kind.status,
            code: kind.code.clone(),
            count: kind.count,
            example: form(&kind.example),
        });
        FailureLog {
            kinds: kinds.collect(),
            other: self.other,
        }
    }

    /// Puts the most frequent kind first, equally frequent ones in a fixed order.
    pub fn sort(&mut self) {
        self.kinds
            .sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key().cmp(&b.key())));
    }
}

impl FailureLog {
    pub(super) fn record(&mut self, example: &FailureExample<'_>) {
        let code = example.code.map(ErrorCode::as_str);
        let key = (
            example.period,
            example.operation,
            example.class,
            example.status,
            code,
        );
        if let Some(place) = self.place(key) {
            self.kinds[place].count += 1;
        } else if self.kinds.len() < Self::MAX_KINDS {
            self.kinds.push(FailureKind {
                period: example.period,
                operation: example.operation,
                class: example.class,
                status: example.status,
                code: code.map(str::to_owned),
                count: 1,
                example: FirstFailure {
                    track: example.track,
                    at: example.at,
                    when: example.when,
                    host: example.asked.map(|(host, _)| one_line(host)),
                    path: example.asked.map(|(_, path)| one_line(&path)),
                    request_id: example.request_id.map(|it| one_line(&it)),
                    trace: example.trace,
                    text: one_line(example.text),
                },
            });
        } else {
            self.other += 1;
        }
    }
}

impl<E: Dated> FailureLog<E> {
    /// Adds the counts of another and keeps the earlier example of each kind.
    pub fn merge(&mut self, other: Self) {
        self.other = self.other.saturating_add(other.other);
        for theirs in other.kinds {
            if let Some(place) = self.place(theirs.key()) {
                let mine = &mut self.kinds[place];
                mine.count = mine.count.saturating_add(theirs.count);
                if theirs.example.is_before(&mine.example) {
                    mine.example = theirs.example;
                }
            } else if self.kinds.len() < Self::MAX_KINDS {
                self.kinds.push(theirs);
            } else {
                self.other = self.other.saturating_add(theirs.count);
            }
        }
    }
}

/// Returns the first 300 characters without line breaks, control characters and those that reorder others: the text may
/// come from a server.
pub(super) fn one_line(text: &dyn fmt::Display) -> String {
    let mut line = String::new();
    write(&mut line, (300, usize::MAX), text);
    line
}

/// Writes the same in place of another text: as many whole characters as fit into that many bytes. Allocates nothing if
/// there is memory for them, and `text` allocates nothing.
pub(super) fn write_line(line: &mut String, most_bytes: usize, text: &dyn fmt::Display) {
    line.clear();
    write(line, (usize::MAX, most_bytes), text);
}

fn write(text: &mut String, (room, most_bytes): (usize, usize), words: &dyn fmt::Display) {
    let mut line = Line {
        text,
        room,
        most_bytes,
    };
    // The only error is that the room is used up, which spares formatting the rest.
    let _ = write!(line, "{words}");
}

struct Line<'a> {
    text: &'a mut String,
    room: usize, // characters
    most_bytes: usize,
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for c in part.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            if self.text.len() + c.len_utf8() > self.most_bytes {
                return Err(fmt::Error);
            }
            match c {
                _ if c.is_control() => self.text.push(' '),
                _ if is_unseen(c) => {}
                _ => self.text.push(c),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FailureExample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} at {:?}: {}",
            self.operation, self.class, self.at, self.text
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::super::Catalogue;
    use super::*;

    fn track() -> TrackId {
        Catalogue::new(vec![("pull".into(), vec![])])
            .track(0)
            .unwrap()
    }

    /// The same moment each time.
    fn began() -> Instant {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        *BEGAN
    }

    fn meet(log: &mut FailureLog, code: &str, at_ms: u64, text: &str) {
        log.record(&FailureExample {
            track: track(),
            period: Period::Measure,
            operation: Operation::BlobGet,
            class: FailureClass::Status,
            status: Some(503),
            code: Some(&ErrorCode::from(code)),
            at: Duration::from_millis(at_ms),
            when: began() + Duration::from_millis(at_ms),
            asked: None,
            request_id: None,
            trace: None,
            text: &text,
        });
    }

    /// UAX 9, 2: a right-to-left override turns the words around that follow it.
    #[test]
    fn words_of_a_registry_neither_drive_nor_reorder() {
        let text = "no \u{202e}entry\u{2066}\u{1b}[2J\r\nfor you";
        assert_eq!(one_line(&text), "no entry [2J  for you");
    }

    #[test]
    fn the_number_of_kinds_is_bounded() {
        let mut log = FailureLog::default();
        for code in 0..300 {
            meet(&mut log, &format!("CODE_{code}"), code, "no");
            meet(&mut log, &format!("CODE_{code}"), code, "no");
        }
        assert_eq!(log.kinds.len(), 256);
        assert!(log.kinds.iter().all(|kind| kind.count == 2));
        assert_eq!(log.other, 88); // 2 of each of 44 kinds
    }

    #[test]
    fn merging_keeps_the_earlier_example_and_all_counts() {
        let (mut left, mut right) = (FailureLog::default(), FailureLog::default());
        meet(&mut left, "DENIED", 20, "second");
        meet(&mut left, "DENIED", 30, "third");
        meet(&mut right, "DENIED", 10, "first");
        meet(&mut right, "UNSUPPORTED", 10, "other");
        left.merge(right);
        let told: Vec<_> = left
            .kinds
            .iter()
            .map(|kind| (kind.count, kind.example.text.as_str()))
            .collect();
        assert_eq!(told, [(3, "first"), (1, "other")]);
    }

    #[test]
    fn what_failed_outside_the_window_is_a_kind_of_its_own() {
        let mut log = FailureLog::default();
        for period in [Period::WarmUp, Period::Measure, Period::Measure] {
            log.record(&FailureExample {
                track: track(),
                period,
                operation: Operation::BlobGet,
                class: FailureClass::Timeout,
                status: None,
                code: None,
                at: Duration::ZERO,
                when: Instant::now(),
                asked: None,
                request_id: None,
                trace: None,
                text: &"late",
            });
        }
        let counts: Vec<_> = log.kinds.iter().map(|it| (it.period, it.count)).collect();
        assert_eq!(counts, [(Period::WarmUp, 1), (Period::Measure, 2)]);
    }

    #[test]
    fn an_example_is_one_short_line() {
        let mut log = FailureLog::default();
        let tail = "x".repeat(10_000);
        let odd = format!("a\r\n\x1b[31mred{tail}");
        log.record(&FailureExample {
            track: track(),
            period: Period::Measure,
            operation: Operation::BlobGet,
            class: FailureClass::Status,
            status: None,
            code: None,
            at: Duration::ZERO,
            when: Instant::now(),
            asked: Some((&odd, &odd)),
            request_id: Some(&odd),
            trace: None,
            text: &odd,
        });
        let kind = &log.kinds[0];
        let more = [
            &kind.example.host,
            &kind.example.path,
            &kind.example.request_id,
        ];
        let more = more.map(|it| it.as_deref().unwrap());
        for text in [[kind.example.text.as_str()].as_slice(), &more].concat() {
            assert!(text.starts_with("a   [31mredxxx"));
            assert_eq!(text.chars().count(), 300);
        }
    }
}
