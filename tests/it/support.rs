//! A registry in this process, a scenario in a few lines, and what came of it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use regstorm::embedded::{Counts, Registry, Running, Settings};
use regstorm::engine::{self, Around, Finished};
use regstorm::measure::{Period, Record};
use regstorm::oci::Operation;
use regstorm::plan::{self, Plan};
use regstorm::scenario::{self, Overrides};

/// Starts a registry.
pub(crate) fn registry(settings: Settings) -> Running {
    Registry::start(settings).expect("a registry on a free port")
}

/// The plan of a scenario, resolved for `workers` cores.
pub(crate) fn plan(toml: &str, target: &str, workers: usize) -> Plan {
    let overrides = Overrides {
        target: Some(target.to_owned()),
        ..Overrides::default()
    };
    let loaded = scenario::load(toml, "test.toml", Path::new(""), &overrides, &|_| None);
    let scenario = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    plan::resolve(
        scenario,
        NonZeroUsize::new(workers).expect("at least one worker"),
    )
}

/// Runs a plan to its end.
pub(crate) fn run(plan: &Plan) -> Result<Finished, engine::Error> {
    let (_stopper, stop) = engine::stop();
    engine::run(&Arc::new(plan.clone()), 7, &stop, &mut |_| {})
}

/// Runs a scenario on two workers against a registry, holds the counts of both against each other, and gives both.
///
/// Only for runs in which no exchange is cut: the registry cannot count what it never saw to its end.
pub(crate) fn run_against(toml: &str, registry: &Running) -> (Finished, Counts) {
    let finished = run(&plan(toml, &registry.url(), 2)).expect("a run that measures");
    assert_closed(&finished);
    let counts = settled(registry);
    assert_eq!(
        by_status(&finished.record),
        counts
            .exchanges
            .iter()
            .map(|(&(operation, status), &count)| (
                (
                    operation.expect("an operation of the specification"),
                    status
                ),
                count
            ))
            .collect(),
        "the harness and the registry count differently"
    );
    assert_eq!(transport(&finished), (counts.received, counts.sent));
    (finished, counts)
}

/// Every sum of the run closes.
pub(crate) fn assert_closed(finished: &Finished) {
    let closure = finished.record.check();
    let broken: Vec<_> = closure.broken().collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(finished.panics, 0);
}

/// What was done before and after the only load of a target.
pub(crate) fn around(finished: &Finished) -> &Around {
    let around = finished.around.as_ref();
    around.expect("the target was closed after its load")
}

/// Bytes of bodies that the transport counted: sent and received.
pub(crate) fn transport(finished: &Finished) -> (u64, u64) {
    let bytes = finished.record.transport();
    (bytes.sent, bytes.received)
}

/// Answers by operation and status, over all periods of the run.
pub(crate) fn by_status(record: &Record) -> BTreeMap<(Operation, u16), u64> {
    let mut all = BTreeMap::new();
    let mut add = |operation, status, count| {
        if count > 0 {
            *all.entry((operation, status)).or_insert(0) += count;
        }
    };
    for (journey, _, _) in record.journeys() {
        for (operation, series) in record.operations(journey) {
            for (status, count) in series.counts.statuses.iter() {
                add(operation, status, count);
            }
        }
    }
    let outside = Period::ALL.into_iter();
    for period in outside.filter(|it| *it != Period::Measure) {
        for (operation, tally) in record.tally(period).operations() {
            for (status, count) in tally.statuses.iter() {
                add(operation, status, count);
            }
        }
    }
    all
}

/// The counts of a registry once it works on nothing any more.
pub(crate) fn settled(registry: &Running) -> Counts {
    wait_for(|| Some(registry.counts()).filter(|counts| counts.in_progress == 0))
}

/// Plays with a time-out that is longer each time, until what is claimed holds. A machine that stands still for a while makes
/// a time-out strike before the place that it is meant to strike at; what is broken is so with any.
pub(crate) fn patiently<T>(
    shortest: Duration,
    mut play: impl FnMut(Duration) -> Result<T, String>,
) -> T {
    let mut patience = shortest;
    loop {
        match play(patience) {
            Ok(it) => return it,
            Err(broken) => assert!(
                patience < Duration::from_secs(20),
                "with {patience:?}: {broken}"
            ),
        }
        patience *= 4;
    }
}

/// Asks until there is an answer; a test that waits for what never comes fails.
#[expect(
    clippy::disallowed_methods,
    reason = "a test waits between two questions to another thread"
)]
pub(crate) fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..150_000 {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("waited in vain");
}
