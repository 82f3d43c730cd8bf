//! One of several shards that make a run together: what they cannot share, and when one starts.

use std::thread;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::error::Error;
use crate::engine::{self, Stop};
use crate::meeting;
use crate::oci::Digest;
use crate::plan::Plan;
use crate::result::Preparation;
use crate::schedule::Shard;

/// The part of a run that this process does, and when that starts.
#[derive(Debug, Clone)]
pub struct Part {
    /// The part.
    pub shard: Shard,
    /// Who said which one it is, for people: `--shard`, or the variables of an engine.
    pub from: String,
    /// When all shards start.
    pub start: Start,
    /// The share of the shards that may be lost before the run is invalid.
    pub allowed: f64,
}

/// When all shards of a run start.
#[derive(Debug, Clone)]
pub enum Start {
    /// At that time, by the clocks of their machines.
    At {
        /// The time.
        start: SystemTime,
        /// What was done before to prepare the target; if nothing, the first shard prepares it.
        prepared: Option<Box<Preparation>>,
    },
    /// When this one says so, which is the first: the others come to it.
    Host(meeting::HostSettings),
    /// When the first shard says so, where they meet.
    Join(meeting::GuestSettings),
}

impl Part {
    /// Returns what was done before to prepare the target.
    pub(super) fn prepared(&self) -> Option<&Preparation> {
        match &self.start {
            Start::At { prepared, .. } => prepared.as_deref(),
            Start::Host(_) | Start::Join(_) => None,
        }
    }
}

/// How long before the start the workers are told.
const LEAD: Duration = Duration::from_millis(200);

/// The least of that: less, and their users would not be there in time.
const LEAST_LEAD: Duration = Duration::from_millis(50);

/// How often a wait looks for a signal to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Returns the number of a run whose shards start at that time: the same for all of them, and for no other run.
pub(super) fn run_at(plan: &Plan, start: SystemTime) -> u64 {
    let since = start.duration_since(SystemTime::UNIX_EPOCH);
    let micros = since.map_or(0, |it| it.as_micros());
    let text = format!("{} {micros}", plan.fingerprint());
    let digest = Digest::sha256(text.as_bytes()).to_hex();
    // A digest has more than 16 hexadecimal digits.
    u64::from_str_radix(&digest[..16], 16).unwrap_or(0)
}

/// Checks that there is time left before the start: nothing is to be sent for a load that will not be.
///
/// # Errors
/// When it is too late.
pub(super) fn in_time(start: Instant) -> Result<(), Error> {
    let now = Instant::now();
    if now + LEAST_LEAD <= start {
        return Ok(());
    }
    let by = now.saturating_duration_since(start);
    Err(Error::Late { by })
}

/// Waits until shortly before the start, and returns that.
///
/// # Errors
/// When it is too late for it, and when the run is stopped.
#[expect(
    clippy::disallowed_methods,
    reason = "the thread of the caller, before any load"
)]
pub(super) fn wait(start: Instant, stop: &Stop) -> Result<Instant, Error> {
    loop {
        let now = Instant::now();
        let Some(left) = start.checked_duration_since(now + LEAD) else {
            return in_time(start).map(|()| start);
        };
        if stop.asked().is_some() {
            return Err(engine::Error::Interrupted.into());
        }
        thread::sleep(LOOK_EVERY.min(left + Duration::from_micros(1)));
    }
}
