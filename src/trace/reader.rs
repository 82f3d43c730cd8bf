//! Reads a trace.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::frame::{Flaw, Kind, Unpacker};
use super::names::NameTable;
use super::request::Request;
use super::rows::Block;
use super::sample;
use super::summary::{SCHEMA, Summary};
use super::time::Timestamp;
use super::writer::END;

/// What every trace begins with, before the number of its version.
const FAMILY: &[u8] = b"regstorm.trace/";
/// The most bytes of the first line.
const LONGEST_VERSION: usize = 64;

/// Reads a trace: its summary at once, then its requests in the order of their starts. Memory is that of one block.
///
/// What it returns is checked: a block that was changed, a missing end, and requests that are out of order are errors. After
/// an error nothing more comes.
pub struct Reader {
    path: PathBuf,
    from: BufReader<Box<dyn Bytes>>,
    unpacker: Unpacker,
    summary: Summary,
    /// Where the summary is: requests end there.
    end: u64,
    offset: u64,
    block: std::vec::IntoIter<Request>,
    names: NameTable,
    read: u64,
    last: Option<Timestamp>,
    is_over: bool,
}

/// Where a trace is read from: a file, or memory.
trait Bytes: Read + Seek + Send {}

impl<T: Read + Seek + Send> Bytes for T {}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a trace and reads its summary. The path [`SAMPLE`](sample::SAMPLE) is the trace inside the program.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        if path.as_os_str() == sample::SAMPLE {
            let length = sample::BYTES.len() as u64;
            return Self::begin(path, Box::new(Cursor::new(sample::BYTES)), length);
        }
        let cannot = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        // A pipe would block, and has no end to begin with.
        let kind = std::fs::metadata(path).map_err(cannot)?;
        if kind.is_dir() {
            return Err(cannot(io::ErrorKind::IsADirectory.into()));
        }
        if !kind.is_file() {
            return Err(Error::Foreign {
                path: path.to_owned(),
            });
        }
        let from = File::open(path).map_err(cannot)?;
        let length = from.metadata().map_err(cannot)?.len();
        Self::begin(path, Box::new(from), length)
    }

    /// Reads the version and the summary.
    fn begin(path: &Path, mut from: Box<dyn Bytes>, length: u64) -> Result<Self, Error> {
        let cannot = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let offset = check_version(path, &mut from)?;
        let cut_off = || Error::CutOff {
            path: path.to_owned(),
        };
        let trailer = 8 + END.len() as u64;
        let end_of_blocks = length.checked_sub(trailer).ok_or_else(cut_off)?;
        from.seek(SeekFrom::Start(end_of_blocks)).map_err(cannot)?;
        let (mut place, mut mark) = ([0; 8], [0; END.len()]);
        from.read_exact(&mut place).map_err(cannot)?;
        from.read_exact(&mut mark).map_err(cannot)?;
        let place = u64::from_le_bytes(place);
        if mark != *END || place < offset || place >= end_of_blocks {
            return Err(cut_off());
        }
        from.seek(SeekFrom::Start(place)).map_err(cannot)?;
        let mut unpacker = Unpacker::default();
        let flawed = |flaw| of_flaw(path, place, flaw);
        let content = unpacker.unpack(Kind::Summary, &mut from).map_err(flawed)?;
        let summary: Summary = serde_json::from_slice(content)
            .map_err(|_| flawed(Flaw::Damaged("a summary that is none")))?;
        if place + unpacker.length() != end_of_blocks {
            return Err(flawed(Flaw::Damaged("bytes behind the summary")));
        }
        from.seek(SeekFrom::Start(offset)).map_err(cannot)?;
        Ok(Self {
            path: path.to_owned(),
            from: BufReader::with_capacity(256 << 10, from),
            unpacker,
            summary,
            end: place,
            offset,
            block: Vec::new().into_iter(),
            names: NameTable::default(),
            read: 0,
            last: None,
            is_over: false,
        })
    }

    /// What the trace says of itself.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The names behind the pseudonyms of the request that was read last, if the trace has them.
    pub const fn names(&self) -> &NameTable {
        &self.names
    }

    /// Reads the next request.
    fn read(&mut self) -> Result<Option<Request>, Error> {
        loop {
            if let Some(request) = self.block.next() {
                if self.last.is_some_and(|last| request.start < last) {
                    return Err(self.damaged("requests out of order"));
                }
                self.last = Some(request.start);
                self.read += 1;
                return Ok(Some(request));
            }
            if self.offset >= self.end {
                let is_whole = self.offset == self.end && self.read == self.summary.requests;
                return if is_whole {
                    Ok(None)
                } else {
                    Err(self.damaged("requests are missing"))
                };
            }
            let content = self.unpacker.unpack(Kind::Requests, &mut self.from);
            let block = content.and_then(|content| Block::read(content).map_err(Flaw::Damaged));
            let block = block.map_err(|flaw| of_flaw(&self.path, self.offset, flaw))?;
            self.offset += self.unpacker.length();
            self.block = block.requests.into_iter();
            self.names.clear();
            self.names.extend(block.names);
        }
    }

    fn damaged(&self, reason: &'static str) -> Error {
        of_flaw(&self.path, self.offset, Flaw::Damaged(reason))
    }
}

impl Iterator for Reader {
    type Item = Result<Request, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.read().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Reads the first line, and returns its length.
fn check_version(path: &Path, from: &mut impl Read) -> Result<u64, Error> {
    let mut start = Vec::new();
    let limited = from.by_ref().take(LONGEST_VERSION as u64);
    let read = { limited }.read_to_end(&mut start);
    read.map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if line == SCHEMA.as_bytes() && start.len() > line.len() {
        return Ok(line.len() as u64 + 1);
    }
    let path = path.to_owned();
    if !start.is_empty() && SCHEMA.as_bytes().starts_with(&start) {
        return Err(Error::CutOff { path });
    }
    match std::str::from_utf8(line) {
        Ok(found) if line.starts_with(FAMILY) => Err(Error::Version {
            path,
            found: crate::units::foreign_words(found, LONGEST_VERSION),
        }),
        _ => Err(Error::Foreign { path }),
    }
}

fn of_flaw(path: &Path, offset: u64, flaw: Flaw) -> Error {
    let path = path.to_owned();
    match flaw {
        Flaw::Io(source) => Error::Read { path, source },
        Flaw::Damaged(reason) => Error::Damaged {
            path,
            offset,
            reason,
        },
    }
}
