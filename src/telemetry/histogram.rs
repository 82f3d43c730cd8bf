//! Buckets of a histogram, and quantiles of what they have counted between two readings.

/// The most buckets.
const MOST: usize = 500;

/// How much was counted up to each bound, cumulative, in the order of the bounds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Buckets(Vec<(f64, f64)>);

impl Buckets {
    /// Adds to a bucket. Returns `false` if the bound or the count is none, or if there are too many.
    pub(super) fn add(&mut self, bound: &str, count: f64) -> bool {
        let Ok(bound) = bound.parse::<f64>() else {
            return false;
        };
        if bound.is_nan() || !count.is_finite() {
            return false;
        }
        match self.0.binary_search_by(|(it, _)| it.total_cmp(&bound)) {
            Ok(place) => self.0[place].1 += count,
            Err(_) if self.0.len() == MOST => return false,
            Err(place) => self.0.insert(place, (bound, count)),
        }
        true
    }

    /// Returns a quantile of what was counted since an earlier reading: linear within its bucket, as Prometheus's
    /// `histogram_quantile` has it. `None` if nothing was counted, or if it began again from zero.
    pub(super) fn quantile_since(&self, before: &Self, quantile: f64) -> Option<f64> {
        let is_same = self.0.len() == before.0.len();
        let grown = self
            .0
            .iter()
            .zip(&before.0)
            .map(|((bound, now), (old, then))| {
                (is_same && bound.total_cmp(old).is_eq() && now >= then)
                    .then_some((*bound, now - then))
            });
        let grown: Vec<(f64, f64)> = grown.collect::<Option<_>>()?;
        let all = grown.last()?.1;
        if !is_same || all <= 0.0 {
            return None;
        }
        let rank = quantile * all;
        let place = grown.iter().position(|(_, count)| *count >= rank)?;
        let (bound, count) = grown[place];
        let (low, below) = match place.checked_sub(1) {
            Some(place) => grown[place],
            None if bound <= 0.0 => return Some(bound),
            None => (0.0, 0.0),
        };
        if bound.is_infinite() {
            // Above the highest bound nothing more is known.
            return (place > 0).then_some(low);
        }
        Some(if count > below {
            low + (bound - low) * (rank - below) / (count - below)
        } else {
            bound
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(counts: [f64; 4]) -> Buckets {
        let mut buckets = Buckets::default();
        for (bound, count) in ["0.5", "+Inf", "0.1", "1"]
            .iter()
            .zip([counts[1], counts[3], counts[0], counts[2]])
        {
            assert!(buckets.add(bound, count));
        }
        buckets
    }

    #[test]
    fn a_quantile_is_of_what_was_counted_in_between() {
        let before = buckets([100.0, 100.0, 100.0, 100.0]);
        let now = buckets([100.0, 102.0, 104.0, 108.0]);
        // Of eight, two are up to 0.5, four up to 1: the second is at the end of the first bucket.
        assert_eq!(now.quantile_since(&before, 0.25), Some(0.5));
        assert_eq!(now.quantile_since(&before, 0.375), Some(0.75));
        assert_eq!(now.quantile_since(&before, 0.5), Some(1.0));
        assert_eq!(now.quantile_since(&before, 0.99), Some(1.0), "not infinite");
        assert_eq!(now.quantile_since(&now, 0.5), None);
        assert_eq!(before.quantile_since(&now, 0.5), None, "it began again");
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        let mut buckets = Buckets::default();
        assert!(
            !buckets.add("much", 1.0) && !buckets.add("NaN", 1.0) && !buckets.add("1", f64::NAN)
        );
        for bound in 0..MOST {
            assert!(buckets.add(&bound.to_string(), 1.0));
        }
        assert!(!buckets.add("0.5", 1.0));
        assert!(buckets.add("7", 1.0), "it is there already");
    }
}
