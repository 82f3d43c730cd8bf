//! Stopping a run: gently, so that iterations under way may end, or at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::time::Instant;

use super::error::Error;

/// How far the wish to stop has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wish {
    #[default]
    None,
    /// No new iterations; those under way may end.
    Drain(Instant),
    /// Everything under way is dropped.
    Abort(Instant),
}

/// Stops the runs that have a [`Stop`] of it.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<Wishes>);

/// What a run looks at to see whether it is to stop; every virtual user has one.
#[derive(Debug, Clone)]
pub struct Stop {
    wishes: Arc<Wishes>,
    wish: watch::Receiver<Wish>,
}

#[derive(Debug)]
struct Wishes {
    wish: watch::Sender<Wish>,
    by_caller: AtomicBool,
}

/// Makes the two ends of a way to stop runs.
pub fn stop() -> (Stopper, Stop) {
    let (sender, wish) = watch::channel(Wish::None);
    let wishes = Arc::new(Wishes {
        wish: sender,
        by_caller: AtomicBool::new(false),
    });
    let stopper = Stopper(Arc::clone(&wishes));
    (stopper, Stop { wishes, wish })
}

impl Stopper {
    /// Asks once more: the first time no new iteration starts, the second time everything is dropped.
    pub fn ask(&self) {
        self.0.by_caller.store(true, Ordering::SeqCst);
        let now = Instant::now();
        self.0.wish.send_modify(|wish| {
            *wish = match *wish {
                Wish::None => Wish::Drain(now),
                Wish::Drain(since) | Wish::Abort(since) => Wish::Abort(since),
            }
        });
    }
}

impl Stop {
    /// Lets the run end early, unless it is to stop already. Unlike [`Stopper::ask`], this is no interruption: a threshold
    /// may want it.
    pub fn drain(&self) {
        let now = Instant::now();
        self.wishes.wish.send_if_modified(|wish| {
            let is_new = *wish == Wish::None;
            if is_new {
                *wish = Wish::Drain(now);
            }
            is_new
        });
    }

    /// Returns `true` if the [`Stopper`] was used.
    pub fn is_interrupted(&self) -> bool {
        self.wishes.by_caller.load(Ordering::SeqCst)
    }

    /// When the run was first asked to stop.
    pub fn asked(&self) -> Option<Instant> {
        match *self.wish.borrow() {
            Wish::None => None,
            Wish::Drain(since) | Wish::Abort(since) => Some(since),
        }
    }

    /// Waits until somebody asks to stop; for ever if nobody does.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_asked(&mut self) {
        if self
            .wish
            .wait_for(|wish| *wish != Wish::None)
            .await
            .is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    /// Does something, unless somebody asks to stop before it is done.
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

    /// Waits until everything is to be dropped; for ever if nobody wants that.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_aborted(&mut self) {
        let aborted = self.wish.wait_for(|wish| matches!(wish, Wish::Abort(_)));
        if aborted.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns `true` if there is a wish that [`Stop::look`] has not seen. Takes no lock.
    pub(super) fn has_changed(&self) -> bool {
        self.wish.has_changed().unwrap_or(false) // nobody is left who could wish
    }

    /// What is wished now.
    pub(super) fn look(&mut self) -> Wish {
        *self.wish.borrow_and_update()
    }

    /// Waits for a wish that was not yet looked at; for ever if there is nobody left.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn changed(mut self) {
        if self.wish.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
