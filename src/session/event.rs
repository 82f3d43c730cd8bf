//! What happens while a run is made.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::engine::Progress;
use crate::result::{Document, Preparation, TrialSection};
use crate::schedule::{Side, TrialKind};
use crate::units::Rate;
use crate::verdict::ThresholdResult;

/// What happens while a run is made.
#[derive(Debug)]
pub enum Event<'a> {
    /// One load has come so far; a search has several.
    Load(Progress<'a>),
    /// The first shard cannot listen at the meeting point yet: its name is not known, or is that of another machine.
    NoAddress {
        /// The meeting point.
        of: &'a str,
        /// What was tried last.
        error: &'a io::Error,
    },
    /// The first shard waits for the others.
    Gathering {
        /// Where it listens.
        address: SocketAddr,
        /// How many have not come yet.
        missing: usize,
    },
    /// The first shard does not take one that has come.
    TurnedAway {
        /// From where it came.
        from: IpAddr,
        /// Why.
        why: &'a str,
    },
    /// Another shard goes to the meeting point, at this address.
    Joining(&'a str),
    /// This shard is ready, and waits for the start of all.
    StartsIn(Duration),
    /// Another shard is lost, or was stopped by a signal of its own: the load goes on without it.
    ShardLost {
        /// Its number.
        index: u32,
        /// What happened.
        why: &'a str,
    },
    /// There is no load, and not all that was seeded for it could be deleted.
    Left(&'a str),
    /// There is no load here, and others may have one: what this shard has put into the registry for them stays.
    Prepared(&'a Preparation),
    /// Everything is measured and judged, and what the run has stored is deleted from now on: a result to keep if that does not end.
    Measured(&'a Document),
    /// How the thresholds of the plan stand, in its order. One of them may have [ended the
    /// run](ThresholdResult::ended_run).
    Thresholds(&'a [ThresholdResult]),
    /// A trial of a search begins.
    Trial {
        /// Counted from 1.
        number: u32,
        /// Why it is run.
        kind: TrialKind,
        /// Its rate of iterations.
        rate: Rate,
    },
    /// A trial of a search is judged.
    TrialEnded(&'a TrialSection),
    /// A slice of a pair begins.
    Slice {
        /// Of which side.
        side: Side,
        /// Its place in the pair, from 0.
        place: usize,
        /// How many the pair has.
        of: usize,
    },
}
