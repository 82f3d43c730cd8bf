//! How a run is told to stop.

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

/// The hand on the brake.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Wish>);

/// The wheel side of the brake; every virtual user has one.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Wish>);

/// A brake and its hand.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Wish::None);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks once more: the first time no new iteration starts, the second time everything is dropped.
    pub fn ask(&self) {
        let now = Instant::now();
        self.0.send_modify(|wish| {
            *wish = match *wish {
                Wish::None => Wish::Drain(now),
                Wish::Drain(since) | Wish::Abort(since) => Wish::Abort(since),
            }
        });
    }
}

impl Stop {
    /// When somebody first asked to stop.
    pub fn asked(&self) -> Option<Instant> {
        match *self.0.borrow() {
            Wish::None => None,
            Wish::Drain(since) | Wish::Abort(since) => Some(since),
        }
    }

    /// Waits until somebody asks to stop; for ever if nobody does.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_asked(&mut self) {
        if self.0.wait_for(|wish| *wish != Wish::None).await.is_err() {
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
        let aborted = self.0.wait_for(|wish| matches!(wish, Wish::Abort(_)));
        if aborted.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Is there a wish that [`Stop::look`] has not seen? Takes no lock.
    pub(super) fn has_changed(&self) -> bool {
        self.0.has_changed().unwrap_or(false) // nobody is left who could wish
    }

    /// What is wished now.
    pub(super) fn look(&mut self) -> Wish {
        *self.0.borrow_and_update()
    }

    /// Waits for a wish that was not yet looked at; for ever if there is nobody left.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn changed(mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
