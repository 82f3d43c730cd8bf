//! Makes a trace of logs.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write};
use std::num::NonZeroU16;
use std::path::Path as FilePath;
use std::time::Duration;

use super::entry::{Entry, Line, shape};
use super::envelope::{self, Envelope};
use super::input::{Log, Piece};
use super::options::TraceOptions;
use super::recognise::{Recognised, recognise};
use super::request::{Method, Request};
use super::sessions::Sessions;
use super::sorter::{Merge, Sorter};
use super::source::{FAST18, Format};
use super::summary::{Lines, Missing, Source, Summary, Unreadable};
use super::time::Timestamp;
use super::writer::Writer;
use crate::oci::Operation;

/// The lines that could not be read of which a trace tells more than their number.
const EXAMPLES: usize = 10;

/// How many requests that failed are remembered. All lines of one are written at once, among those of others.
const FAILED: usize = 1 << 16;

/// How logs become a trace.
#[derive(Debug)]
pub struct ImportOptions {
    /// The formats that may be; all, if it is empty.
    pub formats: Vec<Format>,
    /// How names and sessions are made.
    pub trace: TraceOptions,
}

/// Why logs did not become a trace.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A log could not be read.
    #[error("cannot read the log {name}")]
    Read {
        /// Its name.
        name: String,
        /// What the system said, or what is wrong with a packed log.
        source: io::Error,
    },
    /// No format reads a log.
    #[error(
        "{name}: no format reads its first lines: name one with --format (formats: {formats}), or give a format string of nginx"
    )]
    Format {
        /// Its name.
        name: String,
        /// The names of the formats that were tried.
        formats: String,
    },
    /// A temporary file could not be written or read.
    #[error("cannot write beside the trace")]
    Spill(#[from] io::Error),
    /// The logs have no request.
    #[error(
        "no request to a registry in {lines} lines: {unreadable} could not be read, {outside} are requests to other paths, {other} say something else{first}"
    )]
    NoRequests {
        /// Lines.
        lines: u64,
        /// Lines that could not be read.
        unreadable: u64,
        /// Requests to other paths.
        outside: u64,
        /// Lines about something else than requests, as far as the format knows.
        other: u64,
        /// Where the first is that could not be read, and why.
        first: String,
    },
}

/// Reads logs, in any order, and writes one trace. Memory does not grow with their length: requests are sorted in files.
pub struct Importer {
    options: ImportOptions,
    formats: Vec<Format>,
    sorter: Sorter,
    lines: Lines,
    source: Source,
    unreadable: Vec<Unreadable>,
    missing: Missing,
    /// Responses with an error, and uploads that begin: what tells whether a log lacks what failed.
    errors: u64,
    uploads: u64,
    /// Requests that may have more lines.
    failed: HashSet<u64>,
}

impl std::fmt::Debug for Importer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Importer")
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

impl Importer {
    /// With an empty file for what does not fit into memory.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn new(options: ImportOptions, spill: File) -> Result<Self, ImportError> {
        let formats = if options.formats.is_empty() {
            Format::all()
        } else {
            options.formats.clone()
        };
        Ok(Self {
            options,
            formats,
            sorter: Sorter::new(spill)?,
            lines: Lines::default(),
            source: Source {
                whole_seconds: true,
                ..Source::default()
            },
            unreadable: Vec::new(),
            missing: Missing::default(),
            errors: 0,
            uploads: 0,
            failed: HashSet::new(),
        })
    }

    /// What became of the lines so far.
    pub const fn lines(&self) -> Lines {
        self.lines
    }

    /// Reads a log to its end.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn read(&mut self, log: Log) -> Result<(), ImportError> {
        let (name, written) = (log.name.clone(), log.written);
        let cannot = |source| ImportError::Read {
            name: name.clone(),
            source,
        };
        let mut pieces = log.pieces().map_err(cannot)?;
        let sample = pieces.in_front(pieces.ahead());
        let recognised = recognise(&sample, &self.formats, written);
        let is_empty = sample.iter().all(|it| it.trim_ascii().is_empty());
        let recognised = match recognised {
            Some(it) => it,
            // Its lines are counted as what they are.
            None if is_empty || !self.options.formats.is_empty() => Recognised {
                format: self.formats[0].clone(),
                envelopes: [Envelope::None; 2],
                whole_seconds: false,
            },
            None => {
                return Err(ImportError::Format {
                    name,
                    formats: Format::names().join(", "),
                });
            }
        };
        self.source.files += 1;
        if !is_empty
            && !self
                .source
                .formats
                .iter()
                .any(|it| it == recognised.format.name())
        {
            self.source
                .formats
                .push(recognised.format.name().to_owned());
        }
        let mut place = Place {
            name: &name,
            line: 0,
            written,
        };
        while let Some(piece) = pieces.next().map_err(cannot)? {
            place.line += 1;
            match piece {
                Piece::Whole(bytes) => self.piece(bytes, &recognised, &place)?,
                Piece::TooLong(head) => self.refuse(head, "longer than 256 KiB", &place),
                Piece::Endless(head) => {
                    self.refuse(
                        head,
                        "no record, or one without an end, and what follows it",
                        &place,
                    );
                }
            }
        }
        self.source.bytes += pieces.bytes;
        Ok(())
    }

    /// Reads a line or a record.
    fn piece(
        &mut self,
        bytes: &[u8],
        recognised: &Recognised,
        place: &Place<'_>,
    ) -> Result<(), ImportError> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.refuse(bytes, "not UTF-8", place);
            return Ok(());
        };
        let text = text.trim_ascii_end();
        if text.is_empty() {
            self.lines.empty += 1;
            return Ok(());
        }
        let Some((inner, time)) = envelope::open(recognised.envelopes, text, place.written) else {
            self.refuse(bytes, "nothing in front of it as of other lines", place);
            return Ok(());
        };
        let mut entry = match recognised.format.read(&inner) {
            Line::Request(entry) => entry,
            Line::Outside => {
                self.lines.outside += 1;
                return Ok(());
            }
            Line::Other => {
                self.lines.other += 1;
                return Ok(());
            }
            Line::Unreadable(reason) => {
                self.refuse(bytes, reason, place);
                return Ok(());
            }
        };
        if self.is_another_line(&entry) {
            self.lines.other += 1;
            return Ok(());
        }
        if entry.time.is_none() {
            (entry.time, entry.is_end) = (time, true);
        }
        let Some(time) = entry.time else {
            self.refuse(bytes, "no time", place);
            return Ok(());
        };
        let start = start(&entry, time, recognised.whole_seconds);
        let mut converter = self.options.trace.converter(&mut self.sorter);
        let Some(request) = converter.request(&entry, start) else {
            self.lines.outside += 1;
            return Ok(());
        };
        self.source.whole_seconds &= time.nanos().is_multiple_of(1_000_000_000);
        self.count(&request);
        self.sorter.push(request)?;
        Ok(())
    }

    /// Whether a line is a further one of a request.
    fn is_another_line(&mut self, entry: &Entry<'_>) -> bool {
        // What is not there is one error, and the most frequent one.
        if entry.id.is_empty() || entry.status == Some(404) {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        entry.id.hash(&mut hasher);
        if self.failed.len() == FAILED {
            self.failed.clear();
        }
        !self.failed.insert(hasher.finish())
    }

    fn count(&mut self, request: &Request) {
        self.lines.requests += 1;
        let missing = &mut self.missing;
        missing.status += u64::from(request.status.is_none());
        missing.sent += u64::from(request.sent.is_none());
        missing.received += u64::from(request.received.is_none());
        missing.duration += u64::from(request.duration.is_none());
        missing.agent += u64::from(request.agent == super::request::Agent::Unknown);
        self.errors += u64::from(request.status.is_some_and(|it| it.get() >= 400));
        self.uploads += u64::from(begins_upload(request));
    }

    fn refuse(&mut self, bytes: &[u8], reason: &str, place: &Place<'_>) {
        self.lines.unreadable += 1;
        if self.unreadable.len() < EXAMPLES {
            let file = FilePath::new(place.name).file_name();
            let file = file.map_or_else(|| place.name.into(), |it| it.to_string_lossy());
            self.unreadable.push(Unreadable {
                file: crate::units::foreign_words(&file, 255),
                line: place.line,
                reason: reason.to_owned(),
                shape: shape(bytes),
            });
        }
    }

    /// Writes the trace. `another` makes an empty file for logs whose order needs more than one step.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn finish<W: Write>(
        self,
        to: W,
        another: &dyn Fn() -> io::Result<File>,
    ) -> Result<(W, Summary), ImportError> {
        if self.lines.requests == 0 {
            let first = self.unreadable.first().map(|it| {
                let Unreadable {
                    file, line, reason, ..
                } = it;
                format!("; the first in line {line} of {file}: {reason}")
            });
            return Err(ImportError::NoRequests {
                lines: self.lines.all(),
                unreadable: self.lines.unreadable,
                outside: self.lines.outside,
                other: self.lines.other,
                first: first.unwrap_or_default(),
            });
        }
        // The published traces have left out what failed: clients look for a blob before they upload it. In any other log in
        // which nothing has failed its clients have not looked.
        let is_published = self.source.formats == [FAST18];
        let lacks_misses = is_published && self.errors == 0 && self.uploads > 0;
        let options = self.options.trace;
        let mut sessions = Sessions::new(options.session_gap);
        let mut writer = Writer::new(to)?;
        let merge = self.sorter.finish(another)?;
        let added = write(merge, &mut writer, &mut sessions, lacks_misses)?;
        let summary = Summary {
            source: self.source,
            added,
            lines: self.lines,
            unreadable: self.unreadable,
            missing: self.missing,
            ..options.summary(&sessions)
        };
        Ok(writer.finish(summary)?)
    }
}

/// Writes requests with their sessions, and what the log lacks. Returns the number of requests that were added.
fn write<W: Write>(
    mut merge: Merge,
    writer: &mut Writer<W>,
    sessions: &mut Sessions,
    lacks_misses: bool,
) -> io::Result<u64> {
    let mut added = 0;
    while let Some(mut request) = merge.next()? {
        request.session = sessions.of(&request);
        if lacks_misses && begins_upload(&request) {
            writer.push(&miss(&request), merge.names())?;
            added += 1;
        }
        writer.push(&request, merge.names())?;
    }
    Ok(added)
}

/// When a request began whose line has that time.
fn start(entry: &Entry<'_>, time: Timestamp, whole_seconds: bool) -> Timestamp {
    match entry.duration {
        // Within a second, lines are in the order in which requests ended. A fraction of a duration would put a long request
        // in front of the short one that its client had waited for.
        Some(took) if entry.is_end && whole_seconds => {
            time.before(Duration::from_secs(took.as_secs()))
        }
        Some(took) if entry.is_end => time.before(took),
        _ => time,
    }
}

fn begins_upload(request: &Request) -> bool {
    use Operation::{UploadMount, UploadPost, UploadStart};
    matches!(
        request.operation,
        Some(UploadStart | UploadPost | UploadMount)
    )
}

/// The request by which a client finds that a blob has to be uploaded.
fn miss(upload: &Request) -> Request {
    Request {
        method: Method::Head,
        operation: Some(Operation::BlobHead),
        from: None,
        status: NonZeroU16::new(404),
        sent: Some(0),
        received: Some(0),
        duration: None,
        added: true,
        ..*upload
    }
}

/// Where a line is.
struct Place<'a> {
    name: &'a str,
    line: u64,
    written: Option<Timestamp>,
}
