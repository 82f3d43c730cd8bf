//! Runs the loads of a plan: puts the images in place, starts the virtual users, and returns what they measured.
//!
//! [`Setup`] opens images and target, [`Prepared`] is a target that responds and has the images, and takes one load after the
//! other; [`run`] does all of it for one load.
//!
//! Nothing is shared on the hot path. Each worker is a thread with an event loop, connections and a recorder of its
//! own; user i lives on worker i modulo their number, and so does arrival i of an open load. What an iteration does
//! follows from the seed and its number alone, so that the load is the same on any number of workers. A work-stealing
//! runtime was refused: it would move users between cores in the middle of what they measure.
//!
//! Every iteration that is started ends in exactly one counted outcome, on every path. The record is judged by `session`.

mod audit;
mod audit_checks;
mod audit_lists;
mod audit_tags;
mod begun;
mod cancellation;
mod choice;
mod classify;
mod clean_up;
mod client_draws;
mod clock;
mod closed;
mod context;
mod error;
mod finished;
mod flickers;
mod globs;
mod hooks;
mod idle_users;
mod images;
mod inventory;
mod iteration_id;
mod iteration_timer;
mod left_connections;
mod left_uploads;
mod leftovers;
mod load;
mod lost;
mod notes;
mod observer;
mod occasion;
mod open;
mod pacer;
mod prepare;
mod prepared;
mod probe;
mod progress;
mod promises;
mod registers;
mod replay;
mod replayed;
mod resolved;
mod retries;
mod run;
mod seeds;
mod shared;
mod stop;
mod store_times;
mod tag_writes;
mod tags_seen;
mod target;
mod telemetry;
mod tracing;
mod tracks;
mod upstream;
mod used;
mod user_states;
mod variants;
mod virtual_user;
mod work;
mod worker;

pub use audit::{Audited, ReadBack};
pub use audit_checks::AuditFinding;
pub use error::{Error, Unmatched};
pub use finished::{Around, Finished, FoundImages, ReplayCounts, TagFlickers, TargetIdentity};
pub use idle_users::{Due, IdleUsers, Offered};
pub use load::{StartGate, soon};
pub use lost::{left, lost};
pub use pacer::Pacer;
pub use prepare::Seeded;
pub use prepared::{CleanedUp, Closed, LeftPrepared, Prepared, Setup, Stock};
pub use progress::Progress;
pub use run::run;
pub use shared::RunPart;
pub use stop::{Stop, Stopper, stop};
pub use tracks::catalogue;
pub use upstream::UpstreamCounts;
