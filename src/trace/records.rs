//! Finds the objects of arrays of JSON, without reading what is in them.

use memchr::memchr3;

/// How a log is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// At the ends of lines.
    Lines,
    /// Into the objects of arrays.
    Records,
}

/// What stands in front of an array in a file of CloudTrail, but for white space.
const HEADER: &[u8] = b"{\"Records\":[";

/// Arrays of objects begin with `[ {`, and files of CloudTrail with `{"Records":[`.
pub(super) fn cut(head: &[u8]) -> Cut {
    let start: Vec<u8> = head
        .iter()
        .filter(|it| !it.is_ascii_whitespace())
        .take(HEADER.len())
        .copied()
        .collect();
    let is_array = ["[{", "[][", "[]{"]
        .iter()
        .any(|it| start.starts_with(it.as_bytes()));
    if is_array || start == b"[]" || start == HEADER {
        Cut::Records
    } else {
        Cut::Lines
    }
}

/// What a search for an object finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// An object, from its bracket to behind the other one.
    Found { start: usize, end: usize },
    /// One that does not end here; at the end of the bytes, none.
    Open { start: usize },
    /// What is neither an object nor around one.
    Foreign { start: usize },
}

/// Finds the first object. Arrays may follow each other, as in files that were joined.
pub(super) fn record(bytes: &[u8]) -> Scan {
    let around = |it: &u8| it.is_ascii_whitespace() || b",[]}".contains(it);
    let mut start = 0;
    loop {
        let skipped = bytes[start..].iter().position(|it| !around(it));
        let Some(skipped) = skipped else {
            return Scan::Open { start: bytes.len() };
        };
        start += skipped;
        if bytes[start] != b'{' {
            return Scan::Foreign { start };
        }
        match header(&bytes[start..]) {
            Some(length) => start += length,
            None => break,
        }
    }
    match Nesting::default().end(&bytes[start..]) {
        Some(length) => Scan::Found {
            start,
            end: start + length,
        },
        None => Scan::Open { start },
    }
}

/// The length of a [`HEADER`] that bytes begin with.
fn header(bytes: &[u8]) -> Option<usize> {
    let mut wanted = HEADER.iter();
    let mut next = wanted.next()?;
    for (at, byte) in bytes.iter().enumerate() {
        if byte == next {
            match wanted.next() {
                Some(it) => next = it,
                None => return Some(at + 1),
            }
        } else if !byte.is_ascii_whitespace() {
            return None;
        }
    }
    None
}

/// How deep an object is open, while its bytes come.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    depth: u64,
    /// Whether it is within a text, and whether the next byte of that is taken as it is.
    in_text: bool,
    is_escaped: bool,
}

impl Nesting {
    /// Takes the next bytes. Returns where the object ends in them.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.is_escaped) {
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let found = if self.in_text {
                memchr::memchr2(b'"', b'\\', rest)
            } else {
                memchr3(b'"', b'{', b'}', rest)
            };
            at += found?;
            match bytes[at] {
                b'"' => self.in_text = !self.in_text,
                b'\\' => self.is_escaped = true,
                b'{' => self.depth += 1,
                _ => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
            }
            at += 1;
        }
        None
    }
}
