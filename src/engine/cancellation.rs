//! Cancellation of an iteration: by its own time limit, the end of its load, or the signal to stop.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use super::stop::{Stop, StopSignal};
use crate::transport::DeadlineTimer;

/// Cancels the iterations of one virtual user. It is polled whenever an iteration waits, and costs next to nothing while
/// nothing happens: one subscription to the signal to stop and one timer outlive the iterations.
pub(super) struct Cancellation {
    stop: Stop,
    signal: StopSignal, // as it was seen last
    changed: Pin<Box<dyn Future<Output = ()>>>,
    listening: Option<Waker>, // woken by a change
    timer: DeadlineTimer,
}

/// How long an iteration may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Its own limit.
    pub(super) limit: Instant,
    /// The end of its load, with the time it has to come to its own.
    pub(super) cut: Instant,
    /// That time, once the run is to stop.
    pub(super) grace: Duration,
}

/// Why an iteration is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// It took as long as it may.
    TimedOut,
    /// Its load is over.
    Cut,
}

impl Cancellation {
    pub(super) fn new(mut stop: Stop) -> Self {
        Self {
            signal: stop.look(),
            changed: Box::pin(stop.clone().changed()),
            stop,
            listening: None,
            timer: DeadlineTimer::default(),
        }
    }

    /// Returns another subscription to the same signal.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Returns `true` if the run is to stop.
    pub(super) fn is_asked(&mut self) -> bool {
        self.see() != StopSignal::None
    }

    fn see(&mut self) -> StopSignal {
        if self.stop.has_changed() {
            self.signal = self.stop.look();
        }
        self.signal
    }

    /// Runs `work` until it is done, or until its time is over.
    ///
    /// # Cancel safety
    /// That of the work.
    pub(super) async fn run<F: Future>(
        &mut self,
        work: F,
        limits: Limits,
    ) -> Result<F::Output, Cancelled> {
        let mut work = pin!(work);
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => self.poll_cancelled(context, limits).map(Err),
        })
        .await
    }

    /// Waits until then, but not past a signal to stop.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn wait(&mut self, until: Instant) {
        poll_fn(|context| match self.listen(context) {
            StopSignal::None => self.timer.poll_at(context, until),
            StopSignal::Drain(_) | StopSignal::Abort(_) => Poll::Ready(()),
        })
        .await;
    }

    fn poll_cancelled(&mut self, context: &mut Context<'_>, limits: Limits) -> Poll<Cancelled> {
        let cut = match self.listen(context) {
            StopSignal::None => limits.cut,
            StopSignal::Drain(since) => limits.cut.min(since + limits.grace),
            StopSignal::Abort(_) => return Poll::Ready(Cancelled::Cut),
        };
        let why = if limits.limit <= cut {
            Cancelled::TimedOut
        } else {
            Cancelled::Cut
        };
        self.timer
            .poll_at(context, limits.limit.min(cut))
            .map(|()| why)
    }

    /// Returns the signal as it is now; the task is woken when that changes.
    fn listen(&mut self, context: &mut Context<'_>) -> StopSignal {
        while self.stop.has_changed() || !hears(self.listening.as_ref(), context) {
            self.see();
            self.listening = Some(context.waker().clone());
            // Unconstrained: a turn that is over would return before the subscription knows whom to wake.
            if pin!(unconstrained(self.changed.as_mut()))
                .poll(context)
                .is_ready()
            {
                self.changed = Box::pin(self.stop.clone().changed());
                self.listening = None;
            }
        }
        self.signal
    }
}

fn hears(listening: Option<&Waker>, context: &Context<'_>) -> bool {
    listening.is_some_and(|it| it.will_wake(context.waker()))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::super::stop::stop;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn cancelled(cancellation: &mut Cancellation, limit: u32, cut: u32) -> (Cancelled, u64) {
        let begin = Instant::now();
        let limits = Limits {
            limit: begin + limit * SECOND,
            cut: begin + cut * SECOND,
            grace: 2 * SECOND,
        };
        let cancelled = cancellation.run(pending::<()>(), limits).await.unwrap_err();
        (cancelled, begin.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_comes_first_ends_it() {
        let (stopper, stop) = stop();
        let mut cancellation = Cancellation::new(stop);
        assert_eq!(
            cancelled(&mut cancellation, 3, 9).await,
            (Cancelled::TimedOut, 3)
        );
        assert_eq!(
            cancelled(&mut cancellation, 9, 3).await,
            (Cancelled::Cut, 3)
        );
        let asking = async {
            tokio::time::sleep(SECOND).await;
            stopper.ask();
        };
        let (ended, ()) = tokio::join!(cancelled(&mut cancellation, 9, 9), asking);
        assert_eq!(ended, (Cancelled::Cut, 3)); // a second, and two of grace
        let asking = async {
            tokio::time::sleep(SECOND).await;
            stopper.ask();
        };
        let mut other = Cancellation::new(cancellation.stop());
        let limits = Limits {
            limit: Instant::now() + 9 * SECOND,
            cut: Instant::now() + 9 * SECOND,
            grace: 7 * SECOND,
        };
        let begin = Instant::now();
        let (ended, ()) = tokio::join!(other.run(pending::<()>(), limits), asking);
        assert_eq!(ended, Err(Cancelled::Cut));
        assert_eq!(begin.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_with_its_time_or_with_a_signal() {
        let (stopper, stop) = stop();
        let mut cancellation = Cancellation::new(stop);
        let begin = Instant::now();
        cancellation.wait(begin + 5 * SECOND).await;
        assert_eq!(begin.elapsed().as_secs(), 5);
        let asking = async {
            tokio::time::sleep(SECOND).await;
            stopper.ask();
        };
        tokio::join!(cancellation.wait(begin + 60 * SECOND), asking);
        assert_eq!(begin.elapsed().as_secs(), 6);
        cancellation.wait(begin + 60 * SECOND).await; // the signal stays
        assert_eq!(begin.elapsed().as_secs(), 6);
    }
}
