//! The verdict over a run's generator: a pure function of what was seen and what was planned.

mod advice;
mod bounds;
mod findings;
mod load;
mod shards;
mod system;

use super::{Health, LoadFacts, Signals};
use findings::Findings;
pub use shards::{ShardFacts, judge_shards};

/// Judges a run's generator by what was seen of it and by what the engine knows of the load.
///
/// The bounds, with the reasons for each, are the constants of `judge/bounds.rs`. What cannot be judged, because the
/// window was too short or the system does not report it, is listed as such and weighs nothing.
pub fn judge(signals: &Signals, facts: &LoadFacts<'_>) -> Health {
    let mut findings = Findings::default();
    load::judge(facts, &mut findings);
    system::judge(signals, facts.target_host, &mut findings);
    findings.into_health(signals, facts.target_host)
}

#[cfg(test)]
mod tests;
