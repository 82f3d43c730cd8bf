//! What one virtual user does in one iteration.

use std::time::Duration;

use super::read::action::Action;
use super::selection::{Pick, Selection};
use crate::profile::{Habits, Profile};

/// What one virtual user does from start to end.
#[derive(Debug, Clone)]
pub struct Journey {
    /// The name, unique in the scenario.
    pub name: String,
    /// The client that is emulated.
    pub client: Profile,
    /// Its habits, those that the scenario changes as the scenario has them.
    pub habits: Habits,
    /// The pause between two iterations of a user.
    pub think_time: ThinkTime,
    /// The longest silence of an exchange, 1 ms to 6 h.
    pub request_timeout: Duration,
    /// The most time one iteration may take; at least `request_timeout`, at most 24 h.
    pub iteration_timeout: Duration,
    /// What is done.
    pub action: Action,
}

/// A pause between two iterations, at most 1 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkTime {
    /// No pause.
    None,
    /// Always the same.
    Fixed(Duration),
    /// Uniform between both; the first is the shorter.
    Uniform(Duration, Duration),
}

impl Journey {
    /// The images it has to do with; a catalogue of a registry as it is has to do with none.
    pub fn images(&self) -> Option<&Selection> {
        self.action.images()
    }

    /// How its images are picked. Without images nothing is picked, one way or the other.
    pub fn pick(&self) -> Pick {
        self.images().map_or(Pick::RoundRobin, |images| images.pick)
    }

    /// The most requests of one user in flight at once.
    pub fn in_flight(&self) -> usize {
        self.action.in_flight(&self.habits)
    }
}
