//! Judges whether a run is good enough: thresholds against what was measured, while it runs and at its end.
//!
//! Not here: what is counted for a threshold (`measure`, told by [`view`]), how thresholds are written (`scenario`),
//! and the bounds of the generator's health (`health`), which is asked first: [`Ran::health`].
//!
//! The decision that shaped the room: a verdict is given only where every truth that fits to the samples would give the
//! same. Iterations that were cut or timed out would have taken at least as long as they did, so a latency is known
//! between two bounds: the unfinished taken as they are, and the unfinished taken as endless. A limit that the lower
//! bound breaks is broken; one that the upper bound keeps is kept; in between the verdict is inconclusive, and says what
//! decides. Iterations that were due and never began are bounded in the same way: done in no time, or never. The buckets
//! of the histogram are bounds of the same kind. Refused: to leave the unfinished and the dropped out, as k6 does, with
//! which a registry that hangs has excellent percentiles.

mod bounds;
mod capacity;
mod evidence;
mod generator;
mod judge;
mod latency;
mod number;
mod server;
mod threshold_result;
mod view;
mod watch;

pub use capacity::{Criterion, trial_outcome};
pub use evidence::{Basis, Evidence, Moment, ServerDemand};
pub use generator::Ran;
pub use judge::judge;
pub use threshold_result::{Figure, Observation, Overall, Reason, Status, ThresholdResult};
pub use view::{judged_span, view};
pub use watch::Watch;
