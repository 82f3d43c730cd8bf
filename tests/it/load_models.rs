//! Proof of the load models: what each executor starts, when, and what is counted when the target or somebody's wish
//! gets in the way.
//!
//! Expected numbers are hand arithmetic on the scenario. Where an instant of the run is needed, it is bounded by causes
//! and effects in the registry's log: an iteration is due before its first request arrives, and ends after its last
//! answer was written. The counts of a run that nobody disturbs are exact on any machine, however busy.

/// How many iterations are due: the integral of the rate, whatever the number of workers, and in which stage.
mod counts;
/// A registry that stands still for a second: what each load model makes of it.
mod omission;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use regstorm::embedded::{RequestRecord, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::{Bucket, DropReason, JourneySeries, LatencyHistogram};
use regstorm::oci::Operation;

use crate::support::{assert_closed, plan, run};

const SECOND: Duration = Duration::from_secs(1);

/// More requests than any run here sends.
const LOG: usize = 100_000;

/// A journey that pulls an image of one tiny layer, one request after the other.
const PULL: &str = "action = \"pull\"\nimages = \"web\"\nparallel = 1";

/// A journey that pushes such an image, each time one that no registry has seen.
const PUSH: &str = "action = \"push\"\nimages = \"web\"\nparallel = 1\nunique = true";

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// A scenario of `count` images, these journeys and these loads, each as the lines of its table.
fn scenario(count: u32, journeys: &[(&str, &str)], loads: &[&str]) -> String {
    let mut toml = format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = {count}\nlayers = 1\nlayer_size = \"100B\"\n"
    );
    for (name, lines) in journeys {
        // Each has a place of its own, so that the log tells them apart.
        let _ = writeln!(toml, "[journey.{name}]\nrepository = \"{name}\"\n{lines}");
    }
    for lines in loads {
        let _ = writeln!(toml, "[[load]]\n{lines}");
    }
    toml
}

/// Runs a scenario to its end; every sum closes.
fn play(toml: &str, registry: &Running, workers: usize) -> Finished {
    let finished = run(&plan(toml, &registry.url(), workers)).expect("a run that measures");
    assert_closed(&finished);
    finished
}

/// A registry that writes down what comes.
fn recording() -> Settings {
    Settings {
        record_requests: Some(LOG),
        ..Settings::default()
    }
}

/// What became of one journey.
fn journey<'a>(finished: &'a Finished, name: &str) -> std::borrow::Cow<'a, JourneySeries> {
    let mut journeys = finished.record.journeys();
    let found = journeys.find(|(_, it, _)| *it == name);
    found.expect("a journey of the scenario").2
}

/// How many iterations were due, by load, stage and journey.
fn due(finished: &Finished) -> BTreeMap<(String, String, String), u64> {
    let tracks = finished.record.tracks();
    tracks
        .map(|(id, track, series)| {
            let journey = finished.record.journey_name(id).to_owned();
            let key = (track.load.clone(), track.stage.clone(), journey);
            (key, series.counts.starts.scheduled)
        })
        .collect()
}

/// The drops of a journey that have that reason.
fn dropped(series: &JourneySeries, reason: DropReason) -> u64 {
    let mut drops = series.counts.drops.iter();
    drops.find(|(it, _)| *it == reason).map_or(0, |it| it.1)
}

/// The n-th largest value, counted from one, as exactly as it is known.
fn largest(histogram: &LatencyHistogram, n: u64) -> Bucket {
    let mut left = histogram.count().checked_sub(n).expect("so many values");
    for bucket in histogram.buckets() {
        match left.checked_sub(bucket.count) {
            Some(rest) => left = rest,
            None => return bucket,
        }
    }
    panic!("the buckets hold fewer values than were counted");
}

/// When the registry had written the last byte of an answer.
fn end_of(record: &RequestRecord) -> Duration {
    record.arrived + record.last_byte.expect("an answer")
}

/// When seeding had ended: no load has begun before.
fn seeded(records: &[RequestRecord]) -> Duration {
    let puts = records
        .iter()
        .filter(|it| it.operation == Some(Operation::ManifestPut));
    puts.map(end_of).max().expect("the run has seeded")
}
