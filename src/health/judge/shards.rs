//! Judging what no shard of a run can know by itself: how far apart they began, and how many are lost.

use super::super::{Reason, Signal, Signals, TargetHost};
use super::bounds;
use super::findings::Findings;

/// What is known of the shards of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShardFacts {
    /// From the first that began to measure to the last, in seconds.
    pub skew: f64,
    /// The share of them of which nothing is known.
    pub lost: f64,
    /// The share that may be lost before the run is invalid.
    pub allowed: f64,
}

impl ShardFacts {
    /// The share of lost shards above which a run is invalid, unless its caller allows more.
    pub const ALLOWED: f64 = bounds::LOST_SHARDS;
}

/// Returns what is out of its bounds.
pub fn judge_shards(facts: &ShardFacts) -> Vec<Reason> {
    let mut findings = Findings::default();
    findings.hold(Signal::StartSkew, None, Ok(facts.skew), bounds::START_SKEW);
    let lost = bounds::lost_shards(facts.allowed);
    findings.hold(Signal::LostShards, None, Ok(facts.lost), lost);
    let health = findings.into_health(&Signals::default(), TargetHost::Other);
    health.reasons
}
