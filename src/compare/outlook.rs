//! How a gate may still end: what the rest of the pairs can decide, and how many more it would take.
//!
//! Both suppose that the noise stays as it is. An error of the mean falls with the root of the number of pairs; how far the
//! mean itself may still move follows from the pairs that are there (a predictive distribution). Nothing here decides a gate:
//! it only says when more pairs are of no use, so a wrong guess costs an answer and never makes a wrong one.

use crate::stats::{normal_tail, normal_upper_quantile};

use super::decision::Compared;
use super::look::{Look, real};

/// So many pairs nobody waits for.
pub(super) const MANY: usize = 100_000;

/// How a gate may still end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// How probable it is that it is decided when all pairs are made, in `[0, 1]`.
    pub decided: f64,
    /// How probable it is that it is a regression then.
    pub worse: f64,
    /// How many more pairs would decide it, if estimate and noise stay as they are; `None` where that is not known, or too
    /// many.
    pub more_pairs: Option<u32>,
}

impl Outlook {
    /// No number of pairs decides it.
    pub(super) const HOPELESS: Self = Self {
        decided: 0.0,
        worse: 0.0,
        more_pairs: None,
    };

    /// Nothing is known of it yet.
    pub(super) const OPEN: Self = Self {
        decided: 1.0,
        worse: 1.0,
        more_pairs: None,
    };

    /// Returns how a gate may end of which so many pairs are there: one of so many gates.
    pub fn of(gate: &Compared, pairs: usize, look: &Look, gates: usize) -> Self {
        Self::at_the_end(gate, pairs, look, gates).unwrap_or(Self::OPEN)
    }

    fn at_the_end(gate: &Compared, pairs: usize, look: &Look, gates: usize) -> Option<Self> {
        let shift = gate.evidence.shift()?;
        let estimate = shift.estimate;
        let (margin, tolerance) = (
            gate.of_difference(gate.margin),
            gate.of_difference(gate.tolerance),
        );
        let error = (shift.interval.high - estimate) / normal_upper_quantile(look.alpha / 2.0)?;
        let to_pass = normal_upper_quantile(look.last_alpha / 2.0)?;
        let to_find = normal_upper_quantile(look.last_alpha / 2.0 / real(gates.max(1)))?;
        if !(error > 0.0 && error.is_finite()) {
            return None;
        }
        let error_then = error * look.share.sqrt();
        let moves = error * (1.0 - look.share).max(0.0).sqrt();
        // Below how little it passes, and from how much on it is a regression.
        let passes = tolerance - to_pass * error_then;
        let regresses = margin.max(to_find * error_then);
        let beyond = |limit: f64, sign: f64| {
            let off = sign * (limit - estimate);
            if moves > 0.0 {
                normal_tail(off / moves)
            } else {
                f64::from(u8::from(off <= 0.0))
            }
        };
        let worse = beyond(regresses, 1.0);
        // Either way counts, the shorter one: errors must shrink until the interval ends below what is tolerated, or leaves out
        // 0 with an estimate of the margin or more.
        let times = |reach: f64, room: f64| (reach * error / room).powi(2);
        let to_pass = (estimate < tolerance).then(|| times(to_pass, tolerance - estimate));
        let to_find = (estimate >= margin).then(|| times(to_find, estimate));
        let times = [to_pass, to_find].into_iter().flatten().reduce(f64::min);
        Some(Self {
            decided: (beyond(passes, -1.0) + worse).min(1.0),
            worse,
            more_pairs: times.and_then(|times| more(pairs, times)),
        })
    }
}

/// Returns how many pairs are missing of that many times as many.
fn more(pairs: usize, times: f64) -> Option<u32> {
    let more = (real(pairs) * (times - 1.0)).ceil().max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the most that is told"
    )]
    let more = (more <= real(MANY)).then_some(more as u32);
    more
}

#[cfg(test)]
mod tests {
    use super::super::decision::{Evidence, Margin, Role};
    use super::*;
    use crate::stats::{Interval, Paired, Shift, paired};

    /// 1.645 at either end.
    const ALPHA: f64 = 0.10;

    fn outlook(estimate: f64, error: f64, (pairs, all): (usize, usize)) -> Outlook {
        let reach = 1.644_854 * error;
        let shift = Shift {
            estimate,
            interval: Interval {
                low: estimate - reach,
                high: estimate + reach,
            },
            p: 1.0,
            rank_estimate: estimate,
            rank_p: 1.0,
        };
        let five = paired(&[1.0, 2.0, 3.0, 4.0, 5.0], ALPHA, 1).unwrap();
        let margin = |limit: f64| Margin::new(limit.exp_m1()).unwrap();
        let gate = Compared {
            evidence: Evidence::Paired(Paired { shift, ..five }),
            margin: margin(0.03),
            tolerance: margin(0.05),
            role: Role::Gated,
        };
        let look = Look {
            alpha: ALPHA,
            is_last: false,
            is_one_of_many: true,
            last_alpha: ALPHA,
            share: real(pairs) / real(all),
        };
        Outlook::of(&gate, pairs, &look, 1)
    }

    /// Nothing found so far, with an error of 0.06 after 10 pairs: 1.645 * 0.06 = 0.0987 has to become 0.05, so there have to be
    /// (0.0987 / 0.05)^2 = 3.897 times as many.
    #[test]
    fn an_error_falls_with_the_root_of_the_pairs() {
        assert_eq!(outlook(0.0, 0.06, (10, 20)).more_pairs, Some(29));
        // Between margin and tolerance the shorter way is the regression: (0.0987 / 0.045)^2 = 4.81.
        assert_eq!(outlook(0.045, 0.06, (10, 20)).more_pairs, Some(39));
        assert_eq!(outlook(0.049, 9.0, (10, 20)).more_pairs, None);
    }

    /// With ten pairs of twenty the error of the end is 0.06 / 1.414 = 0.0424, of which 1.645 are 0.0698: to pass the mean must be
    /// -0.0198 or less, which is -0.0198 / 0.0424 = -0.467 deviations away: 32%. To be worse it must be 0.0698: 5%.
    #[test]
    fn the_end_is_as_open_as_the_rest_of_the_pairs() {
        let found = outlook(0.0, 0.06, (10, 20));
        assert!((found.worse - 0.05).abs() < 0.001, "{found:?}");
        assert!((found.decided - 0.37).abs() < 0.001, "{found:?}");
        // No rest: it is what it is.
        let found = outlook(0.0, 0.06, (20, 20));
        assert!(found.decided < 1e-12 && found.worse < 1e-12, "{found:?}");
        // Ten times that noise: no mean that is to be expected passes.
        let found = outlook(0.1, 0.6, (10, 11));
        assert!(found.decided < 0.02, "{found:?}");
    }
}
