//! Interrupts of a command that runs loads: what each signal of a person does, by how far the command has come.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use regstorm::engine::{self, Stop};
use regstorm::session::Event;
use tokio::time::Instant;

use crate::signals::{self, Reaction};

/// How often a wait looks for a signal.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Stops the runs of a command when a person interrupts it.
pub(crate) struct Interrupts {
    pub(crate) stop: Stop,
    at: Arc<Mutex<Stage>>,
}

/// How far a command has come, as far as signals are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Images are read and compressed, which cannot be stopped. Nothing was written to the target yet.
    Opening,
    /// Loads run, which can be stopped.
    Loading,
    /// All is measured, and what the run has stored is read back or deleted, which can be stopped.
    CleaningUp,
    /// The result is written, maybe to a pipe that is not read.
    Writing,
    /// Everything is done, and the command waits for nothing but a signal.
    Lingering,
}

impl Interrupts {
    pub(crate) fn new() -> Self {
        let (stopper, stop) = engine::stop();
        let interrupts = Self {
            stop,
            at: Arc::new(Mutex::new(Stage::Opening)),
        };
        let at = Arc::clone(&interrupts.at);
        signals::on_interrupt(move |count| {
            stopper.ask();
            let stage = *at.lock().unwrap_or_else(PoisonError::into_inner);
            reaction(stage, count)
        });
        interrupts
    }

    /// Images are read: from now on the command can be stopped.
    pub(crate) fn opened(&self) {
        self.reach(Stage::Loading);
    }

    /// Follows how far the command has come.
    pub(crate) fn follow(&self, event: &Event<'_>) {
        self.reach(match event {
            Event::Load(engine::Progress::Opening) => Stage::Opening,
            Event::Load(engine::Progress::Auditing | engine::Progress::CleaningUp)
            | Event::Measured(_) => Stage::CleaningUp,
            _ => Stage::Loading,
        });
    }

    /// Everything is measured: from now on the result is written.
    pub(crate) fn writing(&self) {
        self.reach(Stage::Writing);
    }

    /// Everything is done: waits for that time, or for a signal, which may have come already.
    #[expect(
        clippy::disallowed_methods,
        reason = "the main thread, with nothing left to do"
    )]
    pub(crate) fn linger(&self, time: Duration) {
        self.reach(Stage::Lingering);
        let began = Instant::now();
        while began.elapsed() < time && self.stop.asked().is_none() {
            thread::sleep(LOOK_EVERY);
        }
    }

    fn reach(&self, stage: Stage) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// Returns `true` if a person has interrupted the command.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.stop.is_interrupted()
    }
}

/// Returns the reaction to the n-th signal: the first lets the command end well, the second drops what is under way, and the
/// third ends the process in any case. The second drops a result that is being written, unless that takes less than a
/// second: pressing twice in haste does not lose what was measured.
fn reaction(stage: Stage, count: u32) -> Reaction {
    match (stage, count) {
        (Stage::Opening, _) => Reaction::Leave("interrupted before anything was measured"),
        (Stage::Loading | Stage::CleaningUp, 1 | 2) | (Stage::Lingering, 1) => Reaction::Ends,
        (Stage::Loading, _) => {
            Reaction::EndsOr("interrupted for the third time; there is no result")
        }
        (Stage::CleaningUp, _) => {
            Reaction::EndsOr("interrupted for the third time; the audit or clean-up has not ended")
        }
        (Stage::Writing, 1) => {
            Reaction::Tell("the result is being written; a second signal ends regstorm without it")
        }
        (Stage::Writing, _) => Reaction::EndsOr("interrupted before the result was written"),
        (Stage::Lingering, _) => Reaction::EndsOr("interrupted when everything was done"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_ends_at_the_third_signal_at_the_latest() {
        for stage in [
            Stage::Opening,
            Stage::Loading,
            Stage::CleaningUp,
            Stage::Writing,
            Stage::Lingering,
        ] {
            assert_ne!(reaction(stage, 3), Reaction::Ends, "{stage:?}");
        }
        assert_eq!(reaction(Stage::Loading, 2), Reaction::Ends);
        assert!(matches!(reaction(Stage::Writing, 1), Reaction::Tell(_)));
        assert_ne!(reaction(Stage::Writing, 2), Reaction::Ends);
        assert_eq!(reaction(Stage::Lingering, 1), Reaction::Ends);
    }
}
