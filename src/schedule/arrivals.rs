//! When iterations are due, one after the other.

use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Curve;
use super::curve::{Area, float, nanos, narrow, whole};

/// How arrivals lie between each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spacing {
    /// Evenly: arrival `i` is due when the area under the rate reaches `i`.
    Uniform,
    /// As clients come who know nothing of each other: the gaps are exponential, so that arrivals come in clusters and
    /// the rate is kept on average only.
    Poisson,
}

/// An iteration that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its place in the whole stream, from 0.
    pub index: u64,
    /// When, since the load began; before [`Curve::length`].
    pub due: Duration,
    /// The stage of the load, an index into [`Curve::stages`].
    pub stage: usize,
}

/// The arrivals of a curve, in order: neither `index` nor `due` ever goes back.
///
/// With [`Spacing::Uniform`] an arrival is due when the area under the rate reaches its index, and those that are due
/// before the end are in: 200 per second for 10 s are 2,000, the first at once and the last 5 ms before the end. Where
/// the rate is zero for a while, the arrival whose area is reached at the begin of the pause is due when the pause is
/// over. With [`Spacing::Poisson`] the first is due after a gap, too.
///
/// Instants are exact to a nanosecond where the rate is constant, and to two on a ramp of up to 100 days.
///
/// Instants that are listed are as they are listed, with either spacing.
///
/// Memory: some numbers for each stage, however many arrivals there are.
#[derive(Debug, Clone)]
pub struct Arrivals {
    /// The next index that belongs to the lane.
    next: u64,
    /// From one index of the lane to its next.
    step: u64,
    source: Source,
}

/// How the instants come about.
#[derive(Debug, Clone)]
enum Source {
    /// Evenly under a rate.
    Even { line: Line, planned: u64 },
    /// At random under a rate.
    Random {
        line: Line,
        draws: Draws,
        area: u128,
    },
    /// Evenly in a window.
    EvenWindow { users: u32, window_ns: u64 },
    /// At random in a window.
    RandomWindow {
        users: u32,
        window_ns: u64,
        draws: Draws,
        /// The logarithm of the part of the window that is left.
        left: f64,
    },
    /// As they are listed.
    Listed(Arc<[u64]>),
}

impl Curve {
    /// Returns the arrivals, in order. The seed is for [`Spacing::Poisson`] only.
    ///
    /// This is the whole stream; see [`Arrivals::lane`] for a part of it.
    pub fn arrivals(&self, spacing: Spacing, seed: u64) -> Arrivals {
        Arrivals::new(self, spacing, seed)
    }
}

impl Arrivals {
    pub(super) fn new(curve: &Curve, spacing: Spacing, seed: u64) -> Self {
        let source = match (curve, spacing) {
            (Curve::Listed { at_ns, .. }, _) => Source::Listed(Arc::clone(at_ns)),
            (&Curve::AtOnce { users, window }, Spacing::Uniform) => Source::EvenWindow {
                users,
                window_ns: nanos(window),
            },
            (&Curve::AtOnce { users, window }, Spacing::Poisson) => Source::RandomWindow {
                users,
                window_ns: nanos(window),
                draws: Draws::new(seed),
                left: 0.0,
            },
            (_, Spacing::Uniform) => {
                let line = Line::of(curve);
                Source::Even {
                    planned: line.area.planned(),
                    line,
                }
            }
            (_, Spacing::Poisson) => Source::Random {
                line: Line::of(curve),
                draws: Draws::new(seed),
                area: 0,
            },
        };
        Self {
            next: 0,
            step: 1,
            source,
        }
    }

    /// Only the arrivals whose index modulo `lanes` is `lane`: what one of several workers takes.
    ///
    /// The lanes together are the whole stream, however many there are. To be called before the first arrival is taken.
    /// With [`Spacing::Poisson`] each lane draws the whole stream and keeps its own part.
    ///
    /// # Panics
    /// When `lane` is not below `lanes`.
    #[must_use]
    pub fn lane(self, lane: u64, lanes: u64) -> Self {
        assert!(lane < lanes, "there is no lane {lane} of {lanes}");
        Self {
            next: lane,
            step: lanes,
            ..self
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let index = self.next;
        let (due, stage) = match &mut self.source {
            Source::Even { line, planned } => {
                if index >= *planned {
                    return None;
                }
                line.at(u128::from(index) * line.area.of_one)?
            }
            Source::Random { line, draws, area } => {
                while draws.taken <= index {
                    // Past the end nothing is drawn any more, so that the end stays the end.
                    if *area >= line.area.total {
                        return None;
                    }
                    *area += whole(draws.gap() * float(line.area.of_one));
                }
                line.at(*area)?
            }
            Source::EvenWindow { users, window_ns } => {
                if index >= u64::from(*users) {
                    return None;
                }
                let due = u128::from(*window_ns) * u128::from(index) / u128::from(*users);
                (Duration::from_nanos(narrow(due)), 0)
            }
            Source::RandomWindow {
                users,
                window_ns,
                draws,
                left,
            } => {
                if index >= u64::from(*users) {
                    return None;
                }
                // The part that is left after the first of n instants is the least of n draws, that is, e^(-gap/n):
                // the instants come sorted, and need not be kept.
                while draws.taken <= index {
                    let remaining = u64::from(*users) - draws.taken;
                    *left -= draws.gap() / float(u128::from(remaining));
                }
                let due = whole(-left.exp_m1() * float(u128::from(*window_ns)));
                let due = narrow(due).min(window_ns.saturating_sub(1));
                (Duration::from_nanos(due), 0)
            }
            Source::Listed(at_ns) => {
                let at = at_ns.get(usize::try_from(index).ok()?)?;
                (Duration::from_nanos(*at), 0)
            }
        };
        self.next = index.saturating_add(self.step);
        Some(Arrival { index, due, stage })
    }
}

impl FusedIterator for Arrivals {}

/// An area and the piece of it where the last arrival was.
#[derive(Debug, Clone)]
struct Line {
    area: Area,
    piece: usize,
}

impl Line {
    fn of(curve: &Curve) -> Self {
        Self {
            area: Area::of(curve),
            piece: 0,
        }
    }

    /// Returns when the area reaches this much, which is not less than before, and in which stage; `None` past the end.
    fn at(&mut self, area: u128) -> Option<(Duration, usize)> {
        while area >= self.area.pieces.get(self.piece)?.through {
            self.piece += 1;
        }
        let piece = &self.area.pieces[self.piece];
        Some((piece.instant(area), piece.stage))
    }
}

/// Exponential gaps of mean one.
#[derive(Debug, Clone)]
struct Draws {
    generator: Xoshiro256PlusPlus,
    taken: u64,
}

impl Draws {
    fn new(seed: u64) -> Self {
        Self {
            generator: Xoshiro256PlusPlus::seed_from_u64(seed),
            taken: 0,
        }
    }

    /// From 0 to 37.
    fn gap(&mut self) -> f64 {
        self.taken += 1;
        // The draw is in [0, 1), so the logarithm is finite.
        -(-self.generator.random::<f64>()).ln_1p()
    }
}

#[cfg(test)]
mod tests;
