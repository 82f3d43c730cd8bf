//! Stopping a run: gently, so that iterations under way may end, or at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::time::Instant;

use super::error::Error;

/// The signal to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum StopSignal {
    #[default]
    None,
    /// No new iterations; those under way may end.
    Drain(Instant),
    /// Everything under way is dropped.
    Abort(Instant),
}

/// Stops the runs that have a [`Stop`] of it.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<State>);

/// What a run looks at to see whether it is to stop; every virtual user has one.
#[derive(Debug, Clone)]
pub struct Stop {
    state: Arc<State>,
    signal: watch::Receiver<StopSignal>,
}

#[derive(Debug)]
struct State {
    signal: watch::Sender<StopSignal>,
    by_caller: AtomicBool,
}

/// Makes the two ends of a way to stop runs.
pub fn stop() -> (Stopper, Stop) {
    let (sender, signal) = watch::channel(StopSignal::None);
    let state = Arc::new(State {
        signal: sender,
        by_caller: AtomicBool::new(false),
    });
    let stopper = Stopper(Arc::clone(&state));
    (stopper, Stop { state, signal })
}

impl Stopper {
    /// Asks once more: the first time no new iteration starts, the second time everything is dropped.
    pub fn ask(&self) {
        self.0.by_caller.store(true, Ordering::SeqCst);
        let now = Instant::now();
        self.0.signal.send_modify(|signal| {
            *signal = match *signal {
                StopSignal::None => StopSignal::Drain(now),
                StopSignal::Drain(since) | StopSignal::Abort(since) => StopSignal::Abort(since),
            }
        });
    }
}

impl Stop {
    /// Lets the run end early, unless it is to stop already. Unlike [`Stopper::ask`], this is no interruption: a threshold
    /// may want it.
    pub fn drain(&self) {
        let now = Instant::now();
        self.state.signal.send_if_modified(|signal| {
            let is_new = *signal == StopSignal::None;
            if is_new {
                *signal = StopSignal::Drain(now);
            }
            is_new
        });
    }

    /// Lets everything be dropped, as [`drain`](Self::drain) lets the run end.
    pub fn abort(&self) {
        let now = Instant::now();
        self.state.signal.send_if_modified(|signal| {
            let since = match *signal {
                StopSignal::None => now,
                StopSignal::Drain(since) => since,
                StopSignal::Abort(_) => return false,
            };
            *signal = StopSignal::Abort(since);
            true
        });
    }

    /// Returns `true` if the [`Stopper`] was used.
    pub fn is_interrupted(&self) -> bool {
        self.state.by_caller.load(Ordering::SeqCst)
    }

    /// Returns `true` if everything is to be dropped.
    pub fn is_aborted(&self) -> bool {
        matches!(*self.signal.borrow(), StopSignal::Abort(_))
    }

    /// Returns when the run was first asked to stop.
    pub fn asked(&self) -> Option<Instant> {
        match *self.signal.borrow() {
            StopSignal::None => None,
            StopSignal::Drain(since) | StopSignal::Abort(since) => Some(since),
        }
    }

    /// Waits for the signal to stop; for ever if there is none.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_asked(&mut self) {
        if self
            .signal
            .wait_for(|signal| *signal != StopSignal::None)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    /// Does something, unless the run is stopped before it is done.
    ///
    /// # Cancel safety
    /// That of the work.
    pub(super) async fn until_asked<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => Ok(done),
            () = self.wait_asked() => Err(Error::Interrupted),
        }
    }

    /// Waits until everything is to be dropped; for ever if that never comes.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_aborted(&mut self) {
        let aborted = self
            .signal
            .wait_for(|signal| matches!(signal, StopSignal::Abort(_)));
        if aborted.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns `true` if there is a signal that [`Stop::look`] has not seen. Takes no lock.
    pub(super) fn has_changed(&self) -> bool {
        self.signal.has_changed().unwrap_or(false) // the sender is gone
    }

    /// Returns the signal as it is now.
    pub(super) fn look(&mut self) -> StopSignal {
        *self.signal.borrow_and_update()
    }

    /// Waits for a signal that [`Stop::look`] has not seen; for ever if the sender is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn changed(mut self) {
        if self.signal.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
