//! Patience before and after the load, when nobody measures: a registry that stumbles is asked again, one that is silent
//! is not waited for.

use std::cell::Cell;
use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::classify;
use crate::measure::FailureClass;
use crate::registry;
use crate::transport::Totals;

/// The pauses before what has failed is asked again. After the last of them it has failed.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// How often a silence is looked at, as a part of its limit.
const LOOKS: u32 = 8;

/// What is asked again, and how often that was.
#[derive(Debug, Default)]
pub(super) struct Patience {
    again: Cell<u64>,
    /// The end of the last pause.
    until: Cell<Option<Instant>>,
}

impl Patience {
    /// The pause before a question that has failed after so many other times is asked again, if it is.
    pub(super) fn again(&self, error: &registry::Error, failed: usize) -> Option<Duration> {
        let pause = PAUSES.get(failed).filter(|_| passes(error))?;
        let pause = error.retry_after().unwrap_or_default().max(*pause);
        self.again.set(self.again.get() + 1);
        let until = Instant::now() + pause;
        self.until.set(self.until.get().max(Some(until)));
        Some(pause)
    }

    /// Asks until there is an answer, or a failure that does not pass.
    ///
    /// # Cancel safety
    /// That of the question.
    pub(super) async fn ask<T>(
        &self,
        question: impl AsyncFn() -> Result<T, registry::Error>,
    ) -> Result<T, registry::Error> {
        let mut failed = 0;
        loop {
            let error = match question().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = self.again(&error, failed) else {
                return Err(error);
            };
            failed += 1;
            sleep(pause).await;
        }
    }

    /// How often something was asked again since this was last asked for.
    pub(super) fn take(&self) -> u64 {
        self.again.take()
    }

    /// Ends when no byte has moved for so long, pauses apart: up to an eighth later.
    pub(super) async fn silence(&self, totals: &Totals, limit: Duration) {
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

/// Does a failure pass by itself, as far as anybody can tell? A registry that is overloaded or restarted.
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
        let (totals, patience) = (Totals::default(), Patience::default());
        let begin = Instant::now();
        let moving = async {
            for _ in 0..for_seconds / every {
                sleep(every * SECOND).await;
                totals.add_moved(1);
            }
        };
        tokio::join!(patience.silence(&totals, LIMIT), moving);
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
        let (totals, patience) = (Totals::default(), Patience::default());
        let begin = Instant::now();
        patience.until.set(Some(begin + 20 * SECOND));
        patience.silence(&totals, LIMIT).await;
        assert!((27..=29).contains(&begin.elapsed().as_secs()));
    }
}
