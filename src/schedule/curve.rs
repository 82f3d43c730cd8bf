//! How the rate of iterations goes over time.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::Span;
use crate::units::Rate;

/// How the rate of iterations goes over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Curve {
    /// One rate.
    Constant {
        /// Iterations; zero gives none.
        rate: Rate,
        /// How long; more than 584 years count as 584.
        duration: Duration,
    },
    /// A rate that goes from one value to the next in straight lines.
    Ramp(Ramp),
    /// A number of users who each start once, within a window.
    AtOnce {
        /// How many.
        users: u32,
        /// Within what time; zero for all at the same instant.
        window: Duration,
    },
    /// Instants that are listed.
    Listed {
        /// When each is, in nanoseconds since the load began, in order.
        at_ns: Arc<[u64]>,
        /// How long the load is; after the last of them.
        length: Duration,
    },
}

/// A rate that goes from one value to the next in straight lines, with at least one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ramp {
    start: Rate,
    stages: Vec<Stage>,
}

/// A straight line from the rate before to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// How long; zero for a jump.
    pub duration: Duration,
    /// The rate at its end; may be zero.
    pub target: Rate,
}

/// Stages that are no ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RampError {
    /// No stage.
    #[error("a ramp has at least one stage")]
    Empty,
    /// Rates in different units of time, whose areas have no common whole unit.
    #[error("all rates of a ramp have the same time unit")]
    MixedUnits,
    /// Longer than 584 years.
    #[error("the stages are too long")]
    TooLong,
}

impl Ramp {
    /// Creates a ramp.
    ///
    /// # Errors
    /// When there is no stage, when the rates differ in their unit of time, and when all is longer than 584 years.
    pub fn new(start: Rate, stages: Vec<Stage>) -> Result<Self, RampError> {
        let total: u128 = stages.iter().map(|it| it.duration.as_nanos()).sum();
        if stages.is_empty() {
            Err(RampError::Empty)
        } else if stages.iter().any(|it| it.target.unit() != start.unit()) {
            Err(RampError::MixedUnits)
        } else if u64::try_from(total).is_err() {
            Err(RampError::TooLong)
        } else {
            Ok(Self { start, stages })
        }
    }

    /// Returns the rate at the beginning.
    pub const fn start(&self) -> Rate {
        self.start
    }

    /// Returns the lines that follow, in order; not empty.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }
}

impl Curve {
    /// Returns the exact number of arrivals with uniform [`super::Spacing`]: the area under the rate, rounded up, because
    /// the first arrival is at the beginning.
    pub fn planned(&self) -> u64 {
        match self {
            Self::AtOnce { users, .. } => u64::from(*users),
            Self::Listed { at_ns, .. } => at_ns.len() as u64,
            Self::Constant { .. } | Self::Ramp(_) => Area::of(self).planned(),
        }
    }

    /// Returns the expected number of arrivals with random [`super::Spacing`]: the area under the rate. With
    /// [`Self::AtOnce`] and [`Self::Listed`] it is the number.
    pub fn expected(&self) -> f64 {
        match self {
            Self::AtOnce { users, .. } => f64::from(*users),
            Self::Listed { at_ns, .. } => float(at_ns.len() as u128),
            Self::Constant { .. } | Self::Ramp(_) => {
                let area = Area::of(self);
                float(area.total) / float(area.of_one)
            }
        }
    }

    /// Returns how long arrivals may come: none is due at this instant or later, but for users who start at once in no
    /// time.
    pub fn length(&self) -> Duration {
        self.stages().last().map_or(Duration::ZERO, |it| it.until)
    }

    /// Returns when each stage begins and ends; one stage where the curve has no others.
    pub fn stages(&self) -> Vec<Span> {
        match self {
            Self::Constant { duration: all, .. }
            | Self::AtOnce { window: all, .. }
            | Self::Listed { length: all, .. } => {
                Span::chain([Duration::from_nanos(nanos(*all))].into_iter())
            }
            Self::Ramp(ramp) => Span::chain(ramp.stages.iter().map(|it| it.duration)),
        }
    }
}

/// The area under a rate, in whole numbers. Its unit is half a millionth of an iteration times a nanosecond; the halves
/// come from the area of a triangle.
///
/// The largest numbers that can occur: 2 × 8.64e16 millionths × 1.8e19 ns = 3.2e36, where a `u128` holds 3.4e38.
#[derive(Debug, Clone)]
pub(super) struct Area {
    /// The stages in which the rate is not zero all the time.
    pub(super) pieces: Vec<Piece>,
    /// The area of one iteration.
    pub(super) of_one: u128,
    /// All pieces.
    pub(super) total: u128,
}

/// A straight line with an area under it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The stage that it is.
    pub(super) stage: usize,
    /// Nanoseconds since the load began.
    from_ns: u64,
    /// Nanoseconds, not zero.
    length_ns: u64,
    /// Millionths of an iteration in a unit of time, at its begin and at its end; not both zero.
    begin: u64,
    end: u64,
    /// The area under the pieces before.
    before: u128,
    /// The area under this and those before; more than `before`.
    pub(super) through: u128,
}

impl Area {
    /// Returns the area of a curve; none where users start at once, and where instants are listed.
    pub(super) fn of(curve: &Curve) -> Self {
        let line;
        let (start, stages) = match curve {
            Curve::Constant { rate, duration } => {
                line = [Stage {
                    duration: *duration,
                    target: *rate,
                }];
                (*rate, line.as_slice())
            }
            Curve::Ramp(ramp) => (ramp.start, ramp.stages.as_slice()),
            Curve::AtOnce { .. } | Curve::Listed { .. } => (Rate::ZERO, [].as_slice()),
        };
        let mut pieces = Vec::with_capacity(stages.len());
        let (mut from_ns, mut begin, mut before) = (0, start.millionths(), 0);
        for (stage, Stage { duration, target }) in stages.iter().enumerate() {
            let (length_ns, end) = (nanos(*duration), target.millionths());
            let through = before + (u128::from(begin) + u128::from(end)) * u128::from(length_ns);
            if through > before {
                pieces.push(Piece {
                    stage,
                    from_ns,
                    length_ns,
                    begin,
                    end,
                    before,
                    through,
                });
            }
            (from_ns, begin, before) = (from_ns.saturating_add(length_ns), end, through);
        }
        Self {
            pieces,
            of_one: 2 * u128::from(Rate::MILLIONTHS) * start.unit().as_nanos(),
            total: before,
        }
    }

    pub(super) fn planned(&self) -> u64 {
        u64::try_from(self.total.div_ceil(self.of_one)).unwrap_or(u64::MAX)
    }
}

impl Piece {
    /// Returns when the area reaches this much, which is at least `before` and less than `through`.
    ///
    /// Rounded down where the rate is constant, to the nearest nanosecond elsewhere.
    pub(super) fn instant(&self, area: u128) -> Duration {
        let (begin, end) = (u128::from(self.begin), u128::from(self.end));
        let elapsed = match begin.cmp(&end) {
            Ordering::Equal => narrow((area - self.before) / (begin + end)),
            Ordering::Less => narrow(whole(self.climb(begin, end, area - self.before))),
            // Backwards from the end. Forwards, the root would be of a difference of two large numbers that are almost
            // the same near a rate of zero, and half of its digits would be noise.
            Ordering::Greater => {
                let left = whole(self.climb(end, begin, self.through - area));
                self.length_ns.saturating_sub(narrow(left))
            }
        };
        // Rounding must not carry the arrival into the next stage.
        Duration::from_nanos(self.from_ns + elapsed.min(self.length_ns - 1))
    }

    /// Returns the time in which a line that climbs over the length of this piece gathers an area: the root `t` of
    /// `slope·t² + 2·low·t = area`, in the form without a difference.
    fn climb(&self, low: u128, high: u128, area: u128) -> f64 {
        if area == 0 {
            return 0.0;
        }
        let slope = float(high - low) / float(u128::from(self.length_ns));
        let (low, area) = (float(low), float(area));
        area / (low + low.mul_add(low, slope * area).sqrt())
    }
}

/// Nanoseconds; as many as a `u64` holds, 584 years.
pub(super) fn nanos(time: Duration) -> u64 {
    narrow(time.as_nanos())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits place an instant of 100 days to the nanosecond; what must be exact stays whole"
)]
pub(super) const fn float(number: u128) -> f64 {
    number as f64
}

/// Returns the nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and callers bound what they get"
)]
pub(super) fn whole(number: f64) -> u128 {
    number.round() as u128
}

/// Nanoseconds, as many as a `u64` holds.
pub(super) fn narrow(ns: u128) -> u64 {
    u64::try_from(ns).unwrap_or(u64::MAX)
}
