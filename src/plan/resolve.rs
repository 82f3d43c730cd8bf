//! The plan and its fingerprint.

use std::num::NonZeroUsize;

use super::{ImageSet, Journey, Load, Prepare, Probe, Target, Threshold, TokenPolicy};
use crate::oci::Digest;
use crate::scenario::Scenario;

/// What will happen, resolved, before anything happens.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The name of the scenario.
    pub name: String,
    /// What it is about; may be empty.
    pub description: String,
    /// Where every random choice starts.
    pub seed: u64,
    /// Worker threads, 1 to 1,024.
    pub workers: NonZeroUsize,
    /// The registry under test.
    pub target: Target,
    /// The image sets, in the order of the scenario.
    pub images: Vec<ImageSet>,
    /// The journeys, in the order of the scenario. Not empty.
    pub journeys: Vec<Journey>,
    /// What is to be done. Not empty.
    pub loads: Vec<Load>,
    /// What a bystander asks beside the load.
    pub probe: Option<Probe>,
    /// What happens outside the measured window.
    pub prepare: Prepare,
    /// What the run is judged by, in the order of the scenario. May be empty.
    pub thresholds: Vec<Threshold>,
}

/// Resolves a scenario for a machine on which this process may use that many cores.
///
/// Where the scenario says nothing of workers, there is one for each core.
pub fn resolve(scenario: Scenario, cores: NonZeroUsize) -> Plan {
    Plan {
        workers: scenario.workers.unwrap_or(cores),
        name: scenario.name,
        description: scenario.description,
        seed: scenario.seed,
        target: scenario.target,
        images: scenario.images,
        journeys: scenario.journeys,
        loads: scenario.loads,
        probe: scenario.probe,
        prepare: scenario.prepare,
        thresholds: scenario.thresholds,
    }
}

/// What the fingerprint leaves out: who is asked, who asks, words for people, and what is thought of the numbers.
const NOT_COMPARED: [&str; 5] = ["name", "description", "workers", "target", "threshold"];

impl Plan {
    /// Where the draws of an image set start: sets of one run have nothing in common.
    pub const fn image_seed(&self, set: usize) -> u64 {
        self.seed.wrapping_add(set as u64)
    }

    /// Where the random arrivals of a load start: two loads of one rate do not come in step.
    pub const fn arrival_seed(&self, load: usize) -> u64 {
        self.seed.wrapping_add(load as u64)
    }

    /// The digest of what two runs must have in common for their numbers to be comparable.
    ///
    /// That is everything in the text but the name, the description, the workers, the target and the thresholds: two
    /// builds at two addresses, with their own credentials, are compared under one load, also where each is judged by
    /// limits of its own. A run that a threshold ended early is told from others by its report, not by its plan. The
    /// directory of the scenario is left out too, since archives are named as the scenario names them.
    pub fn fingerprint(&self) -> Digest {
        let mut text = String::from("regstorm plan 2\n");
        for (path, value) in self.lines() {
            let is_left_out = NOT_COMPARED.contains(&path[0].as_str());
            let shares_tokens =
                path == ["target", "auth", "tokens"] && self.target.tokens != TokenPolicy::PerVu;
            if !is_left_out || shares_tokens {
                text.push_str(&crate::scenario::line(&path, &value));
            }
        }
        Digest::sha256(text.as_bytes())
    }
}
