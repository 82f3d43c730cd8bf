//! The rows of a block: requests as numbers, most of them of one byte.

use std::num::NonZeroU16;
use std::time::Duration;

use super::names::{ByPseudonym, LONGEST, NameTable};
use super::request::{Agent, Method, Pseudonym, Reference, Request};
use super::time::Timestamp;
use super::varint::{Cursor, put, unzigzag, zigzag};
use crate::oci::Operation;

/// The operations by their numbers in a file. New ones come last, wherever they are in [`Operation::ALL`].
const OPERATIONS: [Operation; 20] = [
    Operation::Ping,
    Operation::Token,
    Operation::ManifestHead,
    Operation::ManifestGet,
    Operation::ManifestPut,
    Operation::ManifestDelete,
    Operation::BlobHead,
    Operation::BlobGet,
    Operation::BlobDelete,
    Operation::UploadStart,
    Operation::UploadPost,
    Operation::UploadMount,
    Operation::UploadPatch,
    Operation::UploadPut,
    Operation::UploadStatus,
    Operation::UploadCancel,
    Operation::TagsList,
    Operation::Referrers,
    Operation::Catalog,
    Operation::Redirected,
];

/// What a row has.
mod flag {
    pub(super) const REPOSITORY: u64 = 1;
    pub(super) const REFERENCE: u64 = 1 << 1;
    pub(super) const DIGEST: u64 = 1 << 2;
    pub(super) const UPLOAD: u64 = 1 << 3;
    pub(super) const FROM: u64 = 1 << 4;
    pub(super) const STATUS: u64 = 1 << 5;
    pub(super) const SENT: u64 = 1 << 6;
    pub(super) const RECEIVED: u64 = 1 << 7;
    pub(super) const DURATION: u64 = 1 << 8;
    pub(super) const OPERATION: u64 = 1 << 9;
    pub(super) const ADDED: u64 = 1 << 10;
    pub(super) const ALL: u64 = (1 << 11) - 1;
}

/// The most rows of a block.
pub(super) const MOST_ROWS: usize = 1 << 14;
/// A block that has this many bytes is closed.
pub(super) const FULL: usize = 1 << 20;
/// The most bytes of a block: a row more than [`FULL`], with five new names.
pub(super) const MOST_BYTES: usize = FULL + (8 << 10);

/// Rows on their way into a block.
#[derive(Debug, Default)]
pub(super) struct Rows {
    count: usize,
    bytes: Vec<u8>,
    /// The pseudonyms of the block, each with its name, in the order of their first rows.
    dictionary: Vec<u8>,
    places: ByPseudonym<u64>,
    time: u64,
    session: u64,
}

impl Rows {
    /// Returns `true` if the block is to be closed before more comes.
    pub(super) fn is_full(&self) -> bool {
        self.count >= MOST_ROWS || self.bytes.len() + self.dictionary.len() >= FULL
    }

    /// Returns `true` without rows.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a row.
    pub(super) fn push(&mut self, request: &Request, names: &NameTable) {
        let Request { start, session, .. } = *request;
        put(&mut self.bytes, flags(request));
        let step = start.nanos().wrapping_sub(self.time).cast_signed();
        put(&mut self.bytes, zigzag(step));
        self.time = start.nanos();
        let step = session.wrapping_sub(self.session).cast_signed();
        put(&mut self.bytes, zigzag(step));
        self.session = session;
        put(&mut self.bytes, request.method.index() as u64);
        put(&mut self.bytes, request.agent.index() as u64);
        if let Some(operation) = request.operation {
            put(&mut self.bytes, number(operation));
        }
        let pseudonyms = [
            Some(request.client),
            request.repository,
            request.reference.map(Reference::pseudonym),
            request.upload,
            request.from,
        ];
        for pseudonym in pseudonyms.into_iter().flatten() {
            let place = self.place(pseudonym, names);
            put(&mut self.bytes, place);
        }
        let duration = request.duration.map(nanos);
        let status = request.status.map(|it| u64::from(it.get()));
        let numbers = [status, request.sent, request.received, duration];
        for number in numbers.into_iter().flatten() {
            put(&mut self.bytes, number);
        }
        self.count += 1;
    }

    fn place(&mut self, pseudonym: Pseudonym, names: &NameTable) -> u64 {
        let next = self.places.len() as u64;
        *self.places.entry(pseudonym).or_insert_with(|| {
            let out = &mut self.dictionary;
            out.extend(pseudonym.get().to_le_bytes());
            let name = names.get(pseudonym).unwrap_or_default();
            put(out, name.len() as u64);
            out.extend(name.as_bytes());
            next
        })
    }

    /// Writes the rows to a block, and begins the next one.
    pub(super) fn take(&mut self, out: &mut Vec<u8>) {
        out.clear();
        put(out, self.count as u64);
        put(out, self.places.len() as u64);
        out.append(&mut self.dictionary);
        out.append(&mut self.bytes);
        self.places.clear();
        (self.count, self.time, self.session) = (0, 0, 0);
    }
}

fn flags(request: &Request) -> u64 {
    let of = |has: bool, flag: u64| if has { flag } else { 0 };
    of(request.repository.is_some(), flag::REPOSITORY)
        | of(request.reference.is_some(), flag::REFERENCE)
        | of(
            matches!(request.reference, Some(Reference::Digest(_))),
            flag::DIGEST,
        )
        | of(request.upload.is_some(), flag::UPLOAD)
        | of(request.from.is_some(), flag::FROM)
        | of(request.status.is_some(), flag::STATUS)
        | of(request.sent.is_some(), flag::SENT)
        | of(request.received.is_some(), flag::RECEIVED)
        | of(request.duration.is_some(), flag::DURATION)
        | of(request.operation.is_some(), flag::OPERATION)
        | of(request.added, flag::ADDED)
}

fn number(operation: Operation) -> u64 {
    let place = OPERATIONS.iter().position(|it| *it == operation);
    place.expect("a test holds that all are there") as u64
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a block holds.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) requests: Vec<Request>,
    pub(super) names: Vec<(Pseudonym, Box<str>)>,
}

impl Block {
    /// Reads a block.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut cursor = Cursor(bytes);
        let count = cursor.number().ok_or("no number of rows")?;
        let count = usize::try_from(count).ok().filter(|it| *it <= MOST_ROWS);
        let count = count.ok_or("too many rows")?;
        let mut block = Self::default();
        let dictionary = block.dictionary(&mut cursor)?;
        let mut row = Row {
            cursor,
            dictionary: &dictionary,
            time: 0,
            session: 0,
        };
        block.requests.reserve_exact(count);
        for _ in 0..count {
            let request = row.next().ok_or("a row that is none")?;
            block.requests.push(request);
        }
        if row.cursor.0.is_empty() {
            Ok(block)
        } else {
            Err("bytes behind the last row")
        }
    }

    fn dictionary(&mut self, cursor: &mut Cursor<'_>) -> Result<Vec<Pseudonym>, &'static str> {
        const WRONG: &str = "a dictionary that is none";
        let length = cursor.number().ok_or(WRONG)?;
        let mut dictionary = Vec::new();
        for _ in 0..length {
            let hash = cursor.word().filter(|it| *it != 0).ok_or(WRONG)?;
            let pseudonym = Pseudonym::new(hash);
            let length = cursor.number().and_then(|it| usize::try_from(it).ok());
            let length = length.filter(|it| *it <= LONGEST).ok_or(WRONG)?;
            let name = cursor.bytes(length).ok_or(WRONG)?;
            let name = std::str::from_utf8(name).map_err(|_| WRONG)?;
            if !name.is_empty() {
                self.names.push((pseudonym, name.into()));
            }
            dictionary.push(pseudonym);
        }
        Ok(dictionary)
    }
}

/// Reads row after row.
struct Row<'a> {
    cursor: Cursor<'a>,
    dictionary: &'a [Pseudonym],
    time: u64,
    session: u64,
}

impl Row<'_> {
    fn next(&mut self) -> Option<Request> {
        let flags = self.cursor.number().filter(|it| *it <= flag::ALL)?;
        let has = |flag: u64| flags & flag != 0;
        let step = unzigzag(self.cursor.number()?);
        self.time = self.time.wrapping_add(step.cast_unsigned());
        let step = unzigzag(self.cursor.number()?);
        self.session = self.session.wrapping_add(step.cast_unsigned());
        let method = *self.word(Method::ALL)?;
        let agent = *self.word(Agent::ALL)?;
        let operation = if has(flag::OPERATION) {
            Some(*self.word(&OPERATIONS)?)
        } else {
            None
        };
        let client = self.pseudonym()?;
        let repository = self.pseudonym_if(has(flag::REPOSITORY))?;
        let reference = self.pseudonym_if(has(flag::REFERENCE))?;
        let reference = reference.map(if has(flag::DIGEST) {
            Reference::Digest
        } else {
            Reference::Tag
        });
        let upload = self.pseudonym_if(has(flag::UPLOAD))?;
        let from = self.pseudonym_if(has(flag::FROM))?;
        let status = match self.number_if(has(flag::STATUS))? {
            Some(status) => Some(NonZeroU16::new(u16::try_from(status).ok()?)?),
            None => None,
        };
        Some(Request {
            start: Timestamp::from_nanos(self.time),
            client,
            session: self.session,
            method,
            operation,
            repository,
            reference,
            upload,
            from,
            status,
            sent: self.number_if(has(flag::SENT))?,
            received: self.number_if(has(flag::RECEIVED))?,
            duration: self
                .number_if(has(flag::DURATION))?
                .map(Duration::from_nanos),
            agent,
            added: has(flag::ADDED),
        })
    }

    fn word<'b, T>(&mut self, words: &'b [T]) -> Option<&'b T> {
        words.get(usize::try_from(self.cursor.number()?).ok()?)
    }

    fn pseudonym(&mut self) -> Option<Pseudonym> {
        self.word(self.dictionary).copied()
    }

    /// A pseudonym if there is one: `Some(None)` if there is none, `None` if it cannot be read.
    #[expect(
        clippy::option_option,
        reason = "a missing value and an unreadable one"
    )]
    fn pseudonym_if(&mut self, is_there: bool) -> Option<Option<Pseudonym>> {
        if is_there {
            self.pseudonym().map(Some)
        } else {
            Some(None)
        }
    }

    #[expect(clippy::option_option, reason = "as of a pseudonym")]
    fn number_if(&mut self, is_there: bool) -> Option<Option<u64>> {
        if is_there {
            self.cursor.number().map(Some)
        } else {
            Some(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_number() {
        for operation in Operation::ALL {
            assert!(OPERATIONS.contains(&operation), "{operation}");
        }
    }
}
