//! The progress of a load, as its caller receives it.

use std::time::Duration;

use super::prepare::Seeded;
use crate::health::Latest;
use crate::hooks::News;
use crate::measure::{Live, Observed, Period};
use crate::registry;
use crate::telemetry::Told;

/// How far a run has come.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Images are read, synthetic layers are hashed.
    Opening,
    /// The target does not respond yet, and is asked again.
    Waiting {
        /// Why it does not.
        error: &'a registry::Error,
    },
    /// The target has responded.
    Ready {
        /// The base URL of the registry.
        base: String,
        /// The headers by which it names itself.
        headers: &'a [(String, String)],
    },
    /// Images are pushed to where pulls expect them.
    Seeding(Seeded),
    /// The load runs.
    Load {
        /// Warm-up or measuring.
        period: Period,
        /// Since the period began.
        elapsed: Duration,
        /// How long the period lasts at most.
        length: Duration,
        /// The counts so far.
        live: &'a Live,
        /// What each view has counted up to a second ago; nothing before the first second.
        observed: &'a [Observed],
        /// How the generator does.
        generator: Latest,
    },
    /// Something has happened to a hook.
    Hook(&'a News),
    /// A source of telemetry was read, or something is wrong with it for the first time. The load goes on.
    Telemetry(&'a Told),
    /// What was acknowledged is read back.
    Auditing,
    /// What was pushed is deleted.
    CleaningUp,
}
