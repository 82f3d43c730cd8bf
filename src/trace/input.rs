//! The bytes of a log: unpacked, and cut into lines or records of bounded length.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::read::MultiGzDecoder;
use memchr::memchr;

use super::records::{Cut, Nesting, Scan, cut, record};
use super::time::Timestamp;

/// The most bytes of a line or a record. Longer ones are counted as unreadable.
pub(super) const LONGEST: usize = 256 << 10;
/// What is read at once.
const BUFFER: usize = 2 * LONGEST;
/// The most that a window of zstd may take: 128 MiB, which is what the format's own tools accept.
const WINDOW_LOG: u32 = 27;

/// A log, open to be read.
pub struct Log {
    /// Its name in messages.
    pub(super) name: String,
    /// When it was written last, by which times without a year have one.
    pub(super) written: Option<Timestamp>,
    from: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Opens a file. A pipe is opened if it belongs to this process (`/dev/fd/3`), and has its other end therefore.
    ///
    /// # Errors
    /// Errors of the system; [`io::ErrorKind::InvalidInput`] for what is no file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let is_own = ["/dev/fd", "/dev/stdin", "/proc/self/fd"]
            .iter()
            .any(|it| path.starts_with(it));
        let found = std::fs::metadata(path)?;
        if found.is_dir() {
            let error = "this is a directory: name the files in it";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        if !found.is_file() && !is_own {
            let error = "this is a pipe, a device or a socket: give it as standard input, `-`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        Ok(Self {
            name: path.display().to_string(),
            written: found.modified().ok().and_then(timestamp),
            from: Box::new(File::open(path)?),
        })
    }

    /// Takes any bytes, such as those of standard input, as if they were written now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the year of times that have none, and no time of any report"
    )]
    pub fn new(name: &str, from: impl Read + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            written: timestamp(SystemTime::now()),
            from: Box::new(from),
        }
    }
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let nanos = u64::try_from(since.as_nanos()).ok()?;
    Some(Timestamp::from_nanos(nanos))
}

/// A piece of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A line without its end, or a record.
    Whole(&'a [u8]),
    /// The beginning of one that is longer than [`LONGEST`].
    TooLong(&'a [u8]),
    /// The beginning of what is no record or does not end, so that nothing behind it can be read.
    Endless(&'a [u8]),
}

/// Cuts a log into pieces, in bounded memory.
pub(super) struct Pieces {
    from: Box<dyn Read + Send>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    is_over: bool,
    /// The beginning of a piece that is too long.
    head: Vec<u8>,
    pub(super) cut: Cut,
    /// Bytes that were taken from the buffer.
    pub(super) bytes: u64,
}

impl Pieces {
    /// Reads the first bytes of a log, and finds out how it is packed and cut.
    pub(super) fn new(mut from: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut head = [0; 6];
        let length = read_full(&mut from, &mut head)?;
        let head = &head[..length];
        let joined = io::Cursor::new(head.to_vec()).chain(from);
        let from: Box<dyn Read + Send> = match head {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(io::BufReader::with_capacity(
                64 << 10,
                joined,
            ))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                let mut zstd = zstd::stream::read::Decoder::new(joined)?;
                zstd.window_log_max(WINDOW_LOG)?;
                Box::new(zstd)
            }
            [0xfd, b'7', b'z', b'X', ..] => return Err(unsupported("xz")),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => return Err(unsupported("bzip2")),
            [0x04, 0x22, 0x4d, 0x18, ..] => return Err(unsupported("lz4")),
            [b'P', b'K', 3, 4, ..] => return Err(unsupported("zip")),
            _ => Box::new(joined),
        };
        let mut pieces = Self {
            from,
            buffer: vec![0; BUFFER].into(),
            start: 0,
            end: 0,
            is_over: false,
            head: Vec::new(),
            cut: Cut::Lines,
            bytes: 0,
        };
        pieces.fill()?;
        pieces.skip_zeros()?;
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = pieces.ahead() {
            let error = "it is UTF-16: give it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        let marked = pieces.ahead().len();
        let text = without_mark(pieces.ahead());
        let (is_cut, length) = (cut(text), text.len());
        pieces.cut = is_cut;
        if pieces.cut == Cut::Records {
            pieces.skip(marked - length);
        }
        Ok(pieces)
    }

    /// What was read and not taken yet: all of a short log, and 512 KiB of a longer one.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Returns the pieces in some bytes that are whole.
    pub(super) fn in_front<'a>(&self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut rest = bytes;
        let mut found = Vec::new();
        while found.len() < 200 {
            let (piece, taken) = match self.cut {
                Cut::Lines => match memchr(b'\n', rest) {
                    Some(end) => (&rest[..end], end + 1),
                    None if self.is_over && !rest.is_empty() => (rest, rest.len()),
                    None => break,
                },
                Cut::Records => match record(rest) {
                    Scan::Found { start, end } => (&rest[start..end], end),
                    _ => break,
                },
            };
            found.push(without_mark(piece));
            rest = &rest[taken..];
        }
        found
    }

    fn skip(&mut self, length: usize) {
        self.start += length;
        self.bytes += length as u64;
    }

    /// Skips zeros. A log that was cut short while it was open for writing begins with as many as it had bytes.
    fn skip_zeros(&mut self) -> io::Result<()> {
        while self.ahead().first() == Some(&0) {
            let zeros = self.ahead().iter().take_while(|it| **it == 0).count();
            self.skip(zeros);
            if self.start == self.end && !self.is_over {
                self.fill()?;
            }
        }
        Ok(())
    }

    /// Reads until the buffer is full.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let read = read_full(&mut self.from, &mut self.buffer[self.end..])?;
        self.end += read;
        self.is_over = self.end < self.buffer.len();
        Ok(())
    }

    /// Returns the next piece; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        match self.cut {
            Cut::Lines => self.line(),
            Cut::Records => self.record(),
        }
    }

    fn line(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.skip_zeros()?;
        let mut found = memchr(b'\n', &self.buffer[self.start..self.end]);
        if found.is_none() && !self.is_over {
            self.fill()?;
            found = memchr(b'\n', &self.buffer[self.start..self.end]);
        }
        let start = self.start;
        let length = found.unwrap_or(self.end - start);
        if length > LONGEST {
            return self.too_long();
        }
        if found.is_none() && length == 0 {
            return Ok(None);
        }
        self.skip(length + usize::from(found.is_some()));
        let line = without_mark(&self.buffer[start..start + length]);
        Ok(Some(Piece::Whole(line.strip_suffix(b"\r").unwrap_or(line))))
    }

    /// Skips a line to its end, and returns its beginning.
    fn too_long(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.keep_head(self.start);
        loop {
            let found = memchr(b'\n', &self.buffer[self.start..self.end]);
            let length = found.map_or(self.end - self.start, |it| it + 1);
            self.skip(length);
            if found.is_some() || self.is_over {
                return Ok(Some(Piece::TooLong(&self.head)));
            }
            self.fill()?;
        }
    }

    fn keep_head(&mut self, at: usize) {
        let end = self.end.min(at + 1_000);
        self.head.clear();
        self.head.extend(&self.buffer[at..end]);
    }

    fn record(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            let at = self.start;
            match record(&self.buffer[at..self.end]) {
                Scan::Found { start, end } => {
                    self.skip(end);
                    if end - start > LONGEST {
                        self.keep_head(at + start);
                        return Ok(Some(Piece::TooLong(&self.head)));
                    }
                    return Ok(Some(Piece::Whole(&self.buffer[at + start..at + end])));
                }
                Scan::Open { start } => {
                    self.skip(start);
                    if self.is_over && self.start == self.end {
                        return Ok(None);
                    }
                    if self.is_over {
                        return self.endless();
                    }
                    if self.end - self.start == self.buffer.len() {
                        return self.long_record();
                    }
                    self.fill()?;
                }
                Scan::Foreign { start } => {
                    self.skip(start);
                    return self.endless();
                }
            }
        }
    }

    /// Skips a record that is longer than the buffer to its end, and returns its beginning.
    fn long_record(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.keep_head(self.start);
        let mut nesting = Nesting::default();
        loop {
            let ahead = &self.buffer[self.start..self.end];
            let (end, length) = (nesting.end(ahead), ahead.len());
            self.skip(end.unwrap_or(length));
            if end.is_some() {
                return Ok(Some(Piece::TooLong(&self.head)));
            }
            if self.is_over {
                return Ok(Some(Piece::Endless(&self.head)));
            }
            self.fill()?;
        }
    }

    /// Drops what cannot be cut into records, to the end of the log, and returns its beginning.
    fn endless(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.keep_head(self.start);
        self.drain()?;
        Ok(Some(Piece::Endless(&self.head)))
    }

    /// Reads the rest and drops it.
    fn drain(&mut self) -> io::Result<()> {
        self.skip(self.end - self.start);
        if !self.is_over {
            self.bytes += io::copy(&mut self.from, &mut io::sink())?;
            self.is_over = true;
        }
        Ok(())
    }
}

impl Log {
    /// Its pieces.
    pub(super) fn pieces(self) -> io::Result<Pieces> {
        Pieces::new(self.from)
    }
}

/// Cuts the mark that some editors and shells write in front of UTF-8.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn unsupported(program: &str) -> io::Error {
    let error =
        format!("it is packed with {program}: unpack it and give it as standard input, `-`");
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// Reads until the buffer is full or the input is at its end.
fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match from.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests;
