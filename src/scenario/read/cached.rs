//! The rules between an upstream and the rest of a scenario.

use super::prepare::CleanUp;
use super::target::Place;
use crate::keys::problem::Problem;
use crate::keys::spot::Spot;
use crate::keys::table::Sink;
use crate::keys::tree::Entry;
use crate::scenario::root::Scenario;

/// The rules between an upstream and the rest: the target is a cache, which takes no pushes and no deletions.
pub(super) fn check(scenario: &Scenario, root: &[Entry], journeys: &[Entry], sink: &Sink) {
    if scenario.upstream.is_none() {
        return;
    }
    let spot = |key: &str| {
        root.iter()
            .find(|it| it.key == key)
            .map(|it| it.key_spot.clone())
    };
    let report = |at: Option<Spot>, message: &str, label: &str| {
        if let Some(at) = at.or_else(|| spot("upstream")) {
            sink.report(Problem::new(message, at).label(label));
        }
    };
    if matches!(scenario.target.place, Place::Embedded(_)) {
        let label = "set target.url to the address of the cache";
        report(
            spot("target"),
            "the embedded registry has no upstream",
            label,
        );
    }
    if scenario.prepare.clean_up != CleanUp::None {
        let label = "remove clean_up: the upstream is gone when the run ends";
        report(
            spot("prepare"),
            "a pull-through cache deletes nothing",
            label,
        );
    }
    for (journey, entry) in scenario.journeys.iter().zip(journeys) {
        if journey.action.stores() {
            let message = format!("journey `{}` stores something", journey.name);
            report(
                Some(entry.key_spot.clone()),
                &message,
                "a pull-through cache takes no pushes: with [upstream] journeys only read",
            );
        }
    }
}
