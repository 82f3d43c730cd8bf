//! The deadline timer of a connection: one timer of the event loop serves many exchanges.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that stays set when the deadline moves on.
///
/// Most deadlines are far away and never come. Setting a timer for each costs more than the rest of a request's
/// bookkeeping. A timer that is set too early is therefore left alone and set anew when it fires: once in a time-out,
/// instead of once in an exchange.
#[derive(Debug, Default)]
pub struct DeadlineTimer {
    timer: Option<Pin<Box<Sleep>>>,
    woken: Option<Waker>, // the task that it wakes
}

impl DeadlineTimer {
    /// Completes at `deadline`. The task is woken then, and perhaps once before.
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
            // Unconstrained: with the task's budget used up, this would return before the timer has stored the waker.
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
        let mut timer = DeadlineTimer::default();
        let mut ring = async |seconds| {
            let deadline = begin + seconds * SECOND;
            poll_fn(|context| timer.poll_at(context, deadline)).await;
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
        let mut timer = DeadlineTimer::default();
        for (given_up, deadline) in [(20, 10), (10, 20), (25, 25)] {
            let deadline = begin + deadline * SECOND;
            let never = poll_fn(|context| {
                let _ = timer.poll_at(context, begin + given_up * SECOND);
                Poll::Ready(())
            });
            never.await;
            poll_fn(|context| timer.poll_at(context, deadline)).await;
            assert_eq!(Instant::now(), deadline);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_whoever_asked_last() {
        let begin = Instant::now();
        let mut timer = DeadlineTimer::default();
        let deadline = begin + SECOND;
        // Another task has asked before, and is gone.
        let nobody = &mut Context::from_waker(Waker::noop());
        assert!(timer.poll_at(nobody, deadline).is_pending());
        poll_fn(|context| timer.poll_at(context, deadline)).await;
        assert_eq!(Instant::now(), deadline);
    }
}
