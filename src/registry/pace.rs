//! The rate of a client that is slow on purpose.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When the bytes that were handed over have taken their time, at a rate that all transfers of a user share.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace(Rc<Cell<Option<Instant>>>);

impl Pace {
    /// Waits until so many bytes may pass, and those before them have.
    pub(super) async fn pass(&self, bytes: u64, rate: u64) {
        let now = Instant::now();
        let from = self.0.get().map_or(now, |until| until.max(now));
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        let until = from + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.0.set(Some(until));
        sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn transfers_of_a_user_share_its_rate() {
        let began = Instant::now();
        let pace = Pace::default();
        let other = pace.clone();
        tokio::join!(pace.pass(500, 1000), other.pass(500, 1000));
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        // What was not used is not saved up.
        sleep(Duration::from_secs(9)).await;
        pace.pass(500, 1000).await;
        assert_eq!(began.elapsed(), Duration::from_millis(10_500));
    }
}
