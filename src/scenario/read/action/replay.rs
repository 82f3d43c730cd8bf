//! `replay`: sends the requests of a trace again, a session in each iteration.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use super::super::chosen::Chosen;
use super::super::file::{self, NamedFile};
use super::kind::Kind;
use super::requests::Requests;
use crate::keys::codec::{Codec, MS, flag, fraction, size, time};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::keys::value::parsed;
use crate::oci::{Operation, RepositoryName};
use crate::profile::Habits;
use crate::scenario::selection::Selection;
use crate::trace::replay::{Act, Name, ReplayError, Sessions, Slice};
use crate::units::ByteSize;

/// The longest that a slice may begin after the first request of its trace.
const MOST_TIME: Duration = Duration::from_hours(87_660);

keys! {
    /// What is sent again: in each iteration the requests of one session of a trace, with synthetic content.
    #[derive(Debug, Clone)]
    pub struct Replay {
        /// The trace, as `regstorm trace import` and `record` write it, or `@sample`, a minute of a small registry that is inside
        /// the program.
        pub trace: NamedFile => file::trace(), "day.trace", needed;
        /// Where the replayed slice of the trace begins, after its first request.
        pub from: Duration => time(Duration::ZERO..=MOST_TIME), "8h";
        /// Where the slice ends, after the first request of the trace. Absent: with the trace.
        pub until: Option<Duration> => time(MS..=MOST_TIME).optional(), "10h";
        /// What the recorded size of each blob is multiplied by. No blob has less than 64 bytes.
        pub scale: f64 = 1.0 => fraction(0.0..=1_000.0), 0.1;
        /// The largest blob; larger ones are made as large as this.
        pub max_blob: Option<ByteSize> => size(ByteSize::from_bytes(64)..=ByteSize::from_bytes(1 << 42)).optional(), "64MiB";
        /// Send deletions as well. Otherwise they are left out, and counted as that.
        pub deletes: bool = false => flag(), true;
        /// What the names of the repositories start with.
        pub namespace: RepositoryName = default_namespace() => namespace(), "lab/replay";
        /// The sessions of the slice, with what they need in the registry.
        pub sessions: Arc<Sessions>;
    }
}

fn default_namespace() -> RepositoryName {
    "regstorm/replay"
        .parse()
        .expect("a constant that is a name")
}

/// The most characters of a namespace: a slash and a number follow it.
const LONGEST: usize = 200;

fn namespace() -> Codec<RepositoryName> {
    let read = |item: &_, sink: &_| {
        let name: RepositoryName = parsed(item, sink)?;
        if name.as_str().len() <= LONGEST {
            return Some(name);
        }
        let problem = Problem::new("this prefix is too long", item.spot.clone());
        sink.report(problem.label("at most 200 characters: more follows it"));
        None
    };
    let form = Form::Text("repository name, at most 200 characters");
    Codec::new(form, read, |name: &RepositoryName| {
        Some(name.as_str().into())
    })
}

impl Replay {
    /// Which requests of the trace are replayed, and how large its content is.
    pub fn slice(&self) -> Slice {
        Slice {
            from: self.from,
            until: self.until,
            scale: self.scale,
            max_blob: self.max_blob.map(ByteSize::get),
            deletes: self.deletes,
        }
    }

    /// Returns the requests of all sessions by operation, in the order of the table, and the bytes of blobs that they
    /// move down and up.
    pub(crate) fn all_requests(&self) -> Requests {
        let mut counts = [0; Operation::ALL.len()];
        let mut requests = Requests::default();
        let sessions = &self.sessions;
        let size = |blob: u32| sessions.blobs()[blob as usize];
        for step in sessions.all_steps() {
            counts[step.recorded.operation as usize] += 1;
            match step.act {
                Act::BlobGet(Name::Digest(blob)) => {
                    requests.down += size(blob);
                }
                Act::BlobPart { blob, bytes } => requests.down += self.part(blob, bytes),
                Act::Post { blob, .. } => requests.up += size(blob),
                Act::Patch { upload, part } | Act::Close { upload, part } => {
                    let part = &sessions.uploads()[upload as usize].parts[part as usize];
                    requests.up += part.end - part.start;
                }
                _ => {}
            }
        }
        for operation in Operation::ALL {
            requests.add(operation, counts[operation as usize]);
        }
        requests
    }

    /// Returns how many bytes of a blob are asked for where so many were recorded.
    pub fn part(&self, blob: u32, bytes: u64) -> u64 {
        let size = self.sessions.blobs()[blob as usize];
        self.slice().scaled(bytes).clamp(1, size)
    }
}

impl Kind for Replay {
    const WORD: &'static str = "replay";
    const MEANING: &'static str = "sends the requests of a trace again";
    const TEXT: &'static str = "Sends the requests of a trace again, a session in each iteration.";
    const VERB: &'static str = "replay";
    const IMAGES_ARE_OPTIONAL: bool = true;
    const READS_IMAGES: bool = false;
    const STORES: bool = true;

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        if let Some(entry) = table.entry("images") {
            let problem = Problem::new("a replay has no image set", entry.key_spot.clone());
            let label = "remove it: its content follows from the trace";
            table.sink().report(problem.label(label));
            return None;
        }
        chosen.selection?;
        if self.until.is_some_and(|until| until <= self.from) {
            let spot = table.entry("until")?.item.spot.clone();
            let problem = Problem::new("the slice ends before it begins", spot);
            table.sink().report(problem.label("more than `from`"));
            return None;
        }
        // What is wrong with the key was said before.
        let entry = table.entry("trace")?;
        if self.trace.as_written.is_empty() {
            return None;
        }
        match Sessions::read(&self.trace.path, &self.slice()) {
            Ok(sessions) => {
                self.sessions = Arc::new(sessions);
                Some(())
            }
            Err(error) => {
                let why = error
                    .source()
                    .map_or_else(String::new, |it| format!(": {it}"));
                let problem = Problem::new(format!("{error}{why}"), entry.item.spot.clone());
                let label = match error {
                    ReplayError::Trace(_) => "a file of `regstorm trace import` or `record`",
                    ReplayError::Empty { .. } | ReplayError::TooMany => "change `from` and `until`",
                    ReplayError::Nothing(_) => "change `from` and `until`, or make another trace",
                };
                table.sink().report(problem.label(label));
                None
            }
        }
    }

    fn images(&self) -> Option<&Selection> {
        None
    }

    fn operations(&self, _habits: &Habits) -> Vec<Operation> {
        let all = self.all_requests();
        all.counts()
            .iter()
            .map(|(operation, _)| *operation)
            .collect()
    }

    fn requests(&self, _habits: &Habits, _sizes: &[u64], _images: usize, _requests: &mut Requests) {
        // Its iterations differ: their mean is that of all sessions.
    }

    fn stores_apart(&self) -> bool {
        // Each session stores what it stores.
        true
    }
}
