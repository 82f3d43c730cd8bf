//! Finds the objects of an array of JSON, without reading what is in them.

use memchr::memchr2;

/// How a log is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// At the ends of lines.
    Lines,
    /// Into the objects of an array.
    Records,
}

/// Arrays of objects begin with `[ {`, and files of CloudTrail with `{"Records":[`.
pub(super) fn cut(head: &[u8]) -> Cut {
    let start: Vec<u8> = head
        .iter()
        .filter(|it| !it.is_ascii_whitespace())
        .take(12)
        .copied()
        .collect();
    if start.starts_with(b"[{") || start == b"[]" || start.starts_with(b"{\"Records\":[") {
        Cut::Records
    } else {
        Cut::Lines
    }
}

/// What a search for an object finds.
pub(super) enum Scan {
    /// An object, from its bracket to the other one.
    Found { start: usize, end: usize },
    /// One that does not end.
    Open { start: usize },
    /// None: the end of the array, or of the input.
    Nothing,
}

/// Finds the first object.
pub(super) fn record(bytes: &[u8]) -> Scan {
    let between = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    let start = bytes.iter().position(|it| !between(it));
    let Some(start) = start else {
        return Scan::Open { start: bytes.len() };
    };
    if bytes[start] != b'{' {
        return Scan::Nothing;
    }
    let (mut depth, mut at) = (0_u32, start);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    let end = at + 1;
                    return Scan::Found { start, end };
                }
            }
            b'"' => match string(&bytes[at + 1..]) {
                Some(length) => at += length + 1,
                None => return Scan::Open { start },
            },
            _ => {}
        }
        at += 1;
    }
    Scan::Open { start }
}

/// The length of a string up to its quotation mark.
fn string(bytes: &[u8]) -> Option<usize> {
    let text = bytes;
    let mut at = 0;
    loop {
        let found = at + memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[found] == b'"' {
            return Some(found);
        }
        at = found + 2;
    }
}
