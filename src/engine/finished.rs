//! What comes of a load.

use std::time::Duration;

use tokio::time::Instant;

use super::audit::Audited;
use super::prepare::Seeded;
use super::upstream::UpstreamCounts;
use crate::embedded;
use crate::health::Signals;
use crate::hooks::HookRecord;
use crate::measure::{LatencyHistogram, Record, TracedRequests};
use crate::oci::{Digest, ImageName};
use crate::telemetry::Gathered;

/// A load that is over.
#[derive(Debug)]
pub struct Finished {
    /// Everything that the users did; of the last load of a target with what was done [around](Finished::around) them.
    pub record: Record,
    /// What the probe recorded beside the load, if the plan has one. None of it is in `record`.
    pub probe: Option<Record>,
    /// How late the pacers of open loads woke, for each arrival in the measured window.
    pub pacer_lag: LatencyHistogram,
    /// What was seen of the generator in the measured window.
    pub signals: Signals,
    /// What was read of the target beside the load, if the plan has sources for that.
    pub telemetry: Option<Gathered>,
    /// The target.
    pub target: TargetIdentity,
    /// When the measured window opened, or would have.
    pub opened: Instant,
    /// How long the load ran before it was measured: less than planned if it was stopped before.
    pub warm_up_time: Duration,
    /// The image sets with globs, as they were found before the load.
    pub found: Vec<FoundImages>,
    /// Replays of traces, in the order of the loads.
    pub replays: Vec<ReplayCounts>,
    /// What came of the hooks, in the order of the plan; none where they were not run here.
    pub hooks: Vec<HookRecord>,
    /// What was requested of the upstream meanwhile, if it is in this process.
    pub upstream: Option<UpstreamCounts>,
    /// Tags that led to an image again after they had led to another.
    pub flickers: TagFlickers,
    /// Connections that the users opened.
    pub connections: u64,
    /// Whether the load was stopped while it ran.
    pub interrupted: bool,
    /// Virtual users, or whole workers, that ended in a panic: defects of regstorm. What the others counted is kept.
    pub panics: u64,
    /// What a reader has to know beside the counts.
    pub notes: Vec<String>,
    /// What was read back before clean-up, where the result comes after it; its exchanges are in `record`.
    pub audited: Option<Audited>,
    /// Preparation and clean-up; `None` for a load that others of the same target follow.
    pub around: Option<Around>,
}

/// The requests of a replay, held against its trace.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayCounts {
    /// The load's place in the plan.
    pub load: usize,
    /// What the trace says of the sessions that this process was to do.
    pub recorded: TracedRequests,
    /// What was sent.
    pub replayed: TracedRequests,
}

/// Tags that led to an image again after they had led to another, though each image is pushed once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagFlickers {
    /// Reads that found the old image again.
    pub found: u64,
    /// Those of tags of which a push failed or was sent again: it may come at any time.
    pub not_judged: u64,
    /// The first ones: the tag, the image it led to again, one that it had led to meanwhile, and when.
    pub examples: Vec<(ImageName, Digest, Digest, Instant)>,
}

/// Where the target is, and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetIdentity {
    /// The base URL of the registry.
    pub base: String,
    /// The headers of its first response that name a product or a version.
    pub headers: Vec<(String, String)>,
}

/// The images of a set whose globs were looked up in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImages {
    /// The name of the set.
    pub set: String,
    /// Images of the set.
    pub images: usize,
    /// Repositories that its globs found any of them in.
    pub repositories: usize,
    /// The digest of the names, one a line in the order of the set: the same images have the same.
    pub digest: Digest,
}

/// What was done before the first load of a target and after the last.
#[derive(Debug, Clone)]
pub struct Around {
    /// How long the images took to get to where pulls expect them.
    pub prepare_time: Duration,
    /// What seeding did.
    pub seeded: Seeded,
    /// How long clean-up took.
    pub clean_up_time: Duration,
    /// What the embedded registry counted, if that was the target.
    pub embedded: Option<embedded::Counts>,
}
