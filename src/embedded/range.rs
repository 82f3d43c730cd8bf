//! The two range grammars: `Range` of HTTP on the way down, and the specification's own `Content-Range` on the way up.

/// What a `Range` header requests of content of a known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: no range, one that HTTP says to ignore (another unit, not the grammar), or several that are more than all.
    Whole,
    /// One part.
    Part(Part),
    /// Several, in the order in which they are asked for.
    Parts(Vec<Part>),
    /// Nothing that exists.
    Unsatisfiable,
}

/// From the first to the last byte, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Part {
    /// Returns the number of bytes.
    pub(super) const fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// Reads a `Range` header.
///
/// # Spec
/// RFC 9110, section 14: `bytes=a-b`, `bytes=a-`, `bytes=-n`, or several of them with commas between. The RFC lets a server
/// ignore or reject an invalid one: one whose end is before its start is rejected, whatever else is not the grammar is
/// ignored. Of several, those that do not exist are left out; if the others are more than the content, all of it is sent, as
/// servers in Go do it.
pub(super) fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let Some(ranges) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let mut parts = Vec::new();
    for range in ranges.split(',') {
        match part(range.trim(), length) {
            Some(Some(part)) => parts.push(part),
            Some(None) => {}
            None => return Wanted::Whole,
        }
    }
    let all: u128 = parts.iter().map(|it| u128::from(it.length())).sum();
    match parts[..] {
        [] => Wanted::Unsatisfiable,
        [part] => Wanted::Part(part),
        _ if all > u128::from(length) => Wanted::Whole,
        _ => Wanted::Parts(parts),
    }
}

/// Reads one range: `None` if it is none, `Some(None)` if there is nothing of it.
#[expect(clippy::option_option, reason = "no range, and a range of nothing")]
fn part(range: &str, length: u64) -> Option<Option<Part>> {
    let (first, last) = range.split_once('-')?;
    Some(match (first, last) {
        ("", suffix) => match number(suffix)? {
            0 => None,
            _ if length == 0 => None,
            suffix => Some(Part {
                first: length.saturating_sub(suffix),
                last: length - 1,
            }),
        },
        (first, last) => {
            let last = if last.is_empty() {
                u64::MAX
            } else {
                number(last)?
            };
            let first = number(first)?;
            (first <= last && first < length).then(|| Part {
                first,
                last: last.min(length - 1),
            })
        }
    })
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
        let part = |first, last| Wanted::Part(Part { first, last });
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
            ("bytes=0-1,3-4,", Wanted::Whole),
            ("bytes=0-1,x", Wanted::Whole),
            ("bytes=10-11,20-", Wanted::Unsatisfiable),
            ("bytes=3-4, 10-11", part(3, 4)),
            // Eleven bytes of ten.
            ("bytes=0-5,5-9", Wanted::Whole),
            ("bytes=+1-4", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        let parts = |header| match wanted(Some(header), 10) {
            Wanted::Parts(parts) => parts.iter().map(|it| (it.first, it.last)).collect(),
            _ => Vec::new(),
        };
        assert_eq!(parts("bytes=0-1,3-4"), [(0, 1), (3, 4)]);
        assert_eq!(parts("bytes=7-, 0-0,99-"), [(7, 9), (0, 0)]);
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
            if let Wanted::Part(Part { first, last }) = wanted(Some(&text), length) {
                prop_assert!(first <= last && last < length);
            }
        }

        #[test]
        fn several_parts_are_no_more_than_the_content(
            text in "bytes=([0-9]{0,3}-[0-9]{0,3},){0,5}[0-9]{0,3}-[0-9]{0,3}",
            length in 0_u64..2_000,
        ) {
            if let Wanted::Parts(parts) = wanted(Some(&text), length) {
                prop_assert!(parts.len() > 1);
                prop_assert!(parts.iter().all(|it| it.first <= it.last && it.last < length));
                prop_assert!(parts.iter().map(|it| it.length()).sum::<u64>() <= length);
            }
        }
    }
}
