//! Iterations that cannot end in time: their bytes would have to come faster than a connection usually carries them.

use std::fmt;
use std::time::Duration;

use super::Journey;
use crate::units;

/// The rate, in bytes per second, that one iteration may need at most: 1 Gbit/s. A user alone seldom gets more.
const MOST_PER_S: f64 = 125e6;

/// An iteration that needs more than that. Printed as a sentence that says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Haste {
    /// The bytes of the layers that the iteration moves.
    pub bytes: u64,
    /// How long it may take.
    pub iteration_timeout: Duration,
}

impl Haste {
    /// The largest iteration of a journey for images whose layers have these sizes, if it is one of those.
    pub fn of(journey: &Journey, images: &[Vec<u64>]) -> Option<Self> {
        let asked = journey.clients.iter().flat_map(|client| {
            let images = images.iter();
            images.map(|sizes| journey.action.requests(&client.habits, sizes, 1))
        });
        let haste = Self {
            bytes: asked.map(|it| it.down.saturating_add(it.up)).max()?,
            iteration_timeout: journey.iteration_timeout,
        };
        (haste.per_second() > MOST_PER_S).then_some(haste)
    }

    #[expect(clippy::cast_precision_loss, reason = "three digits are shown of it")]
    fn per_second(&self) -> f64 {
        self.bytes as f64 / self.iteration_timeout.as_secs_f64()
    }
}

impl fmt::Display for Haste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its largest iteration moves {}, which within iteration_timeout = {} takes {}, more than 1 Gbit/s carries: raise \
             iteration_timeout",
            units::bytes(self.bytes),
            humantime::format_duration(self.iteration_timeout),
            units::per_second(self.per_second(), "B"),
        )
    }
}
