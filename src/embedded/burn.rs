//! Processor time that is used for nothing, beside the responses: a registry that costs more and answers as fast.

use std::cell::OnceCell;
use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

/// What is due is gathered for so long, so that the thread wakes seldom.
const GATHERED: Duration = Duration::from_millis(10);

/// A longer step between two looks at the clock is time that something else had the processor.
const LONGEST_STEP: Duration = Duration::from_micros(20);

/// More than that is never due: who asks for more than a processor gets one.
const MOST_DUE: Duration = Duration::from_secs(1);

/// A thread that uses processor time. It starts when some is first due, and ends with its registry.
#[derive(Debug, Default)]
pub(super) struct Burner(OnceCell<Sender<Duration>>);

impl Burner {
    /// Has so much processor time used, soon, by another thread.
    pub(super) fn burn(&self, time: Duration) {
        let sender = self.0.get_or_init(|| {
            let (sender, due) = channel();
            thread::spawn(move || work(&due));
            sender
        });
        // The thread ends only with this sender.
        let _ = sender.send(time);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, which serves no request"
)]
fn work(due: &Receiver<Duration>) {
    let mut owed = Duration::ZERO;
    while let Ok(first) = due.recv() {
        thread::sleep(GATHERED);
        let all = due.try_iter().fold(first, Duration::saturating_add);
        owed = owed.saturating_add(all).min(MOST_DUE);
        owed = owed.saturating_sub(burn(owed));
    }
}

/// Uses so much processor time and returns how much it was.
fn burn(time: Duration) -> Duration {
    let mut used = Duration::ZERO;
    let mut last = Instant::now();
    let mut number = 1_u64;
    while used < time {
        for _ in 0..100 {
            number = black_box(
                number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1),
            );
        }
        let now = Instant::now();
        let step = now.duration_since(last);
        if step <= LONGEST_STEP {
            used += step;
        }
        last = now;
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_burnt_is_what_was_asked_for_and_a_step_more_at_most() {
        let used = burn(Duration::from_millis(2));
        let most = Duration::from_millis(2) + LONGEST_STEP;
        assert!(
            (Duration::from_millis(2)..=most).contains(&used),
            "{used:?}"
        );
        assert_eq!(burn(Duration::ZERO), Duration::ZERO);
    }
}
