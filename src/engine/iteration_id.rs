//! The identity of an iteration, from which everything that it does is drawn.

use crate::content::Salt;

/// The identity of an iteration within a run. What it does follows from it and the seed alone, whichever user and
/// worker it falls to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct IterationId {
    /// A closed user, or what a load numbers by itself: its arrivals, or the iterations that its users share.
    lane: u64,
    /// Counted from 0.
    number: u64,
}

/// Marks the lanes of loads, which those of users never have.
const OF_LOAD: u64 = 1 << 63;

impl IterationId {
    /// Returns the id of an iteration of a closed user, counted over all loads. Each part of a run that is made of several has lanes
    /// of its own: what is pushed once must not be pushed again.
    pub(super) const fn of_user(trial: u32, vu: u64, number: u64) -> Self {
        Self {
            lane: ((trial as u64) << 40) | vu,
            number,
        }
    }

    /// Returns the id of an iteration that is numbered within its load, in the same way: an arrival, or one of those that
    /// users share.
    pub(super) const fn of_load(trial: u32, load: usize, number: u64) -> Self {
        Self {
            lane: OF_LOAD | ((trial as u64) << 24) | load as u64,
            number,
        }
    }

    /// Returns its stream.
    pub(super) const fn lane(self) -> u64 {
        self.lane
    }

    /// Returns the user, counted over all loads, whichever part of the run it is in; `None` if the load numbers the iteration.
    pub(super) const fn user(self) -> Option<u64> {
        if self.lane & OF_LOAD == 0 {
            Some(self.lane & ((1 << 40) - 1))
        } else {
            None
        }
    }

    /// Returns its number in the stream.
    pub(super) const fn number(self) -> u64 {
        self.number
    }

    /// Returns the salt that makes its content differ from that of any other iteration.
    pub(super) const fn salt(self, run: u64) -> Salt {
        Salt {
            run,
            vu: self.lane,
            iteration: self.number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_streams_share_a_lane() {
        let lanes = [
            IterationId::of_user(0, 0, 0),
            IterationId::of_user(0, 1_000_000, 0),
            IterationId::of_user(1, 0, 0),
            IterationId::of_user(1 << 22, 0, 0),
            IterationId::of_load(0, 0, 0),
            IterationId::of_load(0, 1, 0),
            IterationId::of_load(1, 0, 0),
        ]
        .map(IterationId::lane);
        for (index, lane) in lanes.iter().enumerate() {
            assert!(!lanes[..index].contains(lane));
        }
    }
}
