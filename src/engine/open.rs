//! Open executors: iterations are due on a schedule, whether or not the target keeps up.
//!
//! Each worker of each shard takes every n-th arrival of one stream, so that all together do the same whatever their
//! number. A load with fewer users than there are workers is spread over as many workers as it has users.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::begun::{OfLoad, SharedOfLoad};
use super::clock::{Busy, LoadClock};
use super::context::Context;
use super::idle_users::{Due, IdleUsers, Offered};
use super::iteration_id::IterationId;
use super::pacer::Pacer;
use super::stop::Stop;
use super::user_states::UserStates;
use super::virtual_user::{Done, Freed, Start, VirtualUser};
use crate::measure::{DropCause, DropReason, DroppedStart, LatencyHistogram};
use crate::plan::{Length, OnNoVu};
use crate::schedule::Arrivals;

/// Arrivals that are handed out in a row when the pacer is behind, before the users run.
const IN_A_ROW: u32 = 16;

/// One worker's part of an open load: hands out arrivals to its users.
pub(super) struct Open {
    context: Rc<Context>,
    load: usize,
    idle_users: Rc<IdleUsers>,
    states: Rc<UserStates>,
    lane: (u64, u64),
    stop: Stop,
    busy: Busy,
}

/// A user of an open load.
pub(super) struct Member {
    user: VirtualUser,
    idle_users: Rc<IdleUsers>,
    states: Rc<UserStates>,
    slot: usize,
    begun: SharedOfLoad,
}

/// A part with its users.
pub(super) struct Part {
    pub(super) open: Open,
    pub(super) pacer: Pacer,
    pub(super) members: Vec<Member>,
    pub(super) begun: SharedOfLoad,
}

impl Part {
    /// Creates the part of a worker; `None` if the load is closed or has nothing for that worker.
    ///
    /// # Errors
    /// When the system has no timer left.
    pub(super) fn of_worker(
        context: &Rc<Context>,
        load: usize,
        worker: usize,
        stop: &Stop,
    ) -> io::Result<Option<Self>> {
        let shared = &context.shared;
        let it = &shared.plan.loads[load];
        let (Some(wanted), Some(part)) = (it.executor.pool(), shared.shard_of(load)) else {
            return Ok(None);
        };
        let workers = shared.open_workers(load);
        if worker >= workers {
            return Ok(None);
        }
        let all = count(part.share(u64::from(wanted.max_vus)));
        let users = all / workers + usize::from(worker < all % workers);
        let idle_users = IdleUsers::new(
            users,
            match wanted.on_no_vu {
                OnNoVu::Drop => 0,
                OnNoVu::Queue { limit } => (count(part.share(u64::from(limit))) / workers).max(1),
            },
        );
        let states = UserStates::of(users);
        let lane = part.lane(worker as u64, workers as u64);
        let begun = OfLoad::new(shared.trial, load, lane, shared.keeps_stored);
        let begun = Rc::new(RefCell::new(begun));
        let member = |slot| Member {
            user: VirtualUser::new(context, load, stop.clone(), Rc::clone(&states)),
            idle_users: Rc::clone(&idle_users),
            states: Rc::clone(&states),
            slot,
            begun: Rc::clone(&begun),
        };
        Ok(Some(Self {
            // Who sits down last is called first.
            members: (0..users).rev().map(member).collect(),
            open: Open {
                context: Rc::clone(context),
                load,
                idle_users,
                states,
                lane,
                stop: stop.clone(),
                busy: shared.ends.busy(load),
            },
            pacer: Pacer::new()?,
            begun,
        }))
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Returns what a user, or the count of dropped arrivals, has to know of a due arrival.
fn start(context: &Context, load: usize, clock: &LoadClock, due: Due) -> Start {
    Start {
        id: IterationId::of_load(context.shared.trial, load, due.index),
        due: due.at,
        measured: clock.measured,
        stage: due.stage,
        cut: clock.cut,
    }
}

impl Open {
    /// Hands out arrivals until the load is over or the run is stopped. How late the pacer woke goes into `lag`.
    pub(super) async fn run(
        self,
        mut pacer: Pacer,
        lag: Rc<RefCell<LatencyHistogram>>,
    ) -> io::Result<Done> {
        let shared = self.context.shared.clone();
        let load = &shared.plan.loads[self.load];
        let mut stop = self.stop.clone();
        let mut measured_until = Duration::ZERO;
        // What was due before the signal to stop is part of the run, however late this is polled for the first time.
        let known = tokio::select! {
            biased;
            known = shared.ends.clock(&self.context.clock, &shared.plan, self.load) => Some(known),
            () = stop.wait_asked() => None,
        };
        if let Some(clock) = known {
            self.dispatch(&clock, &mut pacer, &lag).await?;
            let set = matches!(load.executor.length(), Length::Set(_));
            if set {
                // Nothing is due any more, and yet the window is as long as it was planned.
                let _ = timeout_at(clock.end, stop.wait_asked()).await;
            }
            self.idle_users.close();
            // What waits may still find a user, until the load is cut or the run is stopped.
            tokio::select! {
                biased;
                () = self.idle_users.wait_empty() => {}
                () = stop.wait_asked() => {}
                () = sleep_until(clock.cut) => {}
            }
            let cause = self.states.cause(Instant::now());
            for due in self.idle_users.drain() {
                self.drop_one(&clock, due, (DropReason::Cut, cause));
            }
            if stop.asked().is_none() && set {
                measured_until = self.context.since_epoch(clock.end);
            }
        }
        self.idle_users.close();
        drop(self.busy);
        Ok(Done {
            load: self.load,
            begun: None,
            measured_until,
            cancel_time: Duration::ZERO,
        })
    }

    async fn dispatch(
        &self,
        clock: &LoadClock,
        pacer: &mut Pacer,
        lag: &RefCell<LatencyHistogram>,
    ) -> io::Result<()> {
        let shared = self.context.shared.clone();
        let load = &shared.plan.loads[self.load];
        let warmup = clock.measured.duration_since(clock.begin);
        let (Some(pool), Some(curve)) = (load.executor.pool(), load.executor.curve(warmup)) else {
            return Ok(());
        };
        let (lane, lanes) = self.lane;
        let seed = shared.plan.arrival_seed(self.load);
        let arrivals = curve.arrivals(pool.arrival, seed).lane(lane, lanes);
        let refusal = match pool.on_no_vu {
            OnNoVu::Drop => DropReason::NoVu,
            OnNoVu::Queue { .. } => DropReason::QueueFull,
        };
        let mut stop = self.stop.clone();
        hand_out(arrivals, clock.begin, pacer, &mut stop, |due, woke| {
            self.schedule(clock, due);
            let Some(woke) = woke else {
                let cause = self.states.cause(Instant::now());
                return self.drop_one(clock, due, (DropReason::Cut, cause));
            };
            self.states.woke(due.at, woke);
            if due.at >= clock.measured {
                let mut lag = lag.borrow_mut();
                lag.record(woke.saturating_duration_since(due.at));
            }
            if woke >= clock.cut {
                // So late that it would be cut at once.
                self.drop_one(clock, due, (DropReason::Cut, DropCause::Generator));
            } else if self.idle_users.offer(due) == Offered::Refused {
                let cause = self.states.cause(woke);
                self.drop_one(clock, due, (refusal, cause));
            }
        })
        .await
    }

    fn schedule(&self, clock: &LoadClock, due: Due) {
        let start = start(&self.context, self.load, clock, due);
        let drawn = self.context.draw(self.load, &start);
        let mut recorder = self.context.recorder.borrow_mut();
        recorder.scheduled(drawn.track, drawn.period, drawn.due);
    }

    fn drop_one(&self, clock: &LoadClock, due: Due, why: (DropReason, DropCause)) {
        drop_one(&self.context, self.load, (clock, due), why);
    }
}

/// Counts an arrival that was scheduled as one that will not begin.
fn drop_one(
    context: &Context,
    load: usize,
    (clock, due): (&LoadClock, Due),
    (reason, cause): (DropReason, DropCause),
) {
    let start = start(context, load, clock, due);
    let drawn = context.draw(load, &start);
    let mut recorder = context.recorder.borrow_mut();
    let why = DroppedStart { reason, cause };
    recorder.dropped(drawn.track, drawn.period, drawn.due, why);
}

/// Waits for one arrival after the other and gives each to `each`, with the time at which the pacer woke.
///
/// At the signal to stop, those that were due before are given without a time: they are part of the run and do not start.
/// Those that would have been due later are not part of it.
async fn hand_out(
    arrivals: Arrivals,
    begin: Instant,
    pacer: &mut Pacer,
    stop: &mut Stop,
    mut each: impl FnMut(Due, Option<Instant>),
) -> io::Result<()> {
    let mut in_a_row = 0;
    for arrival in arrivals {
        let due = Due {
            index: arrival.index,
            at: begin + arrival.due,
            stage: arrival.stage,
        };
        let mut now = Instant::now();
        if now < due.at {
            in_a_row = 0;
            tokio::select! {
                biased;
                woke = pacer.wait_until(due.at) => now = woke?,
                () = stop.wait_asked() => {}
            }
        } else if in_a_row == IN_A_ROW {
            in_a_row = 0;
            yield_now().await;
        }
        in_a_row += 1;
        match stop.asked() {
            None => each(due, Some(now)),
            Some(asked) if due.at <= asked => each(due, None),
            Some(_) => break,
        }
    }
    Ok(())
}

impl Member {
    /// Does what it is given until there is no more.
    pub(super) async fn run(mut self) -> Done {
        let context = Rc::clone(&self.user.context);
        let load = self.user.load;
        let shared = context.shared.clone();
        let mut stop = self.user.cancellation.stop();
        let clock = tokio::select! {
            biased;
            clock = shared.ends.clock(&context.clock, &shared.plan, load) => Some(clock),
            () = stop.wait_asked() => None,
        };
        if let Some(clock) = clock {
            let mut last = None;
            while let Some(due) = self.idle_users.next(self.slot).await {
                // It has waited for a user too long: the load was cut, or is to stop.
                let now = Instant::now();
                if now >= clock.cut || self.user.cancellation.is_asked() {
                    let cause = self.user.kept_by(last);
                    drop_one(&context, load, (&clock, due), (DropReason::Cut, cause));
                    continue;
                }
                self.begun.borrow_mut().begin();
                let start = start(&context, load, &clock, due);
                let drawn = context.draw(load, &start);
                let freed = self.user.iterate(start, drawn, now).await;
                last = Some(freed);
                let Freed { ended, free, .. } = freed;
                self.begun.borrow_mut().note(due.index, freed.settled());
                if free > ended {
                    self.states.thinks(true);
                    self.user.cancellation.wait(free.min(clock.end)).await;
                    self.states.thinks(false);
                }
            }
        }
        Done {
            load,
            begun: None,
            measured_until: self.user.measured_until,
            cancel_time: self.user.cancel_abandoned().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stop::stop;
    use super::*;
    use crate::schedule::{Curve, Ramp, Spacing, Stage};
    use crate::units::Rate;

    fn rate(per_second: f64) -> Rate {
        Rate::new(per_second, Duration::from_secs(1)).unwrap()
    }

    /// The arrivals of one lane, with how late each was handed out. The clock is paused: it moves only when the pacer
    /// waits, and then as far as it waits.
    async fn handed_out(curve: &Curve, spacing: Spacing, lane: (u64, u64)) -> Vec<(u64, Duration)> {
        let (_stopper, mut stop) = stop();
        let begin = Instant::now() + Duration::from_millis(50);
        let arrivals = curve.arrivals(spacing, 42).lane(lane.0, lane.1);
        let mut given = Vec::new();
        hand_out(
            arrivals,
            begin,
            &mut Pacer::paused(),
            &mut stop,
            |due, woke| {
                assert_eq!(woke, Some(due.at), "not late by a nanosecond");
                assert_eq!(Instant::now(), due.at);
                given.push((due.index, due.at - begin));
            },
        )
        .await
        .unwrap();
        given
    }

    /// 2 s from 0 to 100/s, 1 s at 100/s: 100 and 100 arrivals.
    fn ramp() -> Curve {
        let stage = |seconds, target| Stage {
            duration: Duration::from_secs(seconds),
            target: rate(target),
        };
        Curve::Ramp(Ramp::new(Rate::ZERO, vec![stage(2, 100.0), stage(1, 100.0)]).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn arrivals_are_handed_out_when_they_are_due() {
        let constant = Curve::Constant {
            rate: rate(200.0),
            duration: Duration::from_secs(10),
        };
        let given = handed_out(&constant, Spacing::Uniform, (0, 1)).await;
        // 200/s for 10 s: one every 5 ms from 0 on.
        let wanted: Vec<_> = (0..2_000)
            .map(|i| (i, Duration::from_millis(5 * i)))
            .collect();
        assert_eq!(given, wanted);

        let given = handed_out(&ramp(), Spacing::Uniform, (0, 1)).await;
        assert_eq!(given.len(), 200);
        // The area under the line after t seconds is 25 t²: arrival 25 at 1 s, 64 at 1.6 s; then one every 10 ms.
        for (index, micros) in [
            (0, 0),
            (25, 1_000_000),
            (64, 1_600_000),
            (100, 2_000_000),
            (150, 2_500_000),
        ] {
            let (found, at) = given[index];
            assert_eq!(found, index as u64);
            assert!(
                at.abs_diff(Duration::from_micros(micros)) <= Duration::from_nanos(2),
                "{at:?}"
            );
        }

        let at_once = Curve::AtOnce {
            users: 4,
            window: Duration::from_secs(1),
        };
        let given = handed_out(&at_once, Spacing::Uniform, (0, 1)).await;
        let wanted = [0, 250, 500, 750].map(Duration::from_millis);
        assert_eq!(
            given.into_iter().map(|(_, at)| at).collect::<Vec<_>>(),
            wanted
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_union_of_all_workers_is_one_stream() {
        for spacing in [Spacing::Uniform, Spacing::Poisson] {
            let whole = handed_out(&ramp(), spacing, (0, 1)).await;
            for workers in [2, 5] {
                let mut union = Vec::new();
                for lane in 0..workers {
                    union.extend(handed_out(&ramp(), spacing, (lane, workers)).await);
                }
                union.sort_unstable();
                assert_eq!(union, whole, "{workers} workers, {spacing:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_due_before_the_signal_to_stop_is_part_of_the_run() {
        let (stopper, mut stop) = stop();
        let constant = Curve::Constant {
            rate: rate(10.0),
            duration: Duration::from_secs(10),
        };
        let begin = Instant::now();
        // The arrivals of the first 350 ms are not looked at before the signal to stop.
        tokio::time::advance(Duration::from_millis(350)).await;
        stopper.ask();
        let mut given = Vec::new();
        let arrivals = constant.arrivals(Spacing::Uniform, 0);
        hand_out(
            arrivals,
            begin,
            &mut Pacer::paused(),
            &mut stop,
            |due, woke| {
                given.push((due.index, woke.is_some()));
            },
        )
        .await
        .unwrap();
        assert_eq!(given, [(0, false), (1, false), (2, false), (3, false)]);
    }
}
