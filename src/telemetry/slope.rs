//! How fast a gauge grows over the measured window, restarts left out.

use crate::stats::{Slope, theil_sen};

use super::record::Series;

/// One in so many intervals misses the slope.
const ALPHA: f64 = 0.05;

/// Why there is none.
pub(super) const WHY_NOT: &str = "too few windows, or too much alike, to tell a slope: it takes 20 or more, beside noise and restarts";

/// Returns the slope in a second; `None` where nothing can be concluded.
///
/// Each life of a process has a height of its own, and all have one slope: what a restart takes away is no shrinking, and a
/// leak goes on after it. The window of a restart is of two processes and left out.
pub(super) fn of(series: &Series, window_s: u64, restarts_us: &[u64]) -> Option<Slope> {
    let window = |micros: u64| usize::try_from(micros / 1_000_000 / window_s.max(1)).ok();
    let restarts: Vec<usize> = restarts_us.iter().filter_map(|it| window(*it)).collect();
    let mut lives = vec![Vec::new()];
    for (index, value) in series.windows.iter().enumerate() {
        if restarts.contains(&index) {
            lives.push(Vec::new());
        } else if let (Some(value), Some(life)) = (value, lives.last_mut()) {
            life.push((place(index, window_s), *value));
        }
    }
    theil_sen(&lives, ALPHA)
}

/// Returns when a window begins, in seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "at most 600 windows, and a run of days"
)]
const fn place(index: usize, window_s: u64) -> f64 {
    index as f64 * window_s as f64
}
