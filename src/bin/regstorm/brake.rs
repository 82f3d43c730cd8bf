//! How a person stops runs.

use std::sync::{Arc, Mutex, PoisonError};

use regstorm::engine::{self, Stop};
use regstorm::session::Event;

use crate::signals::{self, Reaction};

/// How a person stops runs.
pub(crate) struct Brake {
    pub(crate) stop: Stop,
    at: Arc<Mutex<Stage>>,
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
            stop,
            at: Arc::new(Mutex::new(Stage::Opening)),
        };
        let at = Arc::clone(&brake.at);
        signals::on_interrupt(move |count| {
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

    pub(crate) fn hear(&self, event: &Event<'_>) {
        let opening = matches!(event, Event::Load(engine::Progress::Opening));
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
        self.stop.is_interrupted()
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
