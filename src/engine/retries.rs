//! Retries with backoff before and after the load, where nothing is measured, and the end of waiting for a target that has
//! stalled.

use std::cell::Cell;
use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::classify;
use crate::measure::FailureClass;
use crate::registry;
use crate::transport::Totals;

/// The pauses before a retry. There is none after the last of them.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// How often stalling is checked within its limit.
const LOOKS: u32 = 8;

/// Retries requests, and counts the retries.
#[derive(Debug, Default)]
pub(super) struct Retries {
    count: Cell<u64>,
    /// The end of the last pause.
    until: Cell<Option<Instant>>,
}

impl Retries {
    /// Returns the pause before the next retry of a request that failed and had `failed` failures before; `None` if it is not
    /// retried.
    pub(super) fn backoff(&self, error: &registry::Error, failed: usize) -> Option<Duration> {
        let pause = PAUSES.get(failed).filter(|_| passes(error))?;
        let pause = error.retry_after().unwrap_or_default().max(*pause);
        self.count.set(self.count.get() + 1);
        let until = Instant::now() + pause;
        self.until.set(self.until.get().max(Some(until)));
        Some(pause)
    }

    /// Sends a request until it succeeds, or fails for a reason that does not pass.
    ///
    /// # Cancel safety
    /// That of the request.
    pub(super) async fn run<T>(
        &self,
        request: impl AsyncFn() -> Result<T, registry::Error>,
    ) -> Result<T, registry::Error> {
        let mut failed = 0;
        loop {
            let error = match request().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let Some(pause) = self.backoff(&error, failed) else {
                return Err(error);
            };
            failed += 1;
            sleep(pause).await;
        }
    }

    /// Returns the number of retries since the last call.
    pub(super) fn take_count(&self) -> u64 {
        self.count.take()
    }

    /// Ends when no byte has moved for as long as `limit`, apart from the pauses before retries: up to an eighth later.
    pub(super) async fn stalled(&self, totals: &Totals, limit: Duration) {
        let (mut seen, mut since) = (totals.moved(), Instant::now());
        loop {
            sleep(limit / LOOKS).await;
            let now = Instant::now();
            let pauses = self.until.get().is_some_and(|until| now < until);
            if totals.moved() != seen || pauses {
                (seen, since) = (totals.moved(), now);
            } else if now >= since + limit {
                return;
            }
        }
    }
}

/// Returns `true` if a failure may pass by itself: the registry is overloaded, or restarts.
fn passes(error: &registry::Error) -> bool {
    match error.status() {
        Some(StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED) => false,
        Some(status) => status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
        None => matches!(
            classify::exchange(error.kind()),
            FailureClass::Reset | FailureClass::Connect
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(8);
    const SECOND: Duration = Duration::from_secs(1);

    /// After how many seconds silence is noticed, if bytes move for so long, one every so often.
    async fn noticed(for_seconds: u32, every: u32) -> u64 {
        let (totals, retries) = (Totals::default(), Retries::default());
        let begin = Instant::now();
        let moving = async {
            for _ in 0..for_seconds / every {
                sleep(every * SECOND).await;
                totals.add_moved(1);
            }
        };
        tokio::join!(retries.stalled(&totals, LIMIT), moving);
        begin.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_byte_however_slowly_they_come() {
        assert_eq!(noticed(0, 1).await, 8);
        // A byte every 7 seconds, 70 seconds long, is no silence; then come 8 seconds, and up to an eighth of them more.
        assert!((78..=79).contains(&noticed(70, 7).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_our_own_is_no_silence() {
        let (totals, retries) = (Totals::default(), Retries::default());
        let begin = Instant::now();
        retries.until.set(Some(begin + 20 * SECOND));
        retries.stalled(&totals, LIMIT).await;
        assert!((27..=29).contains(&begin.elapsed().as_secs()));
    }
}
