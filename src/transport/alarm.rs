//! A deadline for one exchange after another that touches the event loop's timers for few of them.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that stays set when the deadline moves on.
///
/// Most deadlines are far away and never come. Setting a timer for each costs more than the rest of a request's
/// bookkeeping; so the timer stays where it is as long as it is set too early, and is set anew when it goes off too
/// early: once in a time-out, instead of once in an exchange.
#[derive(Debug, Default)]
pub struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
    woken: Option<Waker>, // whoever it wakes
}

impl Alarm {
    /// Is it `deadline` yet? The task is woken when it is, and perhaps once before.
    pub fn poll_at(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let knows_us = (self.woken.as_ref()).is_some_and(|it| it.will_wake(context.waker()));
        let timer = match &mut self.timer {
            Some(timer) if timer.deadline() > deadline => {
                timer.as_mut().reset(deadline);
                timer
            }
            Some(timer) if !timer.is_elapsed() && knows_us => return Poll::Pending,
            Some(timer) => timer,
            None => self.timer.insert(Box::pin(sleep_until(deadline))),
        };
        self.woken = Some(context.waker().clone());
        loop {
            // Unconstrained: a turn that is over would return before the timer knows whom to wake.
            ready!(pin!(unconstrained(timer.as_mut())).poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn goes_off_at_the_deadline_whether_it_moved_on_or_back() {
        let begin = Instant::now();
        let mut alarm = Alarm::default();
        let mut ring = async |seconds| {
            let deadline = begin + seconds * SECOND;
            poll_fn(|context| alarm.poll_at(context, deadline)).await;
            begin.elapsed().as_secs()
        };
        assert_eq!(ring(5).await, 5);
        assert_eq!(ring(9).await, 9);
        assert_eq!(ring(3).await, 9); // it has been that long ago
        assert_eq!(ring(12).await, 12);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_did_not_come_leaves_the_next_one_as_it_is() {
        let begin = Instant::now();
        let mut alarm = Alarm::default();
        for (given_up, deadline) in [(20, 10), (10, 20), (25, 25)] {
            let deadline = begin + deadline * SECOND;
            let never = poll_fn(|context| {
                let _ = alarm.poll_at(context, begin + given_up * SECOND);
                Poll::Ready(())
            });
            never.await;
            poll_fn(|context| alarm.poll_at(context, deadline)).await;
            assert_eq!(Instant::now(), deadline);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_whoever_asked_last() {
        let begin = Instant::now();
        let mut alarm = Alarm::default();
        let deadline = begin + SECOND;
        // Another task has asked before, and is gone.
        let nobody = &mut Context::from_waker(Waker::noop());
        assert!(alarm.poll_at(nobody, deadline).is_pending());
        poll_fn(|context| alarm.poll_at(context, deadline)).await;
        assert_eq!(Instant::now(), deadline);
    }
}
