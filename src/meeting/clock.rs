//! How far apart two clocks are, from questions and answers.

use std::time::Duration;

use tokio::time::Instant;

use crate::result::ClockError;

/// The best of some questions: how much a guest's clock is ahead of the host's, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Best {
    round_trip: Duration,
    ahead_ns: i128,
}

/// What was heard of a guest's clock.
#[derive(Debug)]
pub(super) struct ClockBook {
    epoch: Instant, // of the host's clock
    before: Option<Best>,
    since: Option<Best>,
    started: bool,
}

impl ClockBook {
    pub(super) const fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            before: None,
            since: None,
            started: false,
        }
    }

    /// A question was asked and answered: the guest's clock said `theirs` in between.
    pub(super) fn heard(&mut self, asked: Instant, answered: Instant, theirs: u64) {
        let round_trip = answered.duration_since(asked);
        let middle = self.nanos(asked) + (round_trip.as_nanos() / 2).cast_signed();
        let new = Best {
            round_trip,
            ahead_ns: i128::from(theirs) - middle,
        };
        let best = if self.started {
            &mut self.since
        } else {
            &mut self.before
        };
        if best.is_none_or(|it| new.round_trip < it.round_trip) {
            *best = Some(new);
        }
    }

    fn nanos(&self, instant: Instant) -> i128 {
        match instant.checked_duration_since(self.epoch) {
            Some(later) => later.as_nanos().cast_signed(),
            None => -self.epoch.duration_since(instant).as_nanos().cast_signed(),
        }
    }

    /// Returns what the guest's clock says at a moment of the host's; `None` before an answer.
    pub(super) fn theirs(&self, instant: Instant) -> Option<u64> {
        let best = self.before?;
        u64::try_from(self.nanos(instant) + best.ahead_ns).ok()
    }

    /// From now on answers say how the clock drifts.
    pub(super) const fn start(&mut self) {
        self.started = true;
    }

    /// Returns how well the clock is known.
    pub(super) fn error(&self) -> ClockError {
        let Some(before) = self.before else {
            return ClockError::default();
        };
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let drift = self
            .since
            .map_or(0, |since| since.ahead_ns - before.ahead_ns);
        ClockError {
            round_trip_us: micros(before.round_trip),
            error_us: micros(before.round_trip).div_ceil(2),
            drift_us: i64::try_from(drift / 1_000).unwrap_or(i64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_answer_says_how_far_apart_the_clocks_are() {
        let epoch = Instant::now();
        let at = |micros| epoch + Duration::from_micros(micros);
        let mut book = ClockBook::new(epoch);
        assert_eq!(book.theirs(at(0)), None);
        // The guest's clock is 5 s ahead. The answer takes as long as the question, but for the slow one.
        let theirs = |micros: u64| 5_000_000_000 + micros * 1_000;
        book.heard(at(100), at(500), theirs(300));
        book.heard(at(1_000), at(9_000), theirs(1_100));
        assert_eq!(book.theirs(at(2_000_000)), Some(theirs(2_000_000)));
        book.start();
        // It has gained 30 µs after that.
        book.heard(at(60_000_000), at(60_000_200), theirs(60_000_130));
        let wanted = ClockError {
            round_trip_us: 400,
            error_us: 200,
            drift_us: 30,
        };
        assert_eq!(book.error(), wanted);
        // What the start was reckoned by stays.
        assert_eq!(book.theirs(at(0)), Some(theirs(0)));
    }

    #[test]
    fn a_way_that_takes_longer_than_the_other_is_half_of_the_difference() {
        let epoch = Instant::now();
        let at = |micros| epoch + Duration::from_micros(micros);
        let mut book = ClockBook::new(epoch);
        // 1 ms there, 3 ms back, clocks alike.
        book.heard(at(0), at(4_000), 1_000_000);
        let off = i128::from(book.theirs(at(10_000)).unwrap()) - 10_000_000;
        assert_eq!(off, -1_000_000);
        assert_eq!(book.error().error_us, 2_000);
    }
}
