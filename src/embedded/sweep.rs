//! Ends connections and forgets uploads that were idle too long, for as long as the registry runs.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use super::site::Site;
use super::timeouts::Limits;

/// Ends connections that have had their time. One task checks all of them now and then, because a timer for each would be a
/// part of every request: they may have half as long again.
pub(super) async fn connections(site: Rc<Site>, limits: Limits) {
    loop {
        sleep(limits.head.min(limits.idle) / 2).await;
        site.open_connections.sweep(limits);
    }
}

/// Forgets upload sessions that were not used for so long.
pub(super) async fn uploads(site: Rc<Site>, idle: Duration) {
    let pause = (idle / 2).clamp(Duration::from_millis(10), Duration::from_mins(1));
    loop {
        sleep(pause).await;
        site.uploads.borrow_mut().forget_idle();
    }
}
