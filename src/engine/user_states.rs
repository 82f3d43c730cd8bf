//! What the users of one worker's part of a load are doing: the cause of a start that was dropped because none was free.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::measure::DropCause;

/// A pacer that wakes later than this shows an event loop on which responses lay unread as long, too: users were busy
/// longer than the target made them. Starts are suspect from here on (`health/judge/bounds.rs`).
const LATE: Duration = Duration::from_millis(1);

/// Counts what the users do. Only their worker's thread touches it.
#[derive(Debug)]
pub(super) struct UserStates {
    users: usize,
    /// Those that wait for the target: an exchange is under way, or the pause before a retry.
    waiting: Cell<usize>,
    /// Those that think.
    thinking: Cell<usize>,
    /// Until when the event loop makes up for having been late: as long as it was late.
    late_until: Cell<Option<Instant>>,
}

impl UserStates {
    /// Counts so many users, which do nothing yet.
    pub(super) fn of(users: usize) -> Rc<Self> {
        Rc::new(Self {
            users,
            waiting: Cell::new(0),
            thinking: Cell::new(0),
            late_until: Cell::new(None),
        })
    }

    /// A user begins to wait for the target, or ends waiting.
    pub(super) fn waits(&self, waits: bool) {
        step(&self.waiting, waits);
    }

    /// A user begins to think, or ends thinking.
    pub(super) fn thinks(&self, thinks: bool) {
        step(&self.thinking, thinks);
    }

    /// The pacer woke for an arrival that was due.
    pub(super) fn woke(&self, due: Instant, woke: Instant) {
        let late = woke.saturating_duration_since(due);
        if late > LATE {
            let until = woke + late;
            let before = self.late_until.get();
            self.late_until
                .set(Some(before.map_or(until, |it| it.max(until))));
        }
    }

    /// Returns what keeps the users busy when none of them is free.
    pub(super) fn cause(&self, now: Instant) -> DropCause {
        let late = self.late_until.get().is_some_and(|until| now < until);
        let (waiting, thinking) = (self.waiting.get(), self.thinking.get());
        if late {
            DropCause::Generator
        } else if 2 * waiting >= self.users {
            DropCause::Target
        } else if thinking >= self.users.saturating_sub(waiting + thinking) {
            DropCause::ThinkTime
        } else {
            DropCause::Generator
        }
    }
}

fn step(count: &Cell<usize>, up: bool) {
    let before = count.get();
    count.set(if up {
        before + 1
    } else {
        before.saturating_sub(1)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Ten users, of which so many wait and think.
    fn ten(waiting: usize, thinking: usize) -> Rc<UserStates> {
        let states = UserStates::of(10);
        (0..waiting).for_each(|_| states.waits(true));
        (0..thinking).for_each(|_| states.thinks(true));
        states
    }

    #[test]
    fn what_most_users_do_is_the_cause() {
        let now = Instant::now();
        for (waiting, thinking, cause) in [
            (10, 0, DropCause::Target),
            (5, 5, DropCause::Target),
            (5, 0, DropCause::Target),
            (4, 6, DropCause::ThinkTime),
            (4, 3, DropCause::ThinkTime),
            (4, 2, DropCause::Generator),
            (0, 0, DropCause::Generator),
        ] {
            let found = ten(waiting, thinking).cause(now);
            assert_eq!(found, cause, "{waiting} wait, {thinking} think");
        }
        let states = ten(10, 0);
        (0..8).for_each(|_| states.waits(false));
        assert_eq!(states.cause(now), DropCause::Generator);
    }

    #[test]
    fn a_late_event_loop_is_the_cause_as_long_again_as_it_was_late() {
        let (states, due) = (ten(10, 0), Instant::now());
        states.woke(due, due + MS);
        assert_eq!(states.cause(due + MS), DropCause::Target);
        states.woke(due, due + 20 * MS);
        assert_eq!(states.cause(due + 20 * MS), DropCause::Generator);
        // One that was in time since then, and one that was a little late, do not end it sooner.
        states.woke(due + 25 * MS, due + 25 * MS);
        states.woke(due + 23 * MS, due + 25 * MS);
        assert_eq!(states.cause(due + 39 * MS), DropCause::Generator);
        assert_eq!(states.cause(due + 40 * MS), DropCause::Target);
    }
}
