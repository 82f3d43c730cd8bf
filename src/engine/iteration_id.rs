//! The identity of an iteration, from which everything that it does is drawn, and the iterations that a run has begun.

use std::cell::RefCell;
use std::rc::Rc;

use crate::content::Salt;
use crate::plan::{IterationsOf, StoredIterations};

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

/// The iterations that have begun, of one user or of one worker's part of a load, and which of them have stored
/// something.
#[derive(Debug, Clone)]
pub(super) enum Begun {
    /// Those of a closed user.
    Of(OfUser),
    /// Some of those that a load numbers.
    OfLoad(OfLoad),
}

/// The iterations of a closed user: the first so many.
#[derive(Debug, Clone)]
pub(super) struct OfUser {
    pub(super) trial: u32,
    pub(super) vu: u64,
    /// How many have begun.
    pub(super) count: u64,
    stored: Option<Bits>,
}

/// Every `lanes`-th of the iterations that a load numbers.
#[derive(Debug, Clone)]
pub(super) struct OfLoad {
    pub(super) trial: u32,
    pub(super) load: usize,
    pub(super) lane: u64,
    pub(super) lanes: u64,
    /// How many have begun.
    count: u64,
    stored: Option<Bits>,
}

/// What one worker's part of a load has begun, written by its users.
pub(super) type SharedOfLoad = Rc<RefCell<OfLoad>>;

/// Numbers, a bit for each; kept only for clean-up.
#[derive(Debug, Clone, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, number: u64) {
        // The number of an iteration that has ended fits into memory as a bit.
        let word = usize::try_from(number / 64).unwrap_or(usize::MAX);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0_u64..).zip(&self.0).flat_map(|(word, bits)| {
            let set = (0..64).filter(move |bit| bits >> bit & 1 == 1);
            set.map(move |bit| word * 64 + bit)
        })
    }
}

impl OfUser {
    pub(super) fn new(trial: u32, vu: u64, keep: bool) -> Self {
        Self {
            trial,
            vu,
            count: 0,
            stored: keep.then(Bits::default),
        }
    }

    /// Notes that the last one that has begun has stored something.
    pub(super) fn stored(&mut self) {
        if let (Some(stored), Some(last)) = (&mut self.stored, self.count.checked_sub(1)) {
            stored.set(last);
        }
    }
}

impl OfLoad {
    pub(super) fn new(trial: u32, load: usize, (lane, lanes): (u64, u64), keep: bool) -> Self {
        Self {
            trial,
            load,
            lane,
            lanes,
            count: 0,
            stored: keep.then(Bits::default),
        }
    }

    /// Counts one that begins.
    pub(super) const fn begin(&mut self) {
        self.count += 1;
    }

    /// Notes that one has stored something.
    pub(super) fn stored(&mut self, index: u64) {
        if let Some(stored) = &mut self.stored {
            stored.set((index - self.lane) / self.lanes);
        }
    }
}

impl Begun {
    /// Returns how many have begun.
    pub(super) const fn count(&self) -> u64 {
        match self {
            Self::Of(OfUser { count, .. }) | Self::OfLoad(OfLoad { count, .. }) => *count,
        }
    }

    /// Returns each of them that has stored something, if that was kept.
    pub(super) fn stored(&self) -> Box<dyn Iterator<Item = IterationId> + '_> {
        match self {
            Self::Of(OfUser {
                trial, vu, stored, ..
            }) => {
                let numbers = stored.iter().flat_map(Bits::iter);
                Box::new(numbers.map(|number| IterationId::of_user(*trial, *vu, number)))
            }
            Self::OfLoad(of_load) => {
                let places = of_load.stored.iter().flat_map(Bits::iter);
                Box::new(places.map(|place| {
                    let index = of_load.lane + place * of_load.lanes;
                    IterationId::of_load(of_load.trial, of_load.load, index)
                }))
            }
        }
    }
}

/// Returns what another process is told of those of a load that have stored something; `None` if none has.
pub(super) fn told(load: usize, begun: &Begun) -> Option<StoredIterations> {
    let (trial, of, stored) = match begun {
        Begun::Of(it) => (it.trial, IterationsOf::User(it.vu), &it.stored),
        Begun::OfLoad(it) => {
            let (lane, lanes) = (it.lane, it.lanes);
            (it.trial, IterationsOf::Load { lane, lanes }, &it.stored)
        }
    };
    let mut numbers: Vec<(u64, u64)> = Vec::new();
    for number in stored.iter().flat_map(Bits::iter) {
        match numbers.last_mut() {
            Some((first, count)) if *first + *count == number => *count += 1,
            _ => numbers.push((number, 1)),
        }
    }
    (!numbers.is_empty()).then_some(StoredIterations {
        load,
        trial,
        of,
        numbers,
    })
}

/// Returns the ids of iterations that another process has told of.
pub(super) fn heard(told: &StoredIterations) -> impl Iterator<Item = IterationId> + '_ {
    let runs = told.numbers.iter();
    let numbers = runs.flat_map(|(first, count)| *first..first.saturating_add(*count));
    numbers.map(|number| match told.of {
        IterationsOf::User(vu) => IterationId::of_user(told.trial, vu, number),
        IterationsOf::Load { lane, lanes } => {
            let number = lane.saturating_add(number.saturating_mul(lanes));
            IterationId::of_load(told.trial, told.load, number)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_that_stored_something_are_found_again() {
        // Lane 1 of 3: 1, 4, 7, ...; those that were dropped or came to nothing are not in it.
        let mut arrivals = OfLoad::new(2, 5, (1, 3), true);
        let stored = [1, 7, 190, 193, 400];
        for index in stored {
            arrivals.begin();
            arrivals.stored(index);
        }
        arrivals.begin();
        let begun = Begun::OfLoad(arrivals);
        assert_eq!(begun.count(), 6);
        let ids: Vec<IterationId> = begun.stored().collect();
        assert_eq!(ids, stored.map(|it| IterationId::of_load(2, 5, it)));
    }

    #[test]
    fn iterations_of_a_user_that_stored_something_are_found_again() {
        let run = |keep| {
            let mut user = OfUser::new(3, 8, keep);
            user.stored(); // before the first there is none
            for number in 0..200 {
                user.count += 1;
                if [0, 63, 64, 199].contains(&number) {
                    user.stored();
                }
            }
            let begun = Begun::Of(user);
            assert_eq!(begun.count(), 200);
            begun.stored().collect::<Vec<_>>()
        };
        assert_eq!(
            run(true),
            [0, 63, 64, 199].map(|it| IterationId::of_user(3, 8, it))
        );
        assert_eq!(run(false), []);
    }

    #[test]
    fn another_process_hears_of_the_same_iterations() {
        let mut user = OfUser::new(3, 8, true);
        let mut of_load = OfLoad::new(3, 1, (2, 5), true);
        for number in 0..100 {
            user.count += 1;
            of_load.begin();
            if number < 70 || number == 90 {
                user.stored();
                of_load.stored(2 + 5 * number);
            }
        }
        for begun in [Begun::Of(user), Begun::OfLoad(of_load)] {
            let told = told(1, &begun).unwrap();
            assert_eq!(told.numbers, [(0, 70), (90, 1)]);
            let ids: Vec<_> = begun.stored().collect();
            assert_eq!(heard(&told).collect::<Vec<_>>(), ids);
            assert_eq!(ids.len(), 71);
        }
        assert_eq!(told(0, &Begun::Of(OfUser::new(0, 0, true))), None);
    }

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
