//! Who runs a hook: the caller, which owns processes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::HookEnd;

/// How much of the end of what a run prints a [`Runner`] keeps, in bytes. A report has less: secrets are hidden before it is cut.
pub const CAPTURED: usize = 8 << 10;

/// Runs commands. A run of it blocks its thread, which is none of the load's.
pub trait Runner: Send + Sync {
    /// Runs a command to its end, its time limit or the signal to stop, whichever comes first, and ends it with all that it has started in
    /// the latter two.
    fn run(&self, order: &Order<'_>) -> Ran;
}

/// A command that is to be run.
pub struct Order<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// Variables of its environment, added to those of this process.
    pub variables: &'a [(String, String)],
    /// How long it may take.
    pub timeout: Duration,
    /// Returns `true` once it is to be ended at once.
    pub is_stopped: &'a dyn Fn() -> bool,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: HookEnd,
    /// When it ended.
    pub ended: Instant,
    /// The end of what it printed, at most [`CAPTURED`] bytes.
    pub printed: Vec<u8>,
}

/// That the hooks of a plan may run, and how.
#[derive(Clone)]
pub struct Allowed {
    /// Who runs them.
    pub runner: Arc<dyn Runner>,
    /// Variables of the environment of each command, beside those that say which hook it is and where the target is.
    pub variables: Vec<(String, String)>,
}

impl fmt::Debug for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl Allowed {
    /// Returns the same with another variable.
    #[must_use]
    pub fn with(&self, name: &str, value: impl Into<String>) -> Self {
        let mut with = self.clone();
        with.variables.push((name.to_owned(), value.into()));
        with
    }
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}
