//! A part of the time of a load.

use std::time::Duration;

/// A part of the time of a load, from an instant until just before another; both since the load began, or the measured
/// window opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant that is in it.
    pub from: Duration,
    /// The first instant that is not in it any more; not before `from`.
    pub until: Duration,
}

impl Span {
    /// All of the time, up to its end whenever that is.
    pub const WINDOW: Self = Self {
        from: Duration::ZERO,
        until: Duration::MAX,
    };

    /// Returns `true` if the instant is in it. An empty span contains nothing.
    pub fn contains(self, instant: Duration) -> bool {
        self.from <= instant && instant < self.until
    }

    /// Returns how long it is.
    pub const fn length(self) -> Duration {
        self.until.saturating_sub(self.from)
    }

    /// Returns how much of it lies before that time: its length so far, or in a window that closed then.
    pub fn length_at(self, time: Duration) -> Duration {
        self.until.min(time).saturating_sub(self.from)
    }

    /// Spans of these lengths, one after the other.
    pub(super) fn chain(lengths: impl Iterator<Item = Duration>) -> Vec<Self> {
        lengths
            .scan(Duration::ZERO, |from, length| {
                let until = from.saturating_add(length);
                let span = Self { from: *from, until };
                *from = until;
                Some(span)
            })
            .collect()
    }
}

/// Returns the index of the stage to which an instant belongs.
///
/// Of stages that begin at the same instant it is the last, since the others are jumps. What comes after the end, such
/// as the end of an iteration that was under way, belongs to the last stage.
pub fn stage_at(stages: &[Span], instant: Duration) -> usize {
    stages
        .partition_point(|stage| stage.until <= instant)
        .min(stages.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_holds_no_instant() {
        let second = Duration::from_secs(1);
        let stages = Span::chain([second, Duration::ZERO, 2 * second].into_iter());
        let at = |millis| stage_at(&stages, Duration::from_millis(millis));
        assert_eq!([at(0), at(999), at(1_000), at(2_999)], [0, 0, 2, 2]);
        assert_eq!([at(3_000), at(9_000)], [2, 2]);
        assert_eq!(stage_at(&[], second), 0);
        assert!(!stages[1].contains(second) && stages[2].contains(second));
        assert_eq!(stages[2].length(), 2 * second);
    }
}
