//! What the difference between two builds is, and how sure that is: tests, intervals and corrections over plain numbers. And
//! what a series over time does: how fast it grows, and what it moves with.
//!
//! Pure: the same numbers and the same seed give the same result. Nothing panics on any input. Where the numbers do not
//! carry a result (too few, one that is not finite, an error level outside (0, 1)) there is none: [`None`].
//!
//! Not here: what the numbers are of (`measure`), and what is decided from them (`verdict`).
//!
//! The decision that shaped the room: the unit of evidence is a pair of runs, not a request. Requests of one run share its
//! queues, caches and neighbours; a test that takes them for independent finds a difference between any two runs. Latencies
//! are compared as ln(candidate / base), which is the same size in both directions and has no unit.

mod adjust;
mod blocks;
mod bootstrap;
mod moments;
mod paired;
mod pocock;
mod power;
mod proportion;
mod ranks;
mod shift;
mod spearman;
mod spending;
mod student;
mod theil_sen;
mod unpaired;

pub use adjust::{benjamini_hochberg, holm};
pub use blocks::{Blocks, Resampled, autocorrelation_time, block_length};
pub use paired::{Method, Paired, paired, paired_by_student};
pub use pocock::pocock;
pub use power::{detectable_effect, pairs_needed};
pub use proportion::{agresti_caffo, shares};
pub use ranks::{hodges_lehmann, hodges_lehmann_shift, mann_whitney_p, outlier, wilcoxon_p};
pub use shift::{Interval, MIN_PAIRS, Shift};
pub use spearman::{Correlation, MIN_STEPS, rho_of_chance, spearman};
pub use spending::Spending;
pub use student::{normal_tail, normal_upper_quantile};
pub use theil_sen::{Slope, theil_sen};
pub use unpaired::{Unpaired, unpaired};
