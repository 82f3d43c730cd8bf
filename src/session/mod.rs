//! A whole run, capacity search or comparison of two builds, from the plan to its stored result.
//!
//! [`run`] takes a plan and gives a [`Document`](crate::result::Document): it opens the images and the target, runs the
//! load, judges the thresholds while it runs (one of them may end it) and at its end, and judges the generator. A plan that
//! searches for the capacity is run trial by trial. What happens meanwhile is reported as [`Event`]s, to a closure on the
//! thread of the caller, so that a command only has to show it. A [`Pairing`] compares two live builds; its caller makes each
//! pair, because it may have to restart the builds before.
//!
//! ```text
//! run     Stock -> Setup -> Prepared -> load, watched by the thresholds -> close -> Document
//! search  the same, with a load for each trial: schedule::Search decides the rate, verdict::trial_outcome the outcome
//! pair    a Prepared for each side, loaded in turn, slice by slice; or a search for each side
//! Pairing pair after pair, judged by compare::Judge at each look of compare::Looks or compare::Budget -> Comparison
//! ```
//!
//! [`preflight`] says before a run what does not fit into the machine, and [`calibrate`] what the machine can reach.
//!
//! Not here: what a load does and measures (`engine`), and what is shown (`report`). Nothing here reads files, the
//! environment or signals: the caller gives what it has read as [`Options`].

mod audited;
mod calibrate;
mod clean_up;
mod conclude;
mod course;
mod cut;
mod error;
mod event;
mod hooks;
mod job;
mod missing;
mod options;
mod pair;
mod pair_clock;
mod pairing;
mod preflight;
mod prepare;
mod role;
mod run;
mod search;
mod shard;
mod unshared;

pub use calibrate::calibrate;
pub use clean_up::clean_up;
pub use conclude::{Handed, Outcome};
pub use course::Until;
pub use cut::{Cut, TooShort};
pub use error::{Error, HooksRefused, NotLeft};
pub use event::Event;
pub use missing::add_missing;
pub use options::Options;
pub use pairing::{Pair, Pairing, PairingSettings, Step};
pub use preflight::preflight;
pub use prepare::prepare;
pub use run::run;
pub use search::capacity_search;
pub use shard::{Part, Start};
pub use unshared::{Unshared, check_shared};
