//! Makes a plan happen: puts the images in place, lets virtual users loose, and brings back the record.
//!
//! Nothing is shared on the hot path. Each worker is a thread with an event loop, connections and a recorder of its
//! own; user i lives on worker i modulo their number, and what its n-th iteration does follows from (seed, i, n), so
//! that the load is the same on any number of workers. A work-stealing runtime was refused: it would move users
//! between cores in the middle of what they measure.
//!
//! Every iteration that is started ends in exactly one counted outcome, on every path. Judging the record is
//! somebody else's job.

mod choice;
mod classify;
mod clock;
mod error;
mod images;
mod observer;
mod prepare;
mod run;
mod stop;
mod target;
mod virtual_user;
mod worker;

pub use error::Error;
pub use prepare::Seeded;
pub use run::{Finished, Progress, run};
pub use stop::{Stop, Stopper, stop};
