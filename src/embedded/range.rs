//! The two range grammars: `Range` of HTTP on the way down, and the specification's own `Content-Range` on the way up.

/// What a `Range` header requests of content of a known length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: no range, or one that HTTP says to ignore (another unit, several ranges, not the grammar).
    Whole,
    /// From the first to the last byte, both inclusive.
    Part { first: u64, last: u64 },
    /// Nothing that exists.
    Unsatisfiable,
}

/// Reads a `Range` header.
///
/// # Spec
/// RFC 9110, section 14: `bytes=a-b`, `bytes=a-`, `bytes=-n`. The RFC lets a server ignore or reject an invalid one:
/// one whose end is before its start is rejected, whatever else is not the grammar is ignored.
pub(super) fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let Some((first, last)) = header
        .and_then(|text| text.trim().strip_prefix("bytes="))
        .and_then(|text| text.trim().split_once('-'))
    else {
        return Wanted::Whole;
    };
    match (first, last) {
        ("", suffix) => match number(suffix) {
            None => Wanted::Whole,
            Some(0) => Wanted::Unsatisfiable,
            Some(_) if length == 0 => Wanted::Unsatisfiable,
            Some(suffix) => Wanted::Part {
                first: length.saturating_sub(suffix),
                last: length - 1,
            },
        },
        (first, last) => {
            let last = if last.is_empty() {
                Some(u64::MAX)
            } else {
                number(last)
            };
            match (number(first), last) {
                (Some(first), Some(last)) if first > last => Wanted::Unsatisfiable,
                (Some(first), Some(_)) if first >= length => Wanted::Unsatisfiable,
                (Some(first), Some(last)) => Wanted::Part {
                    first,
                    last: last.min(length - 1),
                },
                _ => Wanted::Whole,
            }
        }
    }
}

/// The place of a chunk in a blob, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkRange {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl ChunkRange {
    /// Reads `<start>-<end>`: no unit and no total, contrary to HTTP.
    ///
    /// # Spec
    /// distribution-spec, "Pushing a blob in chunks": `^[0-9]+-[0-9]+$`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(Self { first, last })
    }

    /// Returns the number of bytes; `None` only for a chunk of 2^64 bytes.
    pub(super) const fn length(self) -> Option<u64> {
        (self.last - self.first).checked_add(1)
    }
}

/// Digits only: `u64::from_str` would also take a plus sign.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_follow_the_rfc() {
        let part = |first, last| Wanted::Part { first, last };
        for (header, expected) in [
            ("bytes=0-0", part(0, 0)),
            ("bytes=2-5", part(2, 5)),
            ("bytes=2-", part(2, 9)),
            ("bytes=2-99", part(2, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-99", part(0, 9)),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=5-2", Wanted::Unsatisfiable),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=+1-4", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=-5"), 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn chunk_ranges_have_no_unit() {
        assert_eq!(
            ChunkRange::parse("0-9"),
            Some(ChunkRange { first: 0, last: 9 })
        );
        assert_eq!(
            ChunkRange::parse("0-9").and_then(ChunkRange::length),
            Some(10)
        );
        for bad in [
            "bytes 0-9/10",
            "bytes=0-9",
            "0-",
            "-9",
            "9-0",
            "0-9/10",
            "+0-9",
            " 0-9",
            "a-b",
        ] {
            assert_eq!(ChunkRange::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_inside_the_content(text in "bytes=[0-9]{0,20}-[0-9]{0,20}", length: u64) {
            if let Wanted::Part { first, last } = wanted(Some(&text), length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
