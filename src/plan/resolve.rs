//! The plan and its fingerprint.

use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};

use super::{Action, TokenPolicy};
use crate::oci::Digest;
use crate::scenario::{Scenario, shown};

/// What will happen, resolved, before anything happens: a scenario, and what was left open in it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Worker threads, 1 to 1,024.
    pub workers: NonZeroUsize,
    /// Everything else. Its own `workers` is what the scenario said.
    pub scenario: Scenario,
}

impl Deref for Plan {
    type Target = Scenario;

    fn deref(&self) -> &Scenario {
        &self.scenario
    }
}

impl DerefMut for Plan {
    fn deref_mut(&mut self) -> &mut Scenario {
        &mut self.scenario
    }
}

/// Resolves a scenario for a machine on which this process may use that many cores.
///
/// Where the scenario says nothing of workers, there is one for each core.
pub fn resolve(scenario: Scenario, cores: NonZeroUsize) -> Plan {
    Plan {
        workers: scenario.workers.unwrap_or(cores),
        scenario,
    }
}

/// What the fingerprint leaves out: who is asked, who asks, words for people, what is read beside the load, what is thought of the
/// numbers, and what is read when they are there.
const NOT_COMPARED: [&str; 7] = [
    "name",
    "description",
    "workers",
    "target",
    "telemetry",
    "threshold",
    "audit",
];

impl Plan {
    /// Where the draws of an image set start: sets of one run have nothing in common.
    pub fn image_seed(&self, set: usize) -> u64 {
        self.seed.wrapping_add(set as u64)
    }

    /// Where the random arrivals of a load start: two loads of one rate do not come in step.
    pub fn arrival_seed(&self, load: usize) -> u64 {
        self.seed.wrapping_add(load as u64)
    }

    /// The digest of what two runs must have in common for their numbers to be comparable.
    ///
    /// That is everything in the text but the name, the description, the workers, the target, telemetry, the thresholds and the audit: two
    /// builds at two addresses, with their own credentials, are compared under one load, also where each is judged by
    /// limits of its own. A run that a threshold ended early is told from others by its report, not by its plan. The
    /// directory of the scenario is left out too, since archives are named as the scenario names them.
    pub fn fingerprint(&self) -> Digest {
        let mut text = String::from("regstorm plan 2\n");
        for (path, value) in self.lines() {
            let is_left_out = NOT_COMPARED.contains(&path[0].as_str());
            let shares_tokens = path == ["target", "auth", "tokens"]
                && self.target.auth.tokens != TokenPolicy::PerVu;
            // A registry that records traces does more.
            let is_traced = path == ["target", "trace"] && self.target.trace > 0.0;
            if !is_left_out || shares_tokens || is_traced {
                text.push_str(&crate::keys::plain::line(&path, &value));
            }
        }
        // The text has the habits that several clients have in common.
        for journey in self.journeys.iter().filter(|it| it.clients.len() > 1) {
            for (client, habits) in shown::habits(journey) {
                let path = ["journey", &journey.name, "client", client].map(str::to_owned);
                text.push_str(&crate::keys::plain::line(&path, &habits.into()));
            }
        }
        // The text names the trace and does not say what is in it.
        for journey in &self.journeys {
            if let Action::Replay(replay) = &journey.action {
                let checksum = format!("{:032x}", replay.sessions.checksum());
                let path = ["journey", &journey.name, "requests"].map(str::to_owned);
                text.push_str(&crate::keys::plain::line(&path, &checksum.as_str().into()));
            }
        }
        Digest::sha256(text.as_bytes())
    }
}
