//! Reads a slice of a trace: its requests become sessions.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::super::error::Error;
use super::super::reader::Reader;
use super::super::request::Request;
use super::build::Builder;
use super::error::ReplayError;
use super::sessions::{Session, Sessions};
use super::slice::{MOST_REQUESTS, Slice};
use super::step::Step;
use crate::oci::Checksummer;

impl Sessions {
    /// Reads a slice of a trace. At least one request is in it.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub fn read(path: &Path, slice: &Slice) -> Result<Self, ReplayError> {
        read(Reader::open(path)?, slice)
    }
}

/// Reads the sessions of a slice.
fn read(reader: Reader, slice: &Slice) -> Result<Sessions, ReplayError> {
    let summary = reader.summary();
    let (requests, first) = (summary.requests, summary.first);
    let whole = summary.last.zip(first).map(|(last, it)| last.since(it));
    let of_slice = reader.filter_map(|request| {
        let within = |request: Request| {
            let offset = first.map_or(Duration::ZERO, |first| request.start.since(first));
            let at = offset.checked_sub(slice.from)?;
            let is_over = slice.until.is_some_and(|until| offset >= until);
            (!is_over).then_some((at, request))
        };
        match request {
            Ok(request) => within(request).map(Ok),
            Err(error) => Some(Err(error)),
        }
    });
    let empty = ReplayError::Empty {
        requests,
        span: Duration::from_secs(whole.unwrap_or_default().as_secs()),
    };
    of_requests(of_slice, slice, empty)
}

/// Makes sessions of requests, each with its time since the slice began.
pub(super) fn of_requests(
    requests: impl Iterator<Item = Result<(Duration, Request), Error>>,
    slice: &Slice,
    empty: ReplayError,
) -> Result<Sessions, ReplayError> {
    let mut builder = Builder::new(slice.deletes);
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    let mut steps: Vec<(u32, Step)> = Vec::new();
    let mut checksummer = Checksummer::new();
    let mut read = 0;
    for request in requests {
        let (at, request) = request?;
        if read == MOST_REQUESTS {
            return Err(ReplayError::TooMany);
        }
        read += 1;
        feed(&mut checksummer, at, &request);
        if let Some(step) = builder.add(at, &request) {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(request.session).or_insert(next);
            steps.push((number, step));
        }
    }
    if steps.is_empty() {
        return Err(match read {
            0 => empty,
            _ => ReplayError::Nothing(builder.left_out),
        });
    }
    // Stable: within a session the order of starts stays. Sessions are numbered in the order of their first requests.
    steps.sort_by_key(|(session, _)| *session);
    let sessions = steps.chunk_by(|(one, _), (other, _)| one == other);
    let mut first = 0;
    let sessions = sessions.map(|of_session| {
        let count = u32::try_from(of_session.len()).unwrap_or(u32::MAX);
        let at = |step: Option<&(u32, Step)>| step.map_or(0, |(_, step)| step.at_ns);
        let session = Session {
            at_ns: at(of_session.first()),
            last_ns: at(of_session.last()),
            first,
            count,
        };
        first += count;
        session
    });
    let sessions: Box<[Session]> = sessions.collect();
    let built = builder.finish(slice);
    Ok(Sessions {
        steps: steps.into_iter().map(|(_, step)| step).collect(),
        index: sessions,
        repositories: built.repositories,
        blobs: built.blobs,
        manifests: built.manifests,
        uploads: built.uploads,
        needs: built.needs,
        fresh: built.fresh,
        left_out: built.left_out,
        untold: built.untold,
        cut_off: built.cut_off,
        checksum: checksummer.finish().xxh3(),
    })
}

/// Adds all of a request that a replay follows from.
fn feed(checksummer: &mut Checksummer, at: Duration, request: &Request) {
    let Request {
        session,
        method,
        operation,
        repository,
        reference,
        upload,
        from,
        status,
        sent,
        received,
        ..
    } = request;
    let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
    let operation = operation.map_or(u64::MAX, |it| it as u64);
    let name = |it: Option<super::super::Pseudonym>| it.map_or(0, super::super::Pseudonym::get);
    let is_digest = matches!(reference, Some(super::super::Reference::Digest(_)));
    for number in [
        at,
        *session,
        method.index() as u64,
        operation,
        name(*repository),
        name(reference.map(super::super::Reference::pseudonym)),
        is_digest.into(),
        name(*upload),
        name(*from),
        status.map_or(0, |it| it.get().into()),
        sent.map_or(u64::MAX, |it| it),
        received.map_or(u64::MAX, |it| it),
    ] {
        checksummer.update(&number.to_le_bytes());
    }
}
