//! When iterations are due and when users live: the shapes of a load over time, and the search for the highest rate.
//!
//! Pure: no clock, no task, no thread. A shape is a value, and asking it twice gives the same instants; the engine
//! waits for them. All times are since the load began. A search is a value, too: it says what to try next, and the
//! engine tries it.
//!
//! Not for waiting, not for judging a trial, and not for choosing what an iteration does.
//!
//! Decision: the number of arrivals so far is the area under the rate, in whole numbers (millionths of an iteration
//! times nanoseconds), and an instant is found by solving for the area. Adding up gaps was refused, because the
//! rounding of each would be in all that follow: the number of arrivals of a long load would not be rate times time,
//! and the lanes of several workers would drift apart.

mod arrivals;
mod curve;
mod search;
mod shard;
mod sides;
mod span;
mod users;

pub use arrivals::{Arrival, Arrivals, Spacing};
pub use curve::{Curve, Ramp, RampError, Stage};
pub use search::{
    Found, High, Limit, Low, Search, SearchEnd, SearchSpec, SearchSpecError, Standing, Step, Trial,
    TrialKind, TrialOutcome,
};
pub use shard::{Shard, ShardError};
pub use sides::{Side, alternating, coin};
pub use span::{Span, stage_at};
pub use users::{UserStage, Users};
