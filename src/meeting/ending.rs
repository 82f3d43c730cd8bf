//! The end of a run at the first shard: until when it waits for each of the others, and what came of them.

use std::time::Duration;

use tokio::time::Instant;

use super::book::State;
use super::guest::GRACE;
use super::host::{Host, LOOK_EVERY};
use super::message::Report;
use crate::engine::Stop;
use crate::plan::Stored;
use crate::result::{ClockError, Document};

/// How long a guest may take to hand over its report, once the plan gives its load no more time.
const LAST_WORDS: Duration = Duration::from_mins(1);

/// How long a guest that is lost may still make requests. It notices when the host does: it is as long silent for it, or hears that
/// the connection ends. Then its iterations under way may end. A machine that stands still goes on later; nobody knows when.
const SETTLED: Duration = GRACE.saturating_add(Duration::from_secs(1));

/// Why a shard is lost that is told nothing else of.
const LATE: &str = "it did not end in time";

/// What came of a guest.
#[derive(Debug)]
pub struct Ended {
    /// Its number.
    pub index: u32,
    /// The machine that it ran on, as it said when it came.
    pub host: Option<String>,
    /// How well its clock is known.
    pub clock: ClockError,
    /// What it measured, or why that is not known.
    pub end: End,
}

/// How a guest has ended.
#[derive(Debug)]
pub enum End {
    /// It measured to its end.
    Measured {
        /// What it measured.
        document: Box<Document>,
        /// What it has left in the registry.
        stored: Stored,
        /// Users or workers that ended in a panic.
        panics: u64,
        /// When it was stopped by a signal of its own, since the load began.
        stopped_at: Option<Duration>,
    },
    /// Nothing more is heard of it.
    Lost(String),
}

/// Until when shards may make requests, by the plan.
#[derive(Debug, Clone, Copy)]
pub struct Latest {
    /// The end of the load, if nothing stops it.
    pub planned: Instant,
    /// What iterations under way may take to end.
    pub graceful: Duration,
    /// Whether something is deleted then that a shard which is lost may still use.
    pub deletes: bool,
}

impl Latest {
    /// Returns until when a shard is waited for that does not end.
    fn deadline(self, asked: Option<Instant>) -> Instant {
        let end = asked.map_or(self.planned, |it| it.min(self.planned));
        end + self.graceful + LAST_WORDS
    }
}

impl Host {
    /// Waits until each of the others has ended or is lost and makes no more requests, and returns what came of them, in their
    /// order. `tell` hears of each loss.
    ///
    /// One that the host hears of, and that does not end when the plan says so, is told to drop what it does. Whoever aborts the
    /// run does not wait for those that are lost.
    pub fn finish(
        &self,
        stop: &Stop,
        latest: Latest,
        tell: &mut dyn FnMut(u32, &str),
    ) -> Vec<Ended> {
        loop {
            let deadline = latest.deadline(stop.asked());
            let now = Instant::now();
            if stop.is_aborted() || now >= deadline {
                self.abort();
            } else if stop.asked().is_some() {
                self.drain();
            }
            for (index, why) in self.losses() {
                tell(index, &why);
            }
            let is_over = |it: &State| match it {
                State::Ended(_) => true,
                State::Lost { at, .. } => {
                    !latest.deletes || stop.is_aborted() || *at + SETTLED <= now
                }
                State::Absent | State::Here | State::Ready => false,
            };
            let all = self.book.wait_for(LOOK_EVERY, |peers| {
                let mut states = peers.values().map(|it| &it.state);
                states.all(is_over).then_some(())
            });
            if all.is_some() || now >= deadline + SETTLED {
                break;
            }
        }
        let mut peers = self.book.peers();
        let ends = peers.iter_mut().map(|(index, peer)| {
            let clock = peer.clock.error();
            let unheard = State::Lost {
                why: LATE.to_owned(),
                at: Instant::now(),
            };
            let end = match std::mem::replace(&mut peer.state, unheard) {
                State::Ended(report) => {
                    let Report {
                        document,
                        stored,
                        panics,
                        stopped_at,
                    } = *report;
                    End::Measured {
                        document: Box::new(document),
                        stored,
                        panics,
                        stopped_at,
                    }
                }
                State::Lost { why, .. } => End::Lost(why),
                State::Absent | State::Here | State::Ready => End::Lost(LATE.to_owned()),
            };
            Ended {
                index: *index,
                host: peer.host.take(),
                clock,
                end,
            }
        });
        ends.collect()
    }
}
