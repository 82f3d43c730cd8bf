//! A whole scenario.

use std::num::NonZeroUsize;

use crate::hooks::Hook;

use super::{
    Audit, ImageSet, Journey, Load, Prepare, Probe, Target, TelemetrySource, Threshold, Upstream,
};

/// The seed of a scenario that names none: the same for everyone, so that two runs of a file are alike.
pub const DEFAULT_SEED: u64 = 42;

/// A scenario without mistakes. Names are resolved, defaults are filled in; only the workers may be open.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The name, fit to be a file name.
    pub name: String,
    /// What the scenario is about; may be empty.
    pub description: String,
    /// Where every random choice starts.
    pub seed: u64,
    /// Worker threads, 1 to 1,024; by the machine when absent.
    pub workers: Option<NonZeroUsize>,
    /// The registry under test.
    pub target: Target,
    /// The registry behind it, where it is a pull-through cache of one in this process.
    pub upstream: Option<Upstream>,
    /// The image sets, in the order of the file.
    pub images: Vec<ImageSet>,
    /// The journeys, in the order of the file. Not empty.
    pub journeys: Vec<Journey>,
    /// What is to be done. Not empty.
    pub loads: Vec<Load>,
    /// What the probe requests beside the load.
    pub probe: Option<Probe>,
    /// What is read of the target beside the load, in the order of the file. May be empty; names are unique.
    pub telemetry: Vec<TelemetrySource>,
    /// What runs beside the load, on this machine. May be empty.
    pub hooks: Vec<Hook>,
    /// What happens outside the measured window.
    pub prepare: Prepare,
    /// What is read back after the load.
    pub audit: Audit,
    /// What the run is judged by, in the order of the file. May be empty.
    pub thresholds: Vec<Threshold>,
}
