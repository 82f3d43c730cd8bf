//! How loads end, well or badly: every sum closes, what was cut is a lower bound, nothing is left behind.

/// Open loads and ramps under faults, to their end and stopped: every sum closes.
mod sums;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings, Stall};
use regstorm::engine::{self, Finished, Progress, Stopper};
use regstorm::measure::{DropReason, JourneySeries, Period, Totals};
use regstorm::oci::Operation;
use regstorm::plan::Plan;

use crate::support::assert_closed;

/// An image of one small layer, a journey `j` and one load of it.
fn scenario(journey: &str, load: &str) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"10000B\"\n\
         [journey.j]\nimages = \"web\"\n{journey}\n\
         [[load]]\njourney = \"j\"\n{load}\n"
    )
}

/// A registry that never answers one operation.
fn silent_on(operation: Operation) -> Settings {
    let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    Settings {
        faults: vec![Fault::on(operation, stall)],
        ..Settings::default()
    }
}

/// Runs a plan to its end, with somebody beside it who may ask to stop. Its sums close.
fn run_beside(
    plan: Plan,
    beside: impl FnOnce(&Stopper) + Send,
    mut tell: impl FnMut(Progress<'_>),
) -> Finished {
    let (stopper, stop) = engine::stop();
    let plan = Arc::new(plan);
    let finished = thread::scope(|scope| {
        scope.spawn(|| beside(&stopper));
        engine::run(&plan, 7, &stop, &mut tell).expect("a run that measures")
    });
    assert_closed(&finished);
    finished
}

/// Arms faults as soon as the images that are pulled are in place.
fn arm_when_seeded(registry: &Running, faults: &[Fault], at: &Progress<'_>) -> bool {
    let seeded = matches!(at, Progress::Seeding(seeded) if seeded.images == seeded.of);
    if seeded {
        registry.set_faults(faults.to_vec()).expect("it runs");
    }
    seeded
}

/// The measured window of the only journey.
fn only(finished: &Finished) -> JourneySeries {
    let mut journeys = finished.record.journeys();
    let (_, _, series) = journeys.next().expect("a journey");
    assert!(journeys.next().is_none());
    series.into_owned()
}

fn measured(finished: &Finished) -> Totals {
    *finished.record.totals(Period::Measure)
}

/// Drops of the measured window by reason, over all journeys.
fn drops(finished: &Finished) -> BTreeMap<&'static str, u64> {
    let mut drops = BTreeMap::new();
    for (_, _, series) in finished.record.journeys() {
        for (reason, count) in series.counts.drops.iter() {
            *drops.entry(reason.name()).or_insert(0) += count;
        }
    }
    drops
}

fn dropped(finished: &Finished, reason: DropReason) -> u64 {
    drops(finished).get(reason.name()).copied().unwrap_or(0)
}
