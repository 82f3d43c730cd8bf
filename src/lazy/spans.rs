//! The parts of a blob that are here: a set of ranges.

use std::ops::Range;

/// The parts of a blob that are here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans(Vec<Range<u64>>); // sorted, none empty, none touching another

impl Spans {
    /// Returns what is not here of a range, in order.
    pub fn missing(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut missing = Vec::new();
        let mut from = range.start;
        let first = self.0.partition_point(|it| it.end <= range.start);
        for here in &self.0[first..] {
            if here.start >= range.end {
                break;
            }
            if from < here.start {
                missing.push(from..here.start);
            }
            from = here.end;
        }
        if from < range.end {
            missing.push(from..range.end);
        }
        missing
    }

    /// Adds a range.
    pub fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|it| it.end < range.start);
        let behind = self.0.partition_point(|it| it.start <= range.end);
        let touched = &self.0[first..behind];
        let start = touched
            .first()
            .map_or(range.start, |it| it.start.min(range.start));
        let end = touched.last().map_or(range.end, |it| it.end.max(range.end));
        self.0.splice(first..behind, std::iter::once(start..end));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_missing_is_what_was_not_added(
            added in prop::collection::vec((0_u64..64, 0_u64..12), 0..12),
            (start, length) in (0_u64..64, 0_u64..40),
        ) {
            let mut spans = Spans::default();
            let mut here = [false; 128];
            for (start, length) in added {
                spans.add(start..start + length);
                for at in start..start + length {
                    here[usize::try_from(at).unwrap()] = true;
                }
            }
            let missing = spans.missing(start..start + length);
            let mut expected = Vec::new();
            for at in start..start + length {
                if !here[usize::try_from(at).unwrap()] {
                    expected.push(at);
                }
            }
            prop_assert!(missing.windows(2).all(|pair| pair[0].end < pair[1].start));
            let missing: Vec<u64> = missing.into_iter().flatten().collect();
            prop_assert_eq!(missing, expected);
        }
    }
}
