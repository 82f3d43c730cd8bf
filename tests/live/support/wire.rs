//! HTTP/1.1 as it stands on the wire: heads with their headers in order and doubled, bodies piece by piece.
//!
//! Independent of the HTTP library that regstorm uses, which would join, order and complete what it reads.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _};

/// Longer than any head that a client or registry sends; a test that gets one reads something else than HTTP.
const HEAD_LIMIT: u64 = 64 << 10;
const PIECE: usize = 16 << 10;

/// The first line and the headers of a request or an answer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) start: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads one; `None` when the peer has closed in front of it.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut lines = from.take(HEAD_LIMIT);
        let mut next = || {
            let mut line = String::new();
            lines.read_line(&mut line)?;
            if line.ends_with('\n') || line.is_empty() {
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            Err(io::Error::from(io::ErrorKind::UnexpectedEof))
        };
        let start = next()?;
        if start.is_empty() {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let line = next()?;
            if line.is_empty() {
                return Ok(Some(Self { start, headers }));
            }
            let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    pub(crate) fn new(start: &str) -> Self {
        Self {
            start: start.to_owned(),
            headers: Vec::new(),
        }
    }

    /// A word of the first line.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.start.split(' ').nth(index).unwrap_or_default()
    }

    /// The values of all lines of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |it: &&(String, String)| it.0.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|it| it.1.as_str())
    }

    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|it| !it.0.eq_ignore_ascii_case(name));
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Whether a header lists this word.
    pub(crate) fn says(&self, name: &str, word: &str) -> bool {
        self.all(name)
            .flat_map(|it| it.split(','))
            .any(|it| it.trim().eq_ignore_ascii_case(word))
    }

    pub(crate) fn framing(&self) -> Framing {
        if self.says("Transfer-Encoding", "chunked") {
            return Framing::Chunked;
        }
        let length = self.get("Content-Length").and_then(|it| it.parse().ok());
        Framing::Length(length.unwrap_or(0))
    }

    /// As it is sent on.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// A part of a body as it is sent on, framing included, and how many of its bytes are body.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) body: u64,
    pub(crate) last: bool,
}

/// Reads a body to its end, handing on each piece. Nothing is handed on for a body of length 0.
pub(crate) fn body(
    from: &mut impl BufRead,
    framing: Framing,
    mut sink: impl FnMut(Piece<'_>) -> io::Result<()>,
) -> io::Result<()> {
    match framing {
        Framing::Length(length) => run(from, length, |bytes, left| {
            sink(Piece {
                bytes,
                body: bytes.len() as u64,
                last: left == 0,
            })
        }),
        Framing::Chunked => loop {
            let mut line = String::new();
            from.take(HEAD_LIMIT).read_line(&mut line)?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            run(from, length, |bytes, _| {
                let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
                chunk.extend_from_slice(bytes);
                chunk.extend_from_slice(b"\r\n");
                sink(Piece {
                    bytes: &chunk,
                    body: bytes.len() as u64,
                    last: false,
                })
            })?;
            // Behind a chunk stands an empty line; behind the last one, trailers that nobody here sends.
            line.clear();
            from.take(HEAD_LIMIT).read_line(&mut line)?;
            if length == 0 {
                return sink(Piece {
                    bytes: b"0\r\n\r\n",
                    body: 0,
                    last: true,
                });
            }
        },
    }
}

fn run(
    from: &mut impl BufRead,
    length: u64,
    mut sink: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let mut left = length;
    let mut buffer = [0; PIECE];
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let length = from.read(&mut buffer[..wanted])?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= length as u64;
        sink(&buffer[..length], left)?;
    }
    Ok(())
}
