//! Makes a plan happen: puts the images in place, lets virtual users loose, and brings back the record.
//!
//! Nothing is shared on the hot path. Each worker is a thread with an event loop, connections and a recorder of its
//! own; user i lives on worker i modulo their number, and so does arrival i of an open load. What an iteration does
//! follows from the seed and its number alone, so that the load is the same on any number of workers. A work-stealing runtime was refused: it would move users
//! between cores in the middle of what they measure.
//!
//! Every iteration that is started ends in exactly one counted outcome, on every path. Judging the record is
//! somebody else's job.

mod bystander;
mod choice;
mod classify;
mod clean_up;
mod clock;
mod closed;
mod crew;
mod error;
mod images;
mod inventory;
mod leash;
mod leftovers;
mod load;
mod notes;
mod observer;
mod occupancy;
mod open;
mod pacer;
mod pair;
mod patience;
mod prepare;
mod prepared;
mod run;
mod search;
mod seeds;
mod shared;
mod stop;
mod stopwatch;
mod target;
mod tracks;
mod turn;
mod virtual_user;
mod work;
mod worker;

pub use crew::{Crew, Due, Offered};
pub use error::Error;
pub use load::Finished;
pub use pacer::Pacer;
pub use pair::{Pair, Slice, pair};
pub use prepare::Seeded;
pub use prepared::{Around, Prepared, Setup, Stock, TargetIdentity};
pub use run::{Progress, run, run_watched};
pub use search::{Hooks, Searched, Trial, search};
pub use stop::{Stop, Stopper, stop};
pub use tracks::catalogue;
