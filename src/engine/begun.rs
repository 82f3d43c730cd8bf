//! The iterations that a run has begun, and which of them the registry has kept something of.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::iteration_id::IterationId;
use crate::plan::{IterationsOf, StoredIterations};

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
    stores: Option<Stores>,
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
    /// All that have ended are among the first so many.
    noted: u64,
    stores: Option<Stores>,
}

/// What one worker's part of a load has begun, written by its users.
pub(super) type SharedOfLoad = Rc<RefCell<OfLoad>>;

/// Whether the registry has kept something of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Kept {
    #[default]
    Nothing,
    /// It has, or it has responded and may have.
    Something,
    /// A request that stores was cut off before the response: the registry may be storing it yet.
    Unknown,
}

/// What came of an iteration, as far as that is noted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settled {
    pub(super) kept: Kept,
    /// It did what it is for: the registry has acknowledged all of it.
    pub(super) is_ok: bool,
    pub(super) ended: Instant,
}

/// Which iterations the registry has kept something of, by number; noted only for the audit and clean-up.
#[derive(Debug, Clone)]
struct Stores {
    all: Bits,
    /// Those of them of which it is [unknown](Kept::Unknown).
    unknown: Bits,
    /// Those of them that did what they are for.
    acknowledged: Bits,
    ends: EndTimes,
}

impl Stores {
    fn new() -> Self {
        Self {
            all: Bits::default(),
            unknown: Bits::default(),
            acknowledged: Bits::default(),
            ends: EndTimes::new(Instant::now()),
        }
    }

    fn note(&mut self, number: u64, settled: Settled) {
        let kept = settled.kept;
        if kept == Kept::Nothing {
            return;
        }
        self.all.set(number);
        if kept == Kept::Unknown {
            self.unknown.set(number);
        }
        if settled.is_ok {
            self.acknowledged.set(number);
            self.ends.note(number, settled.ended);
        }
    }
}

/// When iterations ended, to the accuracy of [`BLOCK`] successive ones.
#[derive(Debug, Clone)]
struct EndTimes {
    base: Instant,
    /// The first and the last end of each block, in milliseconds since then; `(u32::MAX, 0)` where there is none.
    blocks: Vec<(u32, u32)>,
}

/// Iterations whose ends are kept together: half a byte for each.
const BLOCK: u64 = 16;

impl EndTimes {
    const fn new(base: Instant) -> Self {
        Self {
            base,
            blocks: Vec::new(),
        }
    }

    fn note(&mut self, number: u64, ended: Instant) {
        let at = ended.saturating_duration_since(self.base).as_millis();
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let block = usize::try_from(number / BLOCK).unwrap_or(usize::MAX);
        if self.blocks.len() <= block {
            self.blocks.resize(block + 1, (u32::MAX, 0));
        }
        let (first, last) = &mut self.blocks[block];
        *first = at.min(*first);
        *last = at.max(*last);
    }

    /// Returns between which moments it ended.
    fn of(&self, number: u64) -> Option<(Instant, Instant)> {
        let block = usize::try_from(number / BLOCK).ok()?;
        let (first, last) = *self.blocks.get(block)?;
        let at = |ms: u32| self.base + Duration::from_millis(ms.into());
        (first <= last).then(|| (at(first), at(last)))
    }
}

/// Numbers, a bit for each.
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

    fn has(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok();
        let word = word.and_then(|it| self.0.get(it));
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0_u64..).zip(&self.0).flat_map(|(word, bits)| {
            let set = (0..64).filter(move |bit| bits >> bit & 1 == 1);
            set.map(move |bit| word * 64 + bit)
        })
    }

    /// Returns the first of each run of successive numbers, and how many there are.
    fn runs(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for number in self.iter() {
            match runs.last_mut() {
                Some((first, count)) if *first + *count == number => *count += 1,
                _ => runs.push((number, 1)),
            }
        }
        runs
    }
}

impl OfUser {
    pub(super) fn new(trial: u32, vu: u64, keep: bool) -> Self {
        Self {
            trial,
            vu,
            count: 0,
            stores: keep.then(Stores::new),
        }
    }

    /// Notes what came of the last one that has begun.
    pub(super) fn note(&mut self, settled: Settled) {
        if let (Some(stores), Some(last)) = (&mut self.stores, self.count.checked_sub(1)) {
            stores.note(last, settled);
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
            noted: 0,
            stores: keep.then(Stores::new),
        }
    }

    /// Counts one that begins.
    pub(super) const fn begin(&mut self) {
        self.count += 1;
    }

    /// Notes what came of one.
    pub(super) fn note(&mut self, index: u64, settled: Settled) {
        let place = (index - self.lane) / self.lanes;
        self.noted = self.noted.max(place + 1);
        if let Some(stores) = &mut self.stores {
            stores.note(place, settled);
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

    /// Returns each of them that the registry has kept something of, or of which that is unknown, as far as it was noted.
    pub(super) fn stored(&self, which: Which) -> impl Iterator<Item = IterationId> + '_ {
        let numbers = self.stores().into_iter();
        let numbers = numbers.flat_map(move |it| which.of(it).iter());
        numbers.map(|number| self.id(number))
    }

    /// Returns each of them that the registry has acknowledged.
    pub(super) fn acknowledged(&self) -> impl Iterator<Item = Acknowledged> + '_ {
        let stores = self.stores().into_iter();
        stores.flat_map(|stores| {
            let numbers = stores.acknowledged.iter();
            numbers.map(|number| Acknowledged {
                id: self.id(number),
                was_unknown: stores.unknown.has(number),
                ended: stores.ends.of(number),
            })
        })
    }

    /// Returns each that may have begun, and whether the registry has acknowledged it without one of its requests being cut off.
    pub(super) fn all(&self) -> impl Iterator<Item = (IterationId, bool)> + '_ {
        let places = match self {
            Self::Of(it) => it.count,
            Self::OfLoad(it) => it.noted,
        };
        (0..places).map(|place| {
            let is_sure = self
                .stores()
                .is_some_and(|stores| stores.acknowledged.has(place) && !stores.unknown.has(place));
            (self.id(place), is_sure)
        })
    }

    /// Returns the id of one of them, by its place.
    const fn id(&self, place: u64) -> IterationId {
        match self {
            Self::Of(it) => IterationId::of_user(it.trial, it.vu, place),
            Self::OfLoad(it) => {
                let index = it.lane + place * it.lanes;
                IterationId::of_load(it.trial, it.load, index)
            }
        }
    }

    const fn stores(&self) -> Option<&Stores> {
        match self {
            Self::Of(OfUser { stores, .. }) | Self::OfLoad(OfLoad { stores, .. }) => {
                stores.as_ref()
            }
        }
    }
}

/// An iteration that did what it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acknowledged {
    pub(super) id: IterationId,
    /// One of its requests was cut off before another did the same: it may be under way yet.
    pub(super) was_unknown: bool,
    /// It ended between these moments.
    pub(super) ended: Option<(Instant, Instant)>,
}

/// Which of the iterations that have stored something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    /// Those of which it is [unknown](Kept::Unknown).
    Unknown,
}

impl Which {
    const fn of(self, stores: &Stores) -> &Bits {
        match self {
            Self::All => &stores.all,
            Self::Unknown => &stores.unknown,
        }
    }
}

/// The iterations of a run that the registry has kept something of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StoredBy<'a> {
    /// Those of this process, by load of the plan.
    pub(super) own: &'a [(usize, Begun)],
    /// Those of other shards.
    pub(super) others: &'a [StoredIterations],
}

impl<'a> StoredBy<'a> {
    /// Returns them, with the places of their loads in the plan.
    pub(super) fn iter(self, which: Which) -> impl Iterator<Item = (usize, IterationId)> + 'a {
        let own = self.own.iter();
        let own = own.flat_map(move |(load, begun)| begun.stored(which).map(|id| (*load, id)));
        let others = self.others.iter();
        own.chain(others.flat_map(move |it| heard(it, which).map(|id| (it.load, id))))
    }
}

/// Returns what another process is told of those of a load that have stored something; `None` if none has.
pub(super) fn told(load: usize, begun: &Begun) -> Option<StoredIterations> {
    let (trial, of) = match begun {
        Begun::Of(it) => (it.trial, IterationsOf::User(it.vu)),
        Begun::OfLoad(it) => {
            let (lane, lanes) = (it.lane, it.lanes);
            (it.trial, IterationsOf::Load { lane, lanes })
        }
    };
    let stores = begun.stores()?;
    let numbers = stores.all.runs();
    (!numbers.is_empty()).then(|| StoredIterations {
        load,
        trial,
        of,
        numbers,
        unknown: stores.unknown.runs(),
    })
}

/// Returns the ids of iterations that another process has told of.
fn heard(told: &StoredIterations, which: Which) -> impl Iterator<Item = IterationId> + '_ {
    let runs = match which {
        Which::All => &told.numbers,
        Which::Unknown => &told.unknown,
    };
    let runs = runs.iter();
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

    fn settled(kept: Kept) -> Settled {
        Settled {
            kept,
            is_ok: kept == Kept::Something,
            ended: Instant::now(),
        }
    }

    #[test]
    fn arrivals_that_stored_something_are_found_again() {
        // Lane 1 of 3: 1, 4, 7, ...; those that were dropped or came to nothing are not in it.
        let mut arrivals = OfLoad::new(2, 5, (1, 3), true);
        let stored = [1, 7, 190, 193, 400];
        for index in stored {
            arrivals.begin();
            arrivals.note(index, settled(Kept::Something));
        }
        arrivals.begin();
        let begun = Begun::OfLoad(arrivals);
        assert_eq!(begun.count(), 6);
        let ids: Vec<IterationId> = begun.stored(Which::All).collect();
        assert_eq!(ids, stored.map(|it| IterationId::of_load(2, 5, it)));
    }

    #[test]
    fn iterations_of_a_user_that_stored_something_are_found_again() {
        let run = |keep| {
            let mut user = OfUser::new(3, 8, keep);
            user.note(settled(Kept::Something)); // before the first there is none
            for number in 0..200 {
                user.count += 1;
                if [0, 63, 64, 199].contains(&number) {
                    user.note(settled(Kept::Something));
                }
            }
            let begun = Begun::Of(user);
            assert_eq!(begun.count(), 200);
            begun.stored(Which::All).collect::<Vec<_>>()
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
            let kept = match number {
                0..69 => Kept::Something,
                69 | 90 => Kept::Unknown,
                _ => Kept::Nothing,
            };
            user.note(settled(kept));
            of_load.note(2 + 5 * number, settled(kept));
        }
        for begun in [Begun::Of(user), Begun::OfLoad(of_load)] {
            let told = told(1, &begun).unwrap();
            assert_eq!(told.numbers, [(0, 70), (90, 1)]);
            assert_eq!(told.unknown, [(69, 1), (90, 1)]);
            for (which, count) in [(Which::All, 71), (Which::Unknown, 2)] {
                let ids: Vec<_> = begun.stored(which).collect();
                assert_eq!(heard(&told, which).collect::<Vec<_>>(), ids);
                assert_eq!(ids.len(), count);
            }
        }
        assert_eq!(told(0, &Begun::Of(OfUser::new(0, 0, true))), None);
    }

    #[test]
    fn what_was_acknowledged_is_found_again_with_the_time_of_its_end() {
        let mut user = OfUser::new(3, 8, true);
        let base = user.stores.as_ref().unwrap().ends.base;
        let end = |number| base + Duration::from_millis(1000 + number);
        for number in 0..40 {
            user.count += 1;
            user.note(Settled {
                kept: match number {
                    0 => Kept::Nothing,
                    1 => Kept::Unknown,
                    _ => Kept::Something,
                },
                is_ok: number != 2,
                ended: end(number),
            });
        }
        let begun = Begun::Of(user);
        let all: Vec<Acknowledged> = begun.acknowledged().collect();
        // Nothing was stored by 0, and 2 failed.
        let numbers: Vec<u64> = all.iter().map(|it| it.id.number()).collect();
        assert_eq!(numbers, [&[1][..], &(3..40).collect::<Vec<_>>()].concat());
        assert!(all[0].was_unknown && !all[1].was_unknown);
        for it in all {
            let (from, until) = it.ended.unwrap();
            let number = it.id.number();
            assert!(from <= end(number) && end(number) <= until);
            assert!(until - from < Duration::from_millis(BLOCK));
        }
    }
}
