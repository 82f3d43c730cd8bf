//! One of several shards that make a run together: what they cannot share, and when one starts.

use std::thread;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::error::Error;
use super::search::capacity_search;
use crate::engine::{self, RunPart, Stop};
use crate::plan::{Length, Place, Plan};
use crate::result::{ShardPart, WallClock};
use crate::schedule::Shard;

/// The part of a run that this process does, and when that starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part.
    pub shard: Shard,
    /// Who said which one it is, for people: `--shard`, or the variables of an engine.
    pub from: String,
    /// When all shards start.
    pub start: SystemTime,
}

/// Why a plan cannot be shared out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unshared {
    /// Every process would have a registry of its own.
    #[error(
        "the target is the embedded registry, which each shard would have for itself; use the address of one registry"
    )]
    Embedded,
    /// The next trial depends on the last one of all shards.
    #[error(
        "a capacity search has no shards: its next rate depends on what all of them measured; use constant-arrival-rate"
    )]
    Search,
    /// A load begins when another has no more iterations, which is at another moment on each shard.
    #[error(
        "`{load}` starts after `{after}`, which ends with its iterations: at another moment on each shard; let it start after a load that ends by time"
    )]
    Begin {
        /// The load that waits.
        load: String,
        /// The one that it waits for.
        after: String,
    },
}

/// How long before the start the workers are told.
const LEAD: Duration = Duration::from_millis(200);

/// The least of that: less, and their users would not be there in time.
const LEAST_LEAD: Duration = Duration::from_millis(50);

/// How often a wait looks for a signal to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Checks that several processes can do parts of a plan.
///
/// # Errors
/// What speaks against it.
pub fn check_shared(plan: &Plan) -> Result<(), Unshared> {
    if let Place::Embedded(_) = plan.target.place {
        return Err(Unshared::Embedded);
    }
    if capacity_search(plan).is_some() {
        return Err(Unshared::Search);
    }
    for load in &plan.loads {
        let after = load.begin.after.map(|it| &plan.loads[it]);
        if let Some(after) = after
            && let Length::AtMost(_) = after.executor.length()
        {
            return Err(Unshared::Begin {
                load: load.name.clone(),
                after: after.name.clone(),
            });
        }
    }
    Ok(())
}

impl Part {
    /// Returns the number of the run, which is the same for all its shards and for no other run: it follows from the plan and
    /// the start.
    pub(super) fn run(&self, plan: &Plan) -> RunPart {
        let start = self.start.duration_since(SystemTime::UNIX_EPOCH);
        let micros = start.map_or(0, |it| it.as_micros());
        let text = format!("{} {micros}", plan.fingerprint());
        let digest = crate::oci::Digest::sha256(text.as_bytes()).to_hex();
        RunPart {
            // A digest has more than 16 hexadecimal digits.
            id: u64::from_str_radix(&digest[..16], 16).unwrap_or(0),
            shard: self.shard,
        }
    }

    /// Returns what the report says of it.
    pub(super) fn told(&self, run: RunPart) -> ShardPart {
        ShardPart {
            index: self.shard.index(),
            count: self.shard.count(),
            run: format!("{:016x}", run.id),
            from: self.from.clone(),
        }
    }

    /// Returns how long it is until the start; zero if that is past.
    pub(super) fn left(&self, clock: WallClock) -> Duration {
        let start = clock.instant(self.start);
        start.saturating_duration_since(Instant::now())
    }

    /// Waits until shortly before the start, and returns that.
    ///
    /// # Errors
    /// When it is too late for it, and when the run is stopped.
    #[expect(
        clippy::disallowed_methods,
        reason = "the thread of the caller, before any load"
    )]
    pub(super) fn wait(&self, clock: WallClock, stop: &Stop) -> Result<Instant, Error> {
        let start = clock.instant(self.start);
        loop {
            let now = Instant::now();
            let Some(left) = start.checked_duration_since(now + LEAD) else {
                return if now + LEAST_LEAD <= start {
                    Ok(start)
                } else {
                    let by = now.saturating_duration_since(start);
                    Err(Error::Late { by })
                };
            };
            if stop.asked().is_some() {
                return Err(engine::Error::Interrupted.into());
            }
            thread::sleep(LOOK_EVERY.min(left + Duration::from_micros(1)));
        }
    }
}
