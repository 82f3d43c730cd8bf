//! Two builds, compared: from the stored reports of their runs to what is decided, and how sure that is.
//!
//! The unit of evidence is a run, or a pair of runs that were made in turn; never a request. What is compared is read from
//! whole histograms, so a percentile of several slices is that of all their samples. First comes whether the sides compare
//! at all; a difference that is not allowed makes the comparison invalid, whatever the numbers say.
//!
//! Not here: making the runs (`engine`), the tests themselves (`stats`), and how it is shown (`report`).

mod budget;
mod comparison;
mod decision;
mod differences;
mod gates;
mod judge;
mod look;
mod looks;
mod metric;
mod outlook;
mod pairing;
mod reading;
mod shares;
mod stored;
mod windows;

pub use budget::{Budget, Ending};
pub use comparison::generator_limit;
pub use decision::{Compared, Decided, Decision, Doubt, Evidence, Margin, Role, decide};
pub use gates::{Gates, percentiles};
pub use judge::{Conduct, Judge, Judged};
pub use look::Look;
pub use looks::{Looks, Next};
pub use metric::Design;
pub use outlook::Outlook;
pub use pairing::{Sides, SidesError};
pub use reading::samples_needed;

pub use crate::stats::MIN_PAIRS;
