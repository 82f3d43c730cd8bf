//! Makes a trace of requests that are seen while they happen.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::entry::Entry;
use super::options::TraceOptions;
use super::request::{Agent, Method};
use super::sessions::Sessions;
use super::sorter::Sorter;
use super::summary::{Lines, Missing, RECORDED, Source, Summary};
use super::time::Timestamp;
use super::writer::Writer;
use crate::files::Reserve;

/// A request that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// When its head was read.
    pub start: Timestamp,
    /// From then to the end of the response, or until it was cut off.
    pub duration: Duration,
    /// The address of the client.
    pub address: IpAddr,
    /// `User-Agent`; empty without one.
    pub agent: &'a str,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub uri: &'a str,
    /// The status of the response; `None` if there was none.
    pub status: Option<NonZeroU16>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body.
    pub received: u64,
}

/// Takes requests as they end, and writes one trace in the order of their starts. Memory does not grow with their number:
/// they are sorted in a file.
pub struct Recording {
    options: TraceOptions,
    sorter: Sorter,
    lines: Lines,
    missing: Missing,
    reserve: Option<Reserve>,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording")
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

impl Recording {
    /// With an empty file for what does not fit into memory.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn new(options: TraceOptions, spill: File) -> io::Result<Self> {
        Ok(Self {
            options,
            sorter: Sorter::new(spill)?,
            lines: Lines::default(),
            missing: Missing::default(),
            reserve: None,
        })
    }

    /// Keeps room for the trace from now on, by an empty file on its disk.
    ///
    /// # Errors
    /// Errors of the system: there is no room.
    pub fn keep_room(&mut self, file: File) -> io::Result<()> {
        let mut reserve = Reserve::new(file);
        reserve.keep(1)?;
        self.reserve = Some(reserve);
        Ok(())
    }

    /// Takes a request. Returns `false` if its path is outside the registry's API: it is counted and not kept.
    ///
    /// # Errors
    /// Errors of the system, as when the disk is full. The request is kept all the same, and there is room for a trace of what
    /// was pushed, but not of many more.
    pub fn push(&mut self, observed: &Observed<'_>) -> io::Result<bool> {
        let entry = Entry {
            address: Cow::Owned(observed.address.to_string()),
            agent: Cow::Borrowed(observed.agent),
            method: Cow::Borrowed(observed.method),
            uri: Cow::Borrowed(observed.uri),
            duration: Some(observed.duration),
            ..Entry::default()
        };
        let mut converter = self.options.converter(&mut self.sorter);
        let Some(mut request) = converter.request(&entry, observed.start) else {
            self.lines.outside += 1;
            return Ok(false);
        };
        // Counted, where a log needs rules about which requests have a body.
        request.sent = Some(observed.sent);
        request.received = Some(observed.received);
        request.status = observed.status;
        debug_assert_eq!(request.method, Method::of(observed.method));
        self.lines.requests += 1;
        self.missing.status += u64::from(request.status.is_none());
        self.missing.agent += u64::from(request.agent == Agent::Unknown);
        self.sorter.push(request)?;
        if let Some(reserve) = &mut self.reserve {
            reserve.keep(self.sorter.most_bytes())?;
        }
        Ok(true)
    }

    /// Writes the trace. `another` makes an empty file for a recording whose order needs more than one step.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn finish<W: Write>(
        self,
        to: W,
        another: &dyn Fn() -> io::Result<File>,
    ) -> io::Result<(W, Summary)> {
        // From here on the trace takes it.
        drop(self.reserve);
        let mut sessions = Sessions::new(self.options.session_gap);
        let mut writer = Writer::new(to)?;
        let mut merge = self.sorter.finish(another)?;
        while let Some(mut request) = merge.next()? {
            request.session = sessions.of(&request);
            writer.push(&request, merge.names())?;
        }
        writer.finish(Summary {
            source: Source {
                formats: vec![RECORDED.to_owned()],
                ..Source::default()
            },
            lines: self.lines,
            missing: self.missing,
            ..self.options.summary(&sessions)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::Ipv4Addr;

    use super::*;
    use crate::trace::{Key, Naming, Reader, Reference};

    fn observed(uri: &str, start: u64) -> Observed<'_> {
        Observed {
            start: Timestamp::from_nanos(start),
            duration: Duration::from_millis(1),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            agent: "docker/24.0.7",
            method: "GET",
            uri,
            status: NonZeroU16::new(200),
            sent: 0,
            received: 7,
        }
    }

    fn recording(keep_names: bool) -> Recording {
        let options = TraceOptions {
            key: Key::random().unwrap(),
            keep_names,
            session_gap: Duration::from_mins(1),
        };
        Recording::new(options, tempfile::tempfile().unwrap()).unwrap()
    }

    #[test]
    fn requests_are_in_the_order_of_their_starts_and_those_of_other_paths_are_counted() {
        let mut it = recording(true);
        assert!(it.push(&observed("/v2/a/manifests/1", 9)).unwrap());
        assert!(it.push(&observed("/v2/", 3)).unwrap());
        assert!(!it.push(&observed("/metrics", 4)).unwrap());
        let cut = Observed {
            status: None,
            ..observed("/v2/a/blobs/sha256:ab?state=s3cr3t", 10)
        };
        assert!(it.push(&cut).unwrap());
        let file = tempfile::NamedTempFile::new().unwrap();
        let (_, summary) = it.finish(file.as_file(), &tempfile::tempfile).unwrap();
        assert_eq!((summary.requests, summary.sessions), (3, 1));
        assert_eq!((summary.lines.outside, summary.missing.status), (1, 1));
        let mut reader = Reader::open(file.path()).unwrap();
        let mut starts = Vec::new();
        while let Some(request) = reader.next() {
            let request = request.unwrap();
            starts.push(request.start.nanos());
            if let Some(Reference::Digest(digest)) = request.reference {
                assert_eq!(reader.names().get(digest), Some("sha256:ab"));
            }
        }
        assert_eq!(starts, [3, 9, 10]);
    }

    #[test]
    fn nothing_of_a_query_and_no_name_is_in_the_file() {
        let mut it = recording(false);
        it.push(&observed("/v2/team/app/blobs/uploads/u1?_state=s3cr3t", 1))
            .unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let (_, summary) = it.finish(file.as_file(), &tempfile::tempfile).unwrap();
        assert!(matches!(summary.naming, Naming::Pseudonyms { .. }));
        let mut reader = Reader::open(file.path()).unwrap();
        assert!(reader.next().unwrap().unwrap().upload.is_some());
        assert!(reader.names().is_empty());
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert!(!bytes.windows(6).any(|it| it == b"s3cr3t"));
    }
}
