//! What was done to prepare a target, by a process of its own, for shards that start by the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wall_time::micros_of;
use super::{Document, Environment, FailureSection, Outside, PeriodSection};
use crate::measure::{AddressUse, Bytes, Closure, Period, Record};
use crate::oci::Digest;
use crate::plan::{Place, Plan, Stored};

/// What was done to prepare a target: the first shard takes it into its report, and clean-up deletes what it has stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// The format, always [`Preparation::SCHEMA`].
    pub schema: String,
    /// The version of regstorm.
    pub regstorm: String,
    /// The name of the scenario.
    pub scenario: String,
    /// The address of the target, without credentials.
    pub target: String,
    /// The digest of the resolved plan.
    pub fingerprint: Digest,
    /// Where and when it was done.
    pub environment: Environment,
    /// Images that were put into the registry, or were found there.
    pub images: u64,
    /// Bytes of blobs that were sent for them.
    pub image_bytes: u64,
    /// The exchanges, and how long all of it took.
    pub periods: Vec<PeriodSection>,
    /// Bytes of bodies as the transport counted them.
    pub transport: Bytes,
    /// The addresses that connections went to, of hosts that have several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressUse>,
    /// How many durations were more than an hour and are counted as an hour.
    pub clamped: u64,
    /// Failures by kind.
    pub failures: FailureSection,
    /// The sums that must agree.
    pub closure: Closure,
    /// What else a reader has to know.
    pub notes: Vec<String>,
    /// What was in the registry before, and what was put there.
    pub stored: Stored,
}

/// What was seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeededImages {
    /// Images.
    pub images: u64,
    /// Bytes of blobs that were sent for them.
    pub bytes: u64,
    /// How long all of it took.
    pub time: Duration,
}

/// Why a target is not prepared for a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unprepared {
    /// It was prepared for another plan.
    #[error(
        "the target was prepared for another scenario: its plan is {theirs}, that of this one {ours}; prepare it for this one"
    )]
    Plan {
        /// The fingerprint of the plan that is to be run.
        ours: String,
        /// That of the other one.
        theirs: String,
    },
    /// Another target was prepared.
    #[error("the target that was prepared is {theirs}, and this is {ours}; prepare this one")]
    Target {
        /// The address of this one.
        ours: String,
        /// That of the other one.
        theirs: String,
    },
    /// Another version of regstorm has prepared it.
    #[error("the target was prepared by regstorm {theirs}, and this is {ours}; use one version")]
    Version {
        /// This one.
        ours: String,
        /// The other one.
        theirs: String,
    },
}

impl Preparation {
    /// As it stands in the file. A change that moves the meaning of a number raises it.
    pub const SCHEMA: &str = "regstorm.preparation/1";

    /// Returns what is known of a preparation.
    pub fn new(
        plan: &Plan,
        environment: Environment,
        record: &Record,
        seeded: SeededImages,
        (notes, stored): (Vec<String>, Stored),
    ) -> Self {
        let durations = BTreeMap::from([(Period::Prepare, seeded.time)]);
        let Outside {
            periods,
            transport,
            addresses,
            clamped,
            failures,
            closure,
        } = Outside::of(record, &durations, environment.clock);
        Self {
            schema: Self::SCHEMA.to_owned(),
            regstorm: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: plan.name.clone(),
            target: address(plan),
            fingerprint: plan.fingerprint(),
            images: seeded.images,
            image_bytes: seeded.bytes,
            periods,
            transport,
            addresses,
            clamped,
            failures,
            closure,
            environment,
            notes,
            stored,
        }
    }

    /// Checks that it is a preparation for that plan.
    ///
    /// # Errors
    /// When it is for another one, or of another version.
    pub fn check(&self, plan: &Plan) -> Result<(), Unprepared> {
        let (ours, theirs) = (plan.fingerprint(), self.fingerprint);
        if ours != theirs {
            let [ours, theirs] = [ours, theirs].map(|it| it.to_string());
            return Err(Unprepared::Plan { ours, theirs });
        }
        let ours = address(plan);
        if ours != self.target {
            let theirs = self.target.chars().take(200).collect();
            return Err(Unprepared::Target { ours, theirs });
        }
        let ours = env!("CARGO_PKG_VERSION").to_owned();
        if self.regstorm != ours {
            let theirs = self.regstorm.chars().take(60).collect();
            return Err(Unprepared::Version { ours, theirs });
        }
        Ok(())
    }
}

fn address(plan: &Plan) -> String {
    match &plan.target.place {
        Place::Url(url) => url.to_string(),
        Place::Embedded(_) => "embedded".to_owned(),
    }
}

impl Document {
    /// Whether the load began after that preparation had ended, each by the clock of its machine.
    pub fn began_after(&self, preparation: &Preparation) -> bool {
        let warm_up = self.periods.iter().find(|it| it.period == Period::WarmUp);
        let warm_up = warm_up.map_or(0, |it| it.duration_us);
        let began = micros_of(&self.window_opened).saturating_sub(warm_up);
        micros_of(&preparation.environment.ended) <= began
    }

    /// Adds what another process did to prepare the target. What it has stored is that of the run already.
    pub fn add_preparation(&mut self, preparation: Preparation) {
        let outside = Outside {
            periods: preparation.periods,
            transport: preparation.transport,
            addresses: preparation.addresses,
            clamped: preparation.clamped,
            failures: preparation.failures,
            closure: preparation.closure,
        };
        self.add_outside(outside, preparation.notes);
        let host = preparation.environment.host();
        let (from, to) = (
            &preparation.environment.started,
            &preparation.environment.ended,
        );
        self.note(format!(
            "the target was prepared before, on {host}, from {from} to {to}"
        ));
    }
}
