//! Closed executors: users that start over when they are done, however long that takes.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;

use super::begun::{Begun, OfUser, Settled, SharedOfLoad};
use super::clock::{Busy, LoadClock};
use super::context::Context;
use super::iteration_id::IterationId;
use super::stop::Stop;
use super::user_states::UserStates;
use super::virtual_user::{Done, Freed, Start, VirtualUser};
use crate::measure::{DropReason, DroppedStart, Outcome};
use crate::plan::{Executor, Length, Load, Quota};
use crate::schedule::Span;

/// Failures in a row after which a user still starts over at once.
const FREE_FAILURES: u32 = 3;

/// After the next one, its starts are that far apart; then twice as far, ...
const FIRST_DISTANCE: Duration = Duration::from_millis(10);

/// ... up to this: four tries a second find out soon enough that the target is back.
const LAST_DISTANCE: Duration = Duration::from_millis(250);

/// The note of each backoff.
const BACKED_OFF: &str =
    "a closed user backed off before it started over: its last iterations failed at once";

/// A user of a closed load.
pub(super) struct Closed {
    user: VirtualUser,
    number: u32, // within its load
    begun: OfUser,
    shared: Option<SharedOfLoad>, // what users share is numbered by the load
    taken: u64,                   // the last of those that this user took
    failed: u32,                  // iterations, one after the other
    busy: Busy,
}

/// A time in which a user starts over.
#[derive(Debug, Clone, Copy)]
struct Life {
    /// Its first iteration is due.
    from: Instant,
    /// It starts none from here on.
    until: Instant,
    /// What it does then is dropped.
    cut: Instant,
}

impl Closed {
    pub(super) fn new(
        context: &Rc<Context>,
        load: usize,
        (vu, number): (u64, u32),
        shared: Option<SharedOfLoad>,
        stop: Stop,
    ) -> Self {
        Self {
            // The states of closed users are not read: no start of theirs is dropped for want of a user.
            user: VirtualUser::new(context, load, stop, UserStates::of(1)),
            number,
            begun: OfUser::new(context.shared.trial, vu, context.shared.keeps_stored),
            shared,
            taken: 0,
            failed: 0,
            busy: context.shared.ends.busy(load),
        }
    }

    /// Runs until the load is over or the run is stopped.
    pub(super) async fn run(mut self) -> Done {
        let shared = self.user.context.shared.clone();
        let clock = self.user.context.clock;
        let load = &shared.plan.loads[self.user.load];
        let mut stop = self.user.cancellation.stop();
        let known = tokio::select! {
            biased;
            known = shared.ends.clock(&clock, &shared.plan, self.user.load) => Some(known),
            () = stop.wait_asked() => None,
        };
        if let Some(of_load) = known {
            for life in lives(&load.executor, &of_load, self.number) {
                self.live(&of_load, life).await;
            }
            if let Length::Set(_) = load.executor.length()
                && stop.asked().is_none()
            {
                // The load lasted to its end, whenever the last iteration ended.
                let end = self.user.context.since_epoch(of_load.end);
                self.user.measured_until = self.user.measured_until.max(end);
            }
        }
        drop(self.busy);
        Done {
            load: self.user.load,
            begun: self.shared.is_none().then_some(Begun::Of(self.begun)),
            measured_until: self.user.measured_until,
            cancel_time: self.user.cancel_abandoned().await,
        }
    }

    async fn live(&mut self, clock: &LoadClock, life: Life) {
        let shared = self.user.context.shared.clone();
        let load = &shared.plan.loads[self.user.load];
        let mut due = life.from + offset(load, self.number);
        self.user.cancellation.wait(due.min(life.until)).await;
        while let Some(now) = self.may_start(due, life.until) {
            if load.pacing.is_none() {
                due = now;
            }
            let start = self.start(due, clock, life.cut);
            self.begin();
            let drawn = self.user.schedule(&start);
            let freed = self.user.iterate(start, drawn, now).await;
            self.note(freed.settled());
            let Freed { ended, free, .. } = freed;
            due = match load.pacing {
                None => free.max(now + self.back_off(&freed, now)),
                Some(pacing) => {
                    let free = free.min(life.until);
                    next_cycle(due, pacing, free, |due| self.missed(due, clock, freed))
                }
            };
            if due > ended {
                self.user.cancellation.wait(due.min(life.until)).await;
            } else {
                // Responses that have come are read before another request is sent: they do not wait for each other's next
                // requests, and what is done for many at a time costs less for each.
                yield_now().await;
            }
        }
    }

    /// Returns how long after the start of an iteration the next one may start, if it failed as those before it did. What
    /// takes as long by itself is not held up.
    fn back_off(&mut self, freed: &Freed, started: Instant) -> Duration {
        self.failed = match freed.outcome {
            Outcome::Ok => 0,
            Outcome::Failed(_) => self.failed.saturating_add(1),
            Outcome::Cancelled | Outcome::Misbehaved(_) => self.failed,
        };
        let distance = distance(self.failed);
        if freed.free < started + distance {
            self.user.context.note(BACKED_OFF.to_owned());
        }
        distance
    }

    fn begin(&mut self) {
        self.begun.count += 1;
        if let Some(shared) = &self.shared {
            shared.borrow_mut().begin();
        }
    }

    fn note(&mut self, settled: Settled) {
        match &self.shared {
            Some(shared) => shared.borrow_mut().note(self.taken, settled),
            None => self.begun.note(settled),
        }
    }

    fn start(&self, due: Instant, clock: &LoadClock, cut: Instant) -> Start {
        let shared = &self.user.context.shared;
        let at = due.saturating_duration_since(clock.measured);
        Start {
            id: match self.shared {
                Some(_) => IterationId::of_load(shared.trial, self.user.load, self.taken),
                None => IterationId::of_user(shared.trial, self.begun.vu, self.begun.count),
            },
            due,
            measured: clock.measured,
            stage: shared.tracks.stage(self.user.load, at),
            cut,
        }
    }

    /// Counts a cycle of a pace that has passed altogether while the user was busy.
    fn missed(&self, due: Instant, clock: &LoadClock, freed: Freed) {
        let missed = self.start(due, clock, clock.cut);
        let drawn = self.user.context.draw(self.user.load, &missed);
        let mut recorder = self.user.context.recorder.borrow_mut();
        recorder.scheduled(drawn.track, drawn.period, drawn.due);
        let passed = DroppedStart {
            reason: DropReason::Overrun,
            cause: self.user.kept_by(Some(freed)),
        };
        recorder.dropped(drawn.track, drawn.period, drawn.due, passed);
    }

    /// Returns the time, if an iteration that is due then may start.
    fn may_start(&mut self, due: Instant, until: Instant) -> Option<Instant> {
        let now = Instant::now();
        if self.user.cancellation.is_asked() || now >= until || due > now {
            return None;
        }
        let shared = &self.user.context.shared;
        let may = match shared.plan.loads[self.user.load].executor.quota() {
            Quota::Endless => true,
            Quota::Each(number) => self.begun.count < number,
            Quota::Together(_) => match shared.take(self.user.load) {
                Some(number) => {
                    self.taken = number;
                    true
                }
                None => false,
            },
        };
        may.then_some(now)
    }
}

/// Returns the backoff of a user after so many failed iterations in a row: the shortest time between two starts. A failure
/// now and then causes none.
fn distance(failed: u32) -> Duration {
    let doublings = match failed.checked_sub(FREE_FAILURES + 1) {
        None => return Duration::ZERO,
        Some(doublings) => doublings.min(16),
    };
    LAST_DISTANCE.min(FIRST_DISTANCE * 2_u32.pow(doublings))
}

/// Returns when a user starts over: once from begin to end, or as the line of a ramp reaches and leaves it.
fn lives(executor: &Executor, clock: &LoadClock, number: u32) -> Vec<Life> {
    let (Some(users), Executor::RampingVus(ramp)) = (executor.users(), executor) else {
        return vec![Life {
            from: clock.begin,
            until: clock.end,
            cut: clock.cut,
        }];
    };
    let life = |span: Span| {
        let until = clock.begin + span.until;
        Life {
            from: clock.begin + span.from,
            until,
            // Who is there to the end has the time that the load has.
            cut: if until < clock.end {
                clock.cut.min(until + ramp.graceful_ramp_down)
            } else {
                clock.cut
            },
        }
    };
    users.spans(number).map(life).collect()
}

/// Users that keep a pace do not all start at once: their first starts are spread over one interval.
fn offset(load: &Load, number: u32) -> Duration {
    load.pacing.map_or(Duration::ZERO, |pacing| {
        let users = load.executor.vus().max(1);
        pacing * number / users
    })
}

/// Returns the cycle of a pace that follows the last for a user that is free from then on. One that is late starts at once;
/// those that have passed altogether are given to `missed`.
pub(super) fn next_cycle(
    last: Instant,
    pacing: Duration,
    free: Instant,
    mut missed: impl FnMut(Instant),
) -> Instant {
    let mut due = last + pacing;
    while due + pacing <= free {
        missed(due);
        due += pacing;
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Begin, RampingVus, Stage};

    const SECOND: Duration = Duration::from_secs(1);

    fn ramping() -> Load {
        let stage = |seconds, target| Stage {
            name: String::new(),
            duration: seconds * SECOND,
            target,
        };
        Load {
            name: "users".to_owned(),
            mix: Vec::new(),
            executor: Executor::RampingVus(RampingVus {
                start_vus: 0,
                stages: vec![stage(4, 4), stage(2, 4), stage(4, 0)],
                graceful_ramp_down: 3 * SECOND,
            }),
            begin: Begin::WITH_THE_RUN,
            warmup: Duration::ZERO,
            graceful_stop: 5 * SECOND,
            pacing: Some(2 * SECOND),
        }
    }

    #[test]
    fn users_of_a_ramp_live_as_the_line_reaches_and_leaves_them() {
        let load = ramping();
        let begin = Instant::now();
        let end = begin + 10 * SECOND;
        let clock = LoadClock {
            begin,
            measured: begin,
            end,
            cut: end + 5 * SECOND,
        };
        // Up: user k of 4 starts after k seconds. Down from second 6: the last goes after 1 s, the first after 4 s.
        for (number, from, until) in [(0, 1, 10), (1, 2, 9), (2, 3, 8), (3, 4, 7)] {
            let lives = lives(&load.executor, &clock, number);
            assert_eq!(lives.len(), 1);
            assert_eq!(lives[0].from - begin, from * SECOND);
            assert_eq!(lives[0].until - begin, until * SECOND);
            // 3 s of graceful ramp-down; who stays to the end has the 5 s of the load.
            let grace = if until == 10 { 5 } else { 3 };
            assert_eq!(lives[0].cut - begin, (until + grace) * SECOND);
        }
        assert_eq!(offset(&load, 3), SECOND * 3 / 2); // 3/4 of 2 s
    }

    #[test]
    fn failures_in_a_row_put_starts_apart_and_a_few_do_not() {
        let distances =
            [0, 1, 3, 4, 5, 6, 7, 8, 9, 40, u32::MAX].map(|it| distance(it).as_millis());
        assert_eq!(distances, [0, 0, 0, 10, 20, 40, 80, 160, 250, 250, 250]);
    }

    #[test]
    fn a_cycle_that_is_late_starts_at_once_and_what_has_passed_is_missed() {
        let begin = Instant::now();
        let next = |last: u32, free: u32| {
            let mut missed = Vec::new();
            let seconds = |it: u32| begin + it * SECOND;
            let due = next_cycle(seconds(last), 10 * SECOND, seconds(free), |due| {
                missed.push((due - begin).as_secs());
            });
            ((due - begin).as_secs(), missed)
        };
        assert_eq!(next(0, 3), (10, vec![])); // in time
        assert_eq!(next(0, 14), (10, vec![])); // 4 s late
        assert_eq!(next(0, 20), (20, vec![10])); // the cycle from 10 to 20 has passed
        assert_eq!(next(0, 45), (40, vec![10, 20, 30])); // and is 5 s late
    }
}
