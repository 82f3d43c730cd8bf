//! A body of several ranges, read while it arrives: `multipart/byteranges`.

use std::ops::Range;

/// The most bytes of lines between two parts.
const MAX_LINES: usize = 8 * 1024;

/// Where the bytes of ranges go: their place in the blob, and the bytes.
pub(super) type Take<'a> = &'a mut dyn FnMut(u64, &[u8]);

/// The ranges that were asked for, and which of them have come.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    ranges: &'a [Range<u64>], // in ascending order
    here: Vec<bool>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(ranges: &'a [Range<u64>]) -> Self {
        Self {
            ranges,
            here: vec![false; ranges.len()],
        }
    }

    /// Notes a part that has come: every range inside it.
    fn came(&mut self, part: &Range<u64>) {
        let first = self.ranges.partition_point(|it| it.start < part.start);
        for (range, here) in self.ranges.iter().zip(&mut self.here).skip(first) {
            if range.end > part.end {
                break;
            }
            *here = true;
        }
    }

    fn are_all_here(&self) -> bool {
        self.here.iter().all(|it| *it)
    }
}

/// Reads `Content-Range: bytes 5-9/10`, whose total may be unknown.
///
/// # Spec
/// RFC 9110, 14.4.
pub(super) fn content_range(text: &str) -> Option<Range<u64>> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.trim().split_once('-')?;
    let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    let end = last.checked_add(1)?;
    let fits = match total.trim() {
        "*" => true,
        total => end <= total.parse().ok()?,
    };
    (first < end && fits).then_some(first..end)
}

/// Returns the boundary in a content type.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    let boundary = parameters.filter_map(|it| {
        let (name, value) = it.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    });
    let boundary = boundary.map(|it| it.trim().trim_matches('"')).next()?;
    (1..=200).contains(&boundary.len()).then_some(boundary)
}

/// A body of several ranges that is arriving.
///
/// # Spec
/// RFC 9110, 14.6; RFC 2046, 5.1.
#[derive(Debug)]
pub(super) struct Byteranges<'a> {
    boundary: String,
    asked: Asked<'a>,
    state: State,
    line: Vec<u8>, // of the line under way
    lines: usize,  // bytes of lines since the last part
    parts: usize,
}

#[derive(Debug)]
enum State {
    /// Before a boundary.
    Between,
    /// In the headers of a part, of which one has said where it is.
    Headers(Option<Range<u64>>),
    /// In a part, of which that is left.
    Part(Range<u64>),
    /// Behind the last boundary.
    End,
}

const BROKEN: &str = "the response with several ranges is no valid multipart/byteranges";
pub(super) const LACKING: &str = "the response lacks ranges that were asked for";

impl<'a> Byteranges<'a> {
    pub(super) fn new(boundary: &str, asked: Asked<'a>) -> Self {
        Self {
            boundary: format!("--{boundary}"),
            asked,
            state: State::Between,
            line: Vec::new(),
            lines: 0,
            parts: 0,
        }
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// Fails if the body is not as it should be, has more parts than were asked for, or headers without an end.
    pub(super) fn update(
        &mut self,
        mut bytes: &[u8],
        take: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::End => return Ok(()),
                State::Part(left) => {
                    let length = usize::try_from(left.end - left.start).unwrap_or(usize::MAX);
                    let (part, rest) = bytes.split_at(length.min(bytes.len()));
                    take(left.start, part);
                    left.start += part.len() as u64;
                    if left.is_empty() {
                        self.state = State::Between;
                    }
                    rest
                }
                State::Between | State::Headers(_) => self.line(bytes)?,
            };
        }
        Ok(())
    }

    /// Takes bytes up to the end of a line, and returns the rest.
    fn line<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], &'static str> {
        let end = bytes.iter().position(|it| *it == b'\n');
        let length = end.map_or(bytes.len(), |end| end + 1);
        self.lines += length;
        if self.lines > MAX_LINES {
            return Err(BROKEN);
        }
        let (line, rest) = bytes.split_at(length);
        self.line.extend_from_slice(line);
        if end.is_some() || self.is_last() {
            let line = std::mem::take(&mut self.line);
            self.judge(line.trim_ascii_end())?;
        }
        Ok(rest)
    }

    /// Returns `true` if the line under way is the last boundary, which need not end.
    fn is_last(&self) -> bool {
        matches!(self.state, State::Between)
            && self.line.strip_prefix(self.boundary.as_bytes()) == Some(b"--")
    }

    fn judge(&mut self, line: &[u8]) -> Result<(), &'static str> {
        match &mut self.state {
            State::Between => match line.strip_prefix(self.boundary.as_bytes()) {
                Some(b"") if self.parts == self.asked.ranges.len() => return Err(BROKEN),
                Some(b"") => {
                    self.parts += 1;
                    self.state = State::Headers(None);
                }
                Some(b"--") => self.state = State::End,
                // What is before the first boundary has no meaning.
                _ => {}
            },
            State::Headers(range) if line.is_empty() => {
                let range = range.take().ok_or(BROKEN)?;
                self.asked.came(&range);
                self.state = State::Part(range);
                self.lines = 0;
            }
            State::Headers(range) => {
                let line = str::from_utf8(line).map_err(|_| BROKEN)?;
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-range")
                {
                    *range = Some(content_range(value).ok_or(BROKEN)?);
                }
            }
            State::Part(_) | State::End => {}
        }
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    /// Fails if it ends too early, or without some of the ranges.
    pub(super) fn finish(self) -> Result<(), &'static str> {
        match self.state {
            State::End if self.asked.are_all_here() => Ok(()),
            State::End => Err(LACKING),
            _ => Err(BROKEN),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use proptest::prelude::*;

    use super::*;

    fn read(
        body: &[u8],
        step: usize,
        asked: &[Range<u64>],
    ) -> Result<Vec<(u64, u8)>, &'static str> {
        let mut parts = Byteranges::new("B", Asked::new(asked));
        let mut read = Vec::new();
        for bytes in body.chunks(step.max(1)) {
            parts.update(bytes, &mut |at, bytes| {
                read.extend((at..).zip(bytes.iter().copied()));
            })?;
        }
        parts.finish()?;
        Ok(read)
    }

    /// As servers in Go write it.
    const BODY: &[u8] = b"--B\r\nContent-Range: bytes 2-4/20\r\nContent-Type: application/octet-stream\r\n\r\n\
        \r\n-\r\n--B\r\nContent-Type: application/octet-stream\r\ncontent-range:bytes 9-9/*\r\n\r\nx\r\n--B--\r\n";

    #[test]
    fn parts_are_read_whatever_the_pieces() {
        let expected = vec![(2, b'\r'), (3, b'\n'), (4, b'-'), (9, b'x')];
        for step in 1..BODY.len() {
            assert_eq!(
                read(BODY, step, &[2..5, 9..10]),
                Ok(expected.clone()),
                "{step}"
            );
        }
        // The last line need not end, and there may be words before the first.
        let end = BODY.len() - 2;
        assert_eq!(read(&BODY[..end], 7, &[2..5, 9..10]), Ok(expected.clone()));
        let preface = [b"preface\r\n".as_slice(), BODY].concat();
        assert_eq!(read(&preface, 7, &[2..5, 9..10]), Ok(expected));
    }

    #[test]
    fn what_is_broken_or_lacks_a_range_is_refused() {
        assert_eq!(read(BODY, 7, &[2..5, 8..10]), Err(LACKING));
        let first = 2..5;
        assert_eq!(
            read(BODY, 7, slice::from_ref(&first)),
            Err(BROKEN),
            "more parts than asked for"
        );
        for end in 1..BODY.len() - 4 {
            assert_eq!(read(&BODY[..end], 7, &[2..5, 9..10]), Err(BROKEN), "{end}");
        }
        let endless = [b"--B\r\n".as_slice(), &b"X: y\r\n".repeat(2_000)].concat();
        assert_eq!(read(&endless, 1_000, &[2..5, 9..10]), Err(BROKEN));
        let nowhere = b"--B\r\n\r\nabc\r\n--B--";
        let first = 0..3;
        assert_eq!(read(nowhere, 7, slice::from_ref(&first)), Err(BROKEN));
    }

    #[test]
    fn content_ranges_and_boundaries() {
        for (text, expected) in [
            ("bytes 5-9/10", Some(5..10)),
            ("bytes 0-0/*", Some(0..1)),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes */10", None),
            ("bytes 0-18446744073709551615/*", None),
            ("items 5-9/10", None),
            ("", None),
        ] {
            assert_eq!(content_range(text), expected, "{text}");
        }
        for (text, expected) in [
            ("multipart/byteranges; boundary=a:b", Some("a:b")),
            ("multipart/byteranges; x=y; Boundary=\"a b\"", Some("a b")),
            ("multipart/byteranges", None),
            ("multipart/byteranges; boundary=", None),
        ] {
            assert_eq!(boundary(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in "(--B\r\n|--B--|Content-Range: bytes [0-9]{1,3}-[0-9]{1,3}/9\r\n|\r\n|x){0,20}") {
            let _ = read(body.as_bytes(), 5, &[0..3, 5..6]);
        }
    }
}
