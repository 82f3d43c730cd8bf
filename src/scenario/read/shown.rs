//! Values as a plan prints them: the keys of a table, written out.

use super::{
    clients, hook as hooks, images as sources, journey as journeys, load as loads, probe as probes,
    target as targets, telemetry as sources_of_telemetry, threshold as thresholds,
};
use crate::hooks::Hook;
use crate::keys::key::Keyed;
use crate::keys::plain::{Fields, Plain};
use crate::scenario::{
    Audit, ImageSet, ImageSource, Journey, Load, Prepare, Probe, Target, TelemetrySource,
    Threshold, Upstream,
};

/// The target, without its secrets.
pub(crate) fn target(target: &Target) -> Plain {
    targets::show(target)
}

/// A journey, with the name of its image set.
pub(crate) fn journey(journey: &Journey, sets: &[ImageSet]) -> Fields {
    journeys::show(journey, sets)
}

/// The habits of each client of a journey, by its name.
pub(crate) fn habits(journey: &Journey) -> Vec<(&'static str, Fields)> {
    clients::each(journey)
}

/// A load of these, with the names of its journeys.
pub(crate) fn load(load: &Load, journeys: &[Journey], all: &[Load]) -> Fields {
    loads::show(load, journeys, all)
}

/// A set of images.
pub(crate) fn images(source: &ImageSource) -> Fields {
    sources::show(source)
}

/// The probe, with the names of its journeys.
pub(crate) fn probe(probe: &Probe, journeys: &[Journey]) -> Fields {
    probes::show(probe, journeys)
}

/// A source of telemetry, without its secrets.
pub(crate) fn telemetry(source: &TelemetrySource) -> Fields {
    sources_of_telemetry::show(source)
}

/// The registry behind the target.
pub(crate) fn upstream(upstream: &Upstream) -> Fields {
    upstream.show()
}

/// A hook.
pub(crate) fn hook(hook: &Hook) -> Fields {
    hooks::show(hook)
}

/// What happens outside the measured window.
pub(crate) fn prepare(prepare: &Prepare) -> Fields {
    prepare.show()
}

/// What is read back after the load.
pub(crate) fn audit(audit: &Audit) -> Fields {
    audit.show()
}

/// A threshold.
pub(crate) fn threshold(threshold: &Threshold) -> Fields {
    thresholds::show(threshold)
}
