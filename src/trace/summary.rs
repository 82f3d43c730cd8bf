//! What a trace says of itself: where it is from, what it holds, and what was lost on the way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// The version of the format. A trace of another one is refused.
pub const SCHEMA: &str = "regstorm.trace/1";

/// What a trace says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of regstorm that wrote it.
    pub regstorm: String,
    /// Where it is from.
    pub source: Source,
    /// Requests in it, with those that were put back.
    pub requests: u64,
    /// Requests that the log lacks and the import has put back, part of `requests`.
    pub added: u64,
    /// Sessions in it.
    pub sessions: u64,
    /// The pause that ends a session, in seconds.
    pub session_gap_s: u64,
    /// Sessions that were cut in two because more than half a million were open.
    pub sessions_cut: u64,
    /// When the first request started; `None` without requests.
    pub first: Option<Timestamp>,
    /// When the last request started.
    pub last: Option<Timestamp>,
    /// How its names are written.
    pub naming: Naming,
    /// What became of each line of the log.
    pub lines: Lines,
    /// The first lines that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// What requests do not have because the log does not tell, in requests.
    pub missing: Missing,
}

impl Summary {
    /// A summary of nothing yet. What a [`Writer`](super::Writer) knows, it sets itself.
    pub fn new(naming: Naming, session_gap: Duration) -> Self {
        Self {
            schema: String::new(),
            regstorm: String::new(),
            source: Source::default(),
            requests: 0,
            added: 0,
            sessions: 0,
            session_gap_s: session_gap.as_secs(),
            sessions_cut: 0,
            first: None,
            last: None,
            naming,
            lines: Lines::default(),
            unreadable: Vec::new(),
            missing: Missing::default(),
        }
    }

    /// The pause that ends a session.
    pub const fn session_gap(&self) -> Duration {
        Duration::from_secs(self.session_gap_s)
    }
}

/// Where a trace is from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The formats that its logs had, each once.
    pub formats: Vec<String>,
    /// Files that were read; 0 where there was no log.
    pub files: u64,
    /// Bytes that were read, unpacked.
    pub bytes: u64,
    /// Whether all its times are of whole seconds: what the log tells of the order within a second is the order of its lines.
    pub whole_seconds: bool,
}

/// How a recording names its source.
pub(super) const RECORDED: &str = "regstorm-record";

impl Source {
    /// Returns `true` if requests were recorded as they passed: no log was read.
    pub fn is_recording(&self) -> bool {
        self.files == 0 && self.formats.iter().any(|it| it == RECORDED)
    }
}

/// How the names in a trace are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Naming {
    /// As pseudonyms alone. The fingerprint tells whether two traces were made with the same key.
    Pseudonyms {
        /// 16 hexadecimal digits, from which the key cannot be computed.
        key: String,
    },
    /// As pseudonyms, and as they are in the log.
    Kept,
}

/// What became of each line of a log, or of each record where it has no lines. The sum is the number of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Each is a request of the trace.
    pub requests: u64,
    /// Requests to paths outside the registry's API, such as a health check.
    pub outside: u64,
    /// Lines about something else than a request that ended.
    pub other: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
    /// Empty lines.
    pub empty: u64,
}

impl Lines {
    /// Returns the number of lines.
    pub const fn all(&self) -> u64 {
        // A trace may say anything of itself.
        self.requests
            .saturating_add(self.outside)
            .saturating_add(self.other)
            .saturating_add(self.unreadable)
            .saturating_add(self.empty)
    }
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The name of the file, without its directory.
    pub file: String,
    /// The number of the line, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// Its beginning: each run of letters as `a`, each run of digits as `0`, so that no secret is in it.
    pub shape: String,
}

/// Requests that lack something, because the log does not tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Requests without a status.
    pub status: u64,
    /// Requests with a body, by their method, whose size is unknown.
    pub sent: u64,
    /// Requests whose response has an unknown size.
    pub received: u64,
    /// Requests without a duration.
    pub duration: u64,
    /// Requests without the name of a client program.
    pub agent: u64,
}
