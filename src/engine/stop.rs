//! How a run is told to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How far the wish to stop has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wish {
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

    /// Waits until what is under way has had its time: until `latest`, until `grace` after somebody asked to stop, or
    /// until everything is to be dropped.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_cut(&mut self, latest: Instant, grace: Duration) {
        let mut deadline = latest;
        loop {
            match *self.0.borrow_and_update() {
                Wish::None => {}
                Wish::Drain(since) => deadline = deadline.min(since + grace),
                Wish::Abort(_) => return,
            }
            let changed = timeout_at(deadline, self.0.changed()).await;
            match changed {
                Err(_late) => return,
                Ok(Ok(())) => {}
                Ok(Err(_nobody_left)) => return sleep_until(deadline).await,
            }
        }
    }
}
