//! How a body moves when a fault slows, stalls or cuts it.

use std::time::Duration;

use tokio::time::Instant;

/// How a connection ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// RST.
    Reset,
    /// FIN.
    Close,
}

/// For how long nothing moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// For so long.
    For(Duration),
    /// Until the client gives up.
    Forever,
}

/// What a body may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Move at most so many bytes; at least 1.
    Move(u64),
    /// Wait until then.
    Wait(Instant),
    /// Wait for ever.
    Hang,
    /// End the connection.
    Cut(Cut),
}

/// The bounds of one body.
#[derive(Debug, Default)]
pub(super) struct Pace {
    rate: Option<u64>, // bytes a second, at least 1
    stall: Option<(u64, Silence)>,
    cut: Option<(u64, Cut)>,
    began: Option<Instant>,
    stalled: Duration,
}

impl Pace {
    pub(super) fn slow_to(&mut self, rate: u64) {
        let rate = rate.max(1);
        self.rate = Some(self.rate.map_or(rate, |other| other.min(rate)));
    }

    pub(super) fn stall_at(&mut self, offset: u64, length: Silence) {
        self.stall.get_or_insert((offset, length));
    }

    pub(super) fn cut_at(&mut self, offset: u64, cut: Cut) {
        self.cut.get_or_insert((offset, cut));
    }

    /// Returns what to do when `moved` bytes have passed.
    pub(super) fn step(&mut self, moved: u64, now: Instant) -> Step {
        let began = *self.began.get_or_insert(now);
        let mut most = u64::MAX;
        if let Some((offset, cut)) = self.cut {
            if moved >= offset {
                return Step::Cut(cut);
            }
            most = offset - moved;
        }
        if let Some((offset, length)) = self.stall {
            if moved < offset {
                most = most.min(offset - moved);
            } else if let Silence::For(length) = length
                && let Some(until) = now.checked_add(length)
            {
                self.stall = None;
                self.stalled = length;
                return Step::Wait(until);
            } else {
                return Step::Hang;
            }
        }
        if let Some(rate) = self.rate {
            // In u128 the product cannot overflow; the quotient is cut at 2^64 ns, 584 years.
            let nanos = u128::from(moved) * 1_000_000_000 / u128::from(rate);
            let due = began
                + self.stalled
                + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            if now < due {
                return Step::Wait(due);
            }
            // Twenty slices a second look like a slow link and cost few timers.
            most = most.min((rate / 20).max(1));
        }
        Step::Move(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_waits_for_what_has_passed() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.slow_to(1000);
        pace.slow_to(2000);
        assert_eq!(pace.step(0, now), Step::Move(50));
        assert_eq!(
            pace.step(50, now),
            Step::Wait(now + Duration::from_millis(50))
        );
        assert_eq!(
            pace.step(50, now + Duration::from_millis(50)),
            Step::Move(50)
        );
    }

    #[test]
    fn a_cut_and_a_stall_come_at_their_byte() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.stall_at(10, Silence::For(Duration::from_secs(1)));
        pace.cut_at(30, Cut::Reset);
        assert_eq!(pace.step(0, now), Step::Move(10));
        assert_eq!(pace.step(10, now), Step::Wait(now + Duration::from_secs(1)));
        assert_eq!(pace.step(10, now), Step::Move(20));
        assert_eq!(pace.step(30, now), Step::Cut(Cut::Reset));
        let mut pace = Pace::default();
        pace.stall_at(0, Silence::Forever);
        assert_eq!(pace.step(0, now), Step::Hang);
        let mut pace = Pace::default();
        pace.stall_at(0, Silence::For(Duration::MAX));
        assert_eq!(pace.step(0, now), Step::Hang);
    }
}
