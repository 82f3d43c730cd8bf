//! How runs are stopped: by a person, or by a threshold.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use regstorm::engine::{self, Stop, Stopper};

use crate::signals::{self, Reaction};

/// How a run is stopped: by a person, or by a threshold.
pub(crate) struct Brake {
    pub(crate) stopper: Arc<Stopper>,
    pub(crate) stop: Stop,
    at: Arc<Mutex<Stage>>,
    by_person: Arc<AtomicBool>,
}

/// How far a command has come, as far as signals are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Reading and compressing images looks at no brake. Nothing was written to the target then.
    Opening,
    /// Whoever asks to stop is heard in time.
    Loading,
    /// What was measured is written, to what may be a pipe that nobody reads.
    Writing,
}

impl Brake {
    pub(crate) fn new() -> Self {
        let (stopper, stop) = engine::stop();
        let brake = Self {
            stopper: Arc::new(stopper),
            stop,
            at: Arc::new(Mutex::new(Stage::Opening)),
            by_person: Arc::default(),
        };
        let (stopper, at) = (Arc::clone(&brake.stopper), Arc::clone(&brake.at));
        let by_person = Arc::clone(&brake.by_person);
        signals::on_interrupt(move |count| {
            by_person.store(true, Ordering::SeqCst);
            stopper.ask();
            let stage = *at.lock().unwrap_or_else(PoisonError::into_inner);
            reaction(stage, count)
        });
        brake
    }

    /// Images are read: from now on, whoever asks to stop is heard in time.
    pub(crate) fn opened(&self) {
        self.reach(Stage::Loading);
    }

    pub(crate) fn hear(&self, at: &engine::Progress<'_>) {
        let opening = matches!(at, engine::Progress::Opening);
        self.reach(if opening {
            Stage::Opening
        } else {
            Stage::Loading
        });
    }

    /// Everything is measured; what is left is to tell it.
    pub(crate) fn writing(&self) {
        self.reach(Stage::Writing);
    }

    fn reach(&self, stage: Stage) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    pub(crate) fn was_used(&self) -> bool {
        self.by_person.load(Ordering::SeqCst)
    }
}

/// What becomes of a command at the signal of that number: the first lets it end well, the second drops what is under way,
/// and the third ends it in any case. A result that is being written is dropped by the second, unless it is written within a
/// second: who presses twice in haste does not lose what was measured.
fn reaction(stage: Stage, count: u32) -> Reaction {
    match (stage, count) {
        (Stage::Opening, _) => Reaction::Leave("interrupted before anything was measured"),
        (Stage::Loading, 1 | 2) => Reaction::Ends,
        (Stage::Loading, _) => {
            Reaction::EndsOr("interrupted for the third time; there is no result")
        }
        (Stage::Writing, 1) => {
            Reaction::Tell("the result is being written; a second signal ends regstorm without it")
        }
        (Stage::Writing, _) => Reaction::EndsOr("interrupted before the result was written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_ends_at_the_third_signal_at_the_latest() {
        for stage in [Stage::Opening, Stage::Loading, Stage::Writing] {
            assert_ne!(reaction(stage, 3), Reaction::Ends, "{stage:?}");
        }
        assert_eq!(reaction(Stage::Loading, 2), Reaction::Ends);
        assert!(matches!(reaction(Stage::Writing, 1), Reaction::Tell(_)));
        assert_ne!(reaction(Stage::Writing, 2), Reaction::Ends);
    }
}
