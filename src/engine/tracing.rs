//! Which requests of a run carry `traceparent`.

use super::choice::stir;
use super::iteration_id::IterationId;
use crate::exchange::TraceId;
use crate::plan::Plan;

/// The resolution of a share: as fine as a fraction is stored.
const ALL: f64 = 9_007_199_254_740_992.0; // 2^53

/// Draws the requests that are traced. Which ones follows from the seed, the iteration and their place in it; their ids
/// from the run as well, so that no two runs share a trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tracing {
    below: u64, // of 2^53
    seed: u64,
    run: u64,
}

impl Tracing {
    /// Returns the draws of a run; `None` if nothing is traced.
    pub(super) fn of(plan: &Plan, run: u64) -> Option<Self> {
        Self::new(plan.target.trace, plan.seed, run)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is from 0 to 1"
    )]
    fn new(share: f64, seed: u64, run: u64) -> Option<Self> {
        (share > 0.0).then(|| Self {
            below: (share * ALL).ceil() as u64,
            // Other draws than those of the iteration itself.
            seed: stir(!seed),
            run,
        })
    }

    /// Returns the trace of a request, counted within its iteration, if it has one.
    pub(super) fn draw(self, id: IterationId, request: u64) -> Option<TraceId> {
        let iteration = stir(stir(self.seed ^ id.lane()) ^ id.number());
        let drawn = stir(iteration ^ request);
        if drawn >> 11 >= self.below {
            return None;
        }
        let high = stir(self.run ^ drawn);
        let low = stir(high ^ drawn.rotate_left(32));
        TraceId::new(u128::from(high) << 64 | u128::from(low))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn drawn(share: f64, seed: u64, run: u64) -> Vec<Option<String>> {
        let tracing = Tracing::new(share, seed, run).unwrap();
        let mut all = Vec::new();
        for vu in 0..10 {
            for number in 0..100 {
                let id = IterationId::of_user(0, vu, number);
                let requests = (0..10).map(|it| tracing.draw(id, it));
                all.extend(requests.map(|it| it.map(|id| id.to_string())));
            }
        }
        all
    }

    /// 10,000 requests at a tenth: the number that is traced is binomial, with a deviation of 30. Six of them are exceeded by
    /// chance once in 500 million seeds, and the seed is fixed.
    #[test]
    fn the_share_is_kept_and_ids_are_unique() {
        let traced: Vec<_> = drawn(0.1, 7, 1).into_iter().flatten().collect();
        assert!((820..=1180).contains(&traced.len()), "{}", traced.len());
        let unique: BTreeSet<_> = traced.iter().collect();
        assert_eq!(unique.len(), traced.len());
        assert!(drawn(1.0, 7, 1).iter().all(Option::is_some));
        assert!(Tracing::new(0.0, 7, 1).is_none());
    }

    #[test]
    fn the_seed_chooses_requests_and_the_run_their_ids() {
        let places =
            |all: &[Option<String>]| -> Vec<bool> { all.iter().map(Option::is_some).collect() };
        let (one, again, other) = (drawn(0.1, 7, 1), drawn(0.1, 7, 2), drawn(0.1, 8, 1));
        assert_eq!(places(&one), places(&again));
        assert_ne!(places(&one), places(&other));
        let ids: BTreeSet<_> = one.iter().flatten().collect();
        assert!(again.iter().flatten().all(|it| !ids.contains(it)));
    }
}
