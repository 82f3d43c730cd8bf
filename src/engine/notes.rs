//! What a reader has to know of a load beside its numbers.

use super::begun::Begun;
use super::images::Images;
use super::shared::Shared;
use crate::measure::{FailureClass, Record};
use crate::plan::{Haste, Plan};
use crate::units;

/// Returns the notes on a load that is over, without those of its users.
pub(super) fn of_load(plan: &Plan, images: &Images, record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.is_uneven() {
        notes.push(
            "the loads begin or end at different times: every rate is over the whole window"
                .to_owned(),
        );
    }
    notes.extend(plan.target.proxy.as_ref().map(|proxy| {
        format!("every request went through the proxy {proxy}: its connections and limits are part of the numbers")
    }));
    notes.extend(hasty(plan, images, record));
    notes
}

/// Returns a note for each journey whose iterations could only time out.
fn hasty(plan: &Plan, images: &Images, record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    for (_, name, series) in record.journeys() {
        let timed_out = series.counts.failure_classes.of(FailureClass::Timeout);
        let mut journeys = plan.journeys.iter();
        let Some(journey) = journeys.find(|it| timed_out > 0 && it.name == name) else {
            continue;
        };
        let set = journey.images().map(|images| images.set);
        let sizes = set.map(|set| images.layer_sizes(set));
        let haste = sizes.and_then(|sizes| Haste::of(journey, &sizes));
        notes.extend(haste.map(|haste| {
            let iterations = units::count(timed_out);
            format!("{name}: {iterations} iterations timed out: {haste}")
        }));
    }
    notes
}

/// Returns a note for each load that did not have the time to begin all its iterations.
pub(super) fn cut_by_time(
    shared: &Shared,
    begun: &[(usize, Begun)],
    runs: u64,
) -> impl Iterator<Item = String> {
    let loads = shared.plan.loads.iter().enumerate();
    loads.filter_map(move |(index, load)| {
        let planned = shared.iterations(index)?.saturating_mul(runs);
        let of_load = begun.iter().filter(|(load, _)| *load == index);
        let begun: u64 = of_load.map(|(_, begun)| begun.count()).sum();
        (begun < planned).then(|| {
            let name = &load.name;
            format!("{name} reached its max_duration: {begun} of {planned} iterations began")
        })
    })
}
