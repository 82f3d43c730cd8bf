//! Which iteration it is: the number from which everything that it does is drawn, and the numbers a run has used.

use crate::content::Salt;

/// The identity of an iteration within a run. What it does follows from it and the seed alone, whichever user and
/// worker it falls to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Turn {
    /// A closed user, or the stream of arrivals of an open load.
    lane: u64,
    /// Counted from 0.
    number: u64,
}

/// What sets the lanes of arrivals apart from those of users.
const ARRIVALS: u64 = 1 << 63;

impl Turn {
    /// An iteration of a closed user, counted over all loads. Each part of a run that is made of several has lanes of its
    /// own: what is pushed once must not be pushed again.
    pub(super) const fn of_user(trial: u32, vu: u64, number: u64) -> Self {
        Self {
            lane: ((trial as u64) << 40) | vu,
            number,
        }
    }

    /// An arrival of an open load, in the same way.
    pub(super) const fn of_arrival(trial: u32, load: usize, number: u64) -> Self {
        Self {
            lane: ARRIVALS | ((trial as u64) << 24) | load as u64,
            number,
        }
    }

    /// The stream that it is of.
    pub(super) const fn lane(self) -> u64 {
        self.lane
    }

    /// Its number in the stream.
    pub(super) const fn number(self) -> u64 {
        self.number
    }

    /// What makes its content differ from that of any other iteration.
    pub(super) const fn salt(self, run: u64) -> Salt {
        Salt {
            run,
            vu: self.lane,
            iteration: self.number,
        }
    }
}

/// The iterations that have begun, of one user or of one worker's part of an open load.
#[derive(Debug, Clone)]
pub(super) enum Begun {
    /// The first so many of a closed user.
    Of { trial: u32, vu: u64, count: u64 },
    /// Some of the arrivals of an open load.
    Arrivals(Arrivals),
}

/// Every `lanes`-th arrival of an open load, a bit for each that has begun.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    pub(super) trial: u32,
    pub(super) load: usize,
    pub(super) lane: u64,
    pub(super) lanes: u64,
    /// How many have begun.
    count: u64,
    /// Which; kept only when somebody will ask.
    which: Option<Vec<u64>>,
}

impl Arrivals {
    pub(super) fn new(trial: u32, load: usize, (lane, lanes): (u64, u64), keep: bool) -> Self {
        Self {
            trial,
            load,
            lane,
            lanes,
            count: 0,
            which: keep.then(Vec::new),
        }
    }

    /// That arrival begins.
    pub(super) fn begin(&mut self, index: u64) {
        self.count += 1;
        if let Some(which) = &mut self.which {
            let place = (index - self.lane) / self.lanes;
            // The index of an arrival that has come fits into memory as a bit.
            let word = usize::try_from(place / 64).unwrap_or(usize::MAX);
            if which.len() <= word {
                which.resize(word + 1, 0);
            }
            which[word] |= 1 << (place % 64);
        }
    }
}

impl Begun {
    /// How many.
    pub(super) const fn count(&self) -> u64 {
        match self {
            Self::Of { count, .. } | Self::Arrivals(Arrivals { count, .. }) => *count,
        }
    }

    /// Each of them; of arrivals only if they were kept.
    pub(super) fn turns(&self) -> Box<dyn Iterator<Item = Turn> + '_> {
        match self {
            Self::Of { trial, vu, count } => {
                Box::new((0..*count).map(|it| Turn::of_user(*trial, *vu, it)))
            }
            Self::Arrivals(arrivals) => {
                let words = arrivals.which.iter().flatten();
                let bits = (0_u64..).zip(words).flat_map(|(word, bits)| {
                    let set = (0..64).filter(move |bit| bits >> bit & 1 == 1);
                    set.map(move |bit| word * 64 + bit)
                });
                Box::new(bits.map(|place| {
                    let index = arrivals.lane + place * arrivals.lanes;
                    Turn::of_arrival(arrivals.trial, arrivals.load, index)
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_that_began_are_found_again() {
        // Lane 1 of 3: 1, 4, 7, ...; those dropped are not in it.
        let mut arrivals = Arrivals::new(2, 5, (1, 3), true);
        let begun = [1, 7, 190, 193, 400];
        for index in begun {
            arrivals.begin(index);
        }
        let begun_turns = Begun::Arrivals(arrivals);
        assert_eq!(begun_turns.count(), 5);
        let turns: Vec<Turn> = begun_turns.turns().collect();
        assert_eq!(turns, begun.map(|it| Turn::of_arrival(2, 5, it)));
    }

    #[test]
    fn no_two_streams_share_a_lane() {
        let lanes = [
            Turn::of_user(0, 0, 0),
            Turn::of_user(0, 1_000_000, 0),
            Turn::of_user(1, 0, 0),
            Turn::of_user(1 << 22, 0, 0),
            Turn::of_arrival(0, 0, 0),
            Turn::of_arrival(0, 1, 0),
            Turn::of_arrival(1, 0, 0),
        ]
        .map(Turn::lane);
        for (index, lane) in lanes.iter().enumerate() {
            assert!(!lanes[..index].contains(lane));
        }
    }
}
