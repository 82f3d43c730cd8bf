//! What a caller knows of a run beside its plan.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use super::shard::Part;
use crate::hooks::Allowed;
use crate::result::{Ceiling, Environment};

/// What a caller knows of a run beside its plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Labels for the report, such as `build` = `1.4.2`.
    pub labels: BTreeMap<String, String>,
    /// What a CI system says of the job, by the names of its variables.
    pub ci: BTreeMap<String, String>,
    /// What this machine can reach, if that was measured.
    pub ceiling: Option<Ceiling>,
    /// How long a target may take to respond for the first time: a registry may be starting. Zero: it is asked once.
    pub wait: Duration,
    /// Which part of the run this process does; `None`: all of it.
    pub part: Option<Part>,
    /// That the hooks of the plan may run, and how; `None`: a plan with hooks is refused.
    pub hooks: Option<Allowed>,
}

impl Options {
    /// This machine and a run that begins now.
    pub(super) fn environment(&self) -> Environment {
        Environment {
            labels: self.labels.clone(),
            ci: self.ci.clone(),
            ..Environment::observe()
        }
    }
}

/// Returns a number that no other run has.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
