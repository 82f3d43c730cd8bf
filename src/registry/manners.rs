//! How the transfer of a layer misbehaves on purpose, drawn from the seed.

use std::time::Duration;

use super::client::Client;
use crate::profile::Misbehave;
use crate::units::ByteSize;

/// The pieces into which a second of a slow transfer is divided.
const PIECES: u64 = 8;

/// How one transfer misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    pub(super) abort_at: Option<u64>, // bytes
    pub(super) resume: bool,
    pub(super) stall: Option<(u64, Duration)>, // after so many bytes
    pub(super) rate: Option<u64>,              // bytes per second
}

impl Manners {
    /// Whether the client goes on after it has broken the transfer off.
    pub const fn resume(self) -> bool {
        self.resume
    }

    /// After how many bytes the transfer is broken off.
    pub const fn abort_at(self) -> Option<u64> {
        self.abort_at
    }

    /// The same transfer when it goes on after a break.
    #[must_use]
    pub const fn unbroken(self) -> Self {
        Self {
            abort_at: None,
            ..self
        }
    }

    /// The same for the bytes from there on, as a transfer of its own that is not broken off.
    #[must_use]
    pub fn rest_from(self, start: u64) -> Self {
        let stall = self.stall.filter(|(at, _)| *at >= start);
        Self {
            stall: stall.map(|(at, time)| (at - start, time)),
            ..self.unbroken()
        }
    }

    pub(super) const fn is_slow(self) -> bool {
        self.stall.is_some() || self.rate.is_some()
    }

    /// How many of the next bytes pass before something happens.
    pub(super) fn most(&self, passed: u64, length: usize) -> usize {
        let until = |at: u64| at.checked_sub(passed).filter(|rest| *rest > 0);
        let marks = [
            self.abort_at.and_then(until),
            self.stall.and_then(|(at, _)| until(at)),
            self.rate.map(|rate| (rate / PIECES).max(1)),
        ];
        let most = marks.into_iter().flatten().min();
        most.and_then(|most| usize::try_from(most).ok())
            .map_or(length, |most| most.min(length))
    }
}

impl Client {
    /// Starts the draws of an iteration: which of its transfers misbehave follows from this number.
    pub fn start_draws(&self, number: u64) {
        self.inner.draws.set(number);
    }

    /// Draws whether one of that share is meant.
    pub fn draws(&self, share: f64) -> bool {
        if share <= 0.0 {
            return false;
        }
        // SplitMix64.
        let state = self.inner.draws.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.inner.draws.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let drawn = (z >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < share
    }

    /// Draws how the download of a layer of that size misbehaves; `None`: not at all.
    pub fn read_manners(&self, size: u64) -> Option<Manners> {
        let misbehave = &self.habits().misbehave;
        self.manners(misbehave, misbehave.read_rate, size)
    }

    /// Draws how the upload of a layer of that size misbehaves; `None`: not at all.
    pub fn write_manners(&self, size: u64) -> Option<Manners> {
        let misbehave = &self.habits().misbehave;
        self.manners(misbehave, misbehave.write_rate, size)
    }

    fn manners(&self, misbehave: &Misbehave, rate: Option<ByteSize>, size: u64) -> Option<Manners> {
        if misbehave.abort.is_none() && misbehave.stall.is_none() && rate.is_none() {
            return None;
        }
        let abort = misbehave.abort.filter(|it| self.draws(it.share));
        let stall = misbehave.stall.filter(|it| self.draws(it.share));
        let manners = Manners {
            abort_at: abort.map(|it| part(size, it.after)),
            resume: abort.is_some_and(|it| it.resume),
            stall: stall.map(|it| (part(size, it.after), it.time)),
            rate: rate.map(ByteSize::get),
        };
        let is_any = manners.abort_at.is_some() || manners.is_slow();
        is_any.then_some(manners)
    }
}

/// That share of a size.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a size is not below 0 and not above it"
)]
fn part(size: u64, share: f64) -> u64 {
    ((size as f64 * share) as u64).min(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_size_is_rounded_down() {
        assert_eq!([part(10, 0.0), part(10, 0.55), part(0, 0.5)], [0, 5, 0]);
    }
}
