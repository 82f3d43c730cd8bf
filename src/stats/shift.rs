//! A difference between two builds, as every test of it states it.

/// The fewest pairs, or runs a side, from which a difference is stated.
///
/// Four pairs that all point the same way have an exact signed-rank p of 2/16 = 0.125: nothing but the belief that the
/// differences are normal could call them a change. Five have 2/32 = 0.0625.
pub const MIN_PAIRS: usize = 5;

/// A confidence interval. An end may be infinite where the numbers do not bound it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end, not less than `low`.
    pub high: f64,
}

/// How far the candidate is from the base, by two routes that can contradict each other.
///
/// The estimates have the unit of the values that went in: of log ratios, `estimate.exp() - 1` is the relative change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The mean difference.
    pub estimate: f64,
    /// Where the mean difference of endless runs lies, at the level asked for.
    pub interval: Interval,
    /// Two-sided, in `[0, 1]`, of the method that made the interval: not above the level exactly where 0 is outside.
    pub p: f64,
    /// The Hodges-Lehmann estimate: what one wild value cannot move.
    pub rank_estimate: f64,
    /// Two-sided, in `[0, 1]`, from ranks alone.
    pub rank_p: f64,
}

impl Interval {
    pub(super) const fn point(at: f64) -> Self {
        Self { low: at, high: at }
    }

    /// Returns whether it has the value in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Returns `true` for the probability of an error: in `(0, 1)`.
pub(super) fn is_level(alpha: f64) -> bool {
    0.0 < alpha && alpha < 1.0
}

/// Returns a number of things as a factor.
#[expect(
    clippy::cast_precision_loss,
    reason = "what is counted here is far below 2^53"
)]
pub(super) const fn real(count: usize) -> f64 {
    count as f64
}
