//! Where the time of a user's iteration goes: each moment is an exchange's, a pause's, or neither's.

use std::cell::Cell;
use std::rc::Rc;

use tokio::time::Instant;

use super::user_states::UserStates;
use crate::measure::Spent;
use crate::registry::{Begun, Pause};

/// Splits the time of one user, iteration by iteration.
///
/// Exchanges of one iteration overlap, so their times do not add up to its own; the moments at which one or more are
/// under way do. What began in an earlier iteration is not counted in this one: a request that opens an upload session
/// outlives the push that wanted it.
#[derive(Debug)]
pub(super) struct IterationTimer {
    states: Rc<UserStates>,
    iteration: Cell<u64>,
    under_way: Cell<u32>,
    pausing: Cell<u32>,
    thinking: Cell<bool>,
    since: Cell<Instant>,
    spent: Cell<Spent>,
}

impl IterationTimer {
    /// Creates the timer of one of the users that `states` counts.
    pub(super) fn new(states: Rc<UserStates>) -> Self {
        Self {
            states,
            iteration: Cell::new(0),
            under_way: Cell::new(0),
            pausing: Cell::new(0),
            thinking: Cell::new(false),
            since: Cell::new(Instant::now()),
            spent: Cell::default(),
        }
    }

    /// Starts an iteration.
    pub(super) fn start(&self, at: Instant) {
        self.change(at, || {
            self.under_way.set(0);
            self.pausing.set(0);
        });
        self.iteration.set(self.iteration.get() + 1);
        self.since.set(at);
        self.spent.set(Spent::default());
    }

    /// Returns what the iteration has spent until now.
    pub(super) fn stop(&self, at: Instant) -> Spent {
        self.pass(at);
        self.spent.get()
    }

    /// Counts an exchange that begins.
    pub(super) fn exchange_begins(&self, at: Instant) -> Begun {
        self.change(at, || self.under_way.set(self.under_way.get() + 1));
        Begun(self.iteration.get())
    }

    /// Counts an exchange that has ended.
    pub(super) fn exchange_ended(&self, begun: Begun, at: Instant) {
        if begun.0 == self.iteration.get() {
            let less = self.under_way.get().saturating_sub(1);
            self.change(at, || self.under_way.set(less));
        }
    }

    /// Counts a pause that begins.
    pub(super) fn pause_begins(&self, at: Instant) -> Begun {
        self.change(at, || self.pausing.set(self.pausing.get() + 1));
        Begun(self.iteration.get())
    }

    /// Counts a pause that has ended.
    pub(super) fn pause_ended(&self, pause: &Pause) {
        if pause.begun.0 != self.iteration.get() {
            return;
        }
        let less = self.pausing.get().saturating_sub(1);
        self.change(pause.ended, || self.pausing.set(less));
        let mut spent = self.spent.get();
        let length = pause.ended.saturating_duration_since(pause.began);
        spent.longest_pause = spent.longest_pause.max(length);
        spent.retries += u64::from(pause.again);
        self.spent.set(spent);
    }

    /// The user begins to think between two requests of the iteration, or ends thinking.
    pub(super) fn thinks(&self, thinks: bool, at: Instant) {
        if self.thinking.get() != thinks {
            self.pass(at);
            self.thinking.set(thinks);
            self.states.thinks(thinks);
        }
    }

    fn waits(&self) -> bool {
        self.under_way.get() + self.pausing.get() > 0
    }

    fn change(&self, at: Instant, change: impl FnOnce()) {
        self.pass(at);
        let before = self.waits();
        change();
        if before != self.waits() {
            self.states.waits(!before);
        }
    }

    /// Adds the time since the last change to what it was spent on. Ends are stamped at the socket and reported later, so
    /// a stamp may lie before the last change; that time was counted already.
    fn pass(&self, at: Instant) {
        let since = self.since.get();
        let Some(time) = at.checked_duration_since(since).filter(|it| !it.is_zero()) else {
            return;
        };
        let mut spent = self.spent.get();
        let part = match (self.under_way.get(), self.pausing.get()) {
            (1.., _) => &mut spent.operations,
            (0, 1..) => &mut spent.pauses,
            (0, 0) if self.thinking.get() => &mut spent.pauses,
            (0, 0) => &mut spent.rest,
        };
        *part += time;
        self.spent.set(spent);
        self.since.set(at);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::DropCause;

    const MS: Duration = Duration::from_millis(1);

    /// A user at a beginning, and that long after it.
    struct User {
        watch: IterationTimer,
        states: Rc<UserStates>,
        begin: Instant,
    }

    impl User {
        fn new() -> Self {
            let states = UserStates::of(1);
            let user = Self {
                watch: IterationTimer::new(Rc::clone(&states)),
                states,
                begin: Instant::now(),
            };
            user.watch.start(user.begin);
            user
        }

        fn at(&self, ms: u32) -> Instant {
            self.begin + ms * MS
        }

        fn pause(&self, begun: Begun, from: u32, until: u32, again: bool) {
            self.watch.pause_ended(&Pause {
                began: self.at(from),
                ended: self.at(until),
                again,
                begun,
            });
        }

        fn waits(&self) -> bool {
            self.states.cause(self.begin) == DropCause::Target
        }
    }

    fn spent(operations: u32, pauses: u32, rest: u32) -> Spent {
        Spent {
            operations: operations * MS,
            pauses: pauses * MS,
            rest: rest * MS,
            ..Spent::default()
        }
    }

    #[test]
    fn exchanges_that_overlap_are_counted_once() {
        let user = User::new();
        assert!(!user.waits());
        // 2 of rest, A from 2 to 10, B from 5 to 12, 3 of rest, C from 15 to 20, 1 of rest.
        let a = user.watch.exchange_begins(user.at(2));
        assert!(user.waits());
        let b = user.watch.exchange_begins(user.at(5));
        user.watch.exchange_ended(a, user.at(10));
        assert!(user.waits());
        user.watch.exchange_ended(b, user.at(12));
        assert!(!user.waits());
        let c = user.watch.exchange_begins(user.at(15));
        user.watch.exchange_ended(c, user.at(20));
        assert_eq!(user.watch.stop(user.at(21)), spent(15, 0, 6));
    }

    #[test]
    fn a_pause_beside_an_exchange_is_the_exchanges() {
        let user = User::new();
        // A from 0 to 4; a pause from 2 to 9, of which 4 to 9 are only its own.
        let a = user.watch.exchange_begins(user.at(0));
        let pause = user.watch.pause_begins(user.at(2));
        user.watch.exchange_ended(a, user.at(4));
        assert!(user.waits());
        user.pause(pause, 2, 9, true);
        let found = user.watch.stop(user.at(10));
        assert_eq!(
            found,
            Spent {
                retries: 1,
                longest_pause: 7 * MS,
                ..spent(4, 5, 1)
            }
        );
        // One that is no longer waited for is no retry.
        user.watch.start(user.at(10));
        let pause = user.watch.pause_begins(user.at(10));
        user.pause(pause, 10, 11, false);
        assert_eq!(user.watch.stop(user.at(11)).retries, 0);
    }

    #[test]
    fn an_end_that_is_reported_late_counts_nothing_twice() {
        let user = User::new();
        let a = user.watch.exchange_begins(user.at(0));
        let b = user.watch.exchange_begins(user.at(8));
        user.watch.exchange_ended(b, user.at(9));
        // It ended at 5, and is reported after 9.
        user.watch.exchange_ended(a, user.at(5));
        assert_eq!(user.watch.stop(user.at(12)), spent(9, 0, 3));
    }

    #[test]
    fn what_outlives_its_iteration_is_not_counted_in_the_next() {
        let user = User::new();
        let orphan = user.watch.exchange_begins(user.at(1));
        assert_eq!(user.watch.stop(user.at(4)), spent(3, 0, 1));
        user.watch.start(user.at(6));
        assert!(!user.waits());
        let own = user.watch.exchange_begins(user.at(7));
        user.watch.exchange_ended(orphan, user.at(8));
        assert!(user.waits());
        user.watch.exchange_ended(own, user.at(10));
        assert_eq!(user.watch.stop(user.at(11)), spent(3, 0, 2));
    }
}
