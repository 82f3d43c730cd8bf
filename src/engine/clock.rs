//! When the parts of a run begin and end.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::plan::{Length, Load, Plan};

/// The instants that all workers go by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// The load begins.
    pub(super) start: Instant,
    /// The measured window opens: after the longest warm-up of the loads that begin with the run.
    pub(super) epoch: Instant,
}

/// The instants of one load.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadClock {
    /// Its first iteration may start.
    pub(super) begin: Instant,
    /// Iterations that are due before this warm up.
    pub(super) measured: Instant,
    /// No iteration is due, and no closed user starts one, from here on.
    pub(super) end: Instant,
    /// Iterations under way are dropped.
    pub(super) cut: Instant,
}

impl Clock {
    pub(super) fn new(plan: &Plan, start: Instant) -> Self {
        Self {
            start,
            epoch: start + plan.warm_up(),
        }
    }

    /// Returns the instants of a load that follow from the plan: not those of a load that waits for the iterations of another.
    pub(super) fn planned(&self, plan: &Plan, load: usize) -> Option<LoadClock> {
        let load = &plan.loads[load];
        let after = match load.begin.after {
            None => None,
            Some(after) => match plan.loads[after].executor.length() {
                Length::Set(_) => Some(self.planned(plan, after)?.end),
                Length::AtMost(_) => return None,
            },
        };
        Some(self.of(load, after))
    }

    /// Returns the instants of a load that begins with the run, or after another has ended.
    fn of(&self, load: &Load, after: Option<Instant>) -> LoadClock {
        let (begin, measured) = if load.warms_up_before() {
            (self.start, self.epoch)
        } else {
            let begin = after.unwrap_or(self.epoch) + load.begin.delay;
            (begin, begin + load.warmup)
        };
        let end = measured + load.executor.length().longest();
        LoadClock {
            begin,
            measured,
            end,
            cut: end + load.graceful_stop,
        }
    }
}

/// The ends of all loads, for those that wait for them.
#[derive(Debug)]
pub(super) struct Ends(Arc<[watch::Sender<End>]>);

#[derive(Debug, Clone, Copy)]
struct End {
    /// Users, or workers' parts of an open load, that may start something yet.
    busy: usize,
    /// When there was none left.
    at: Option<Instant>,
}

/// A user, or a part of an open load, that may start something yet. Dropped when that is over, for whatever reason.
pub(super) struct Busy {
    ends: Arc<[watch::Sender<End>]>,
    load: usize,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.ends[self.load].send_modify(|end| {
            end.busy = end.busy.saturating_sub(1);
            if end.busy == 0 {
                end.at = Some(Instant::now());
            }
        });
    }
}

impl Ends {
    /// Counts the users or parts of each load.
    pub(super) fn new(busy: impl Iterator<Item = usize>) -> Self {
        Self(
            busy.map(|busy| watch::Sender::new(End { busy, at: None }))
                .collect(),
        )
    }

    /// Returns the guard of one user or part of a load.
    pub(super) fn busy(&self, load: usize) -> Busy {
        Busy {
            ends: Arc::clone(&self.0),
            load,
        }
    }

    /// Waits until a load is known to begin, and gives its instants: at once, unless it waits for a load that
    /// ends with its iterations.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn clock(&self, clock: &Clock, plan: &Plan, load: usize) -> LoadClock {
        // From the load that waits for none to this one.
        let mut chain = vec![load];
        while let Some(after) = plan.loads[chain[chain.len() - 1]].begin.after {
            chain.push(after);
        }
        let mut after = None;
        loop {
            let index = chain.pop().unwrap_or(load);
            let of = clock.of(&plan.loads[index], after);
            if chain.is_empty() {
                return of;
            }
            after = Some(match plan.loads[index].executor.length() {
                Length::Set(_) => of.end,
                Length::AtMost(_) => self.ended(index).await,
            });
        }
    }

    /// Waits for the end of a load, and returns when that was: the same instant for every caller.
    async fn ended(&self, load: usize) -> Instant {
        let mut end = self.0[load].subscribe();
        let ended = end.wait_for(|end| end.at.is_some()).await;
        // The sender is here, so it ends only with an end.
        let at = ended.ok().and_then(|end| end.at);
        at.unwrap_or_else(Instant::now)
    }
}
