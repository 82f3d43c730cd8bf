//! The highest load that this machine can generate, measured against the embedded registry.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::error::Error;
use crate::engine::{self, Finished, Stop};
use crate::exchange::Phase;
use crate::measure::Period;
use crate::oci::Operation;
use crate::plan;
use crate::result::{Ceiling, Environment};
use crate::scenario::{self, Overrides};
use crate::units::Quantile;

/// One load: the registry's storage, the users, the image, and the journey.
struct Trial {
    storage: &'static str,
    vus: usize,
    image: &'static str,
    journey: &'static str,
}

const SMALL: &str = "count = 4\nlayers = 1\nlayer_size = \"1KiB\"";
const LARGE: &str = "count = 1\nlayers = 4\nlayer_size = \"32MiB\"";

/// Measures what this machine can reach: six loads against the embedded registry, each measured for that long.
///
/// # Errors
/// When a load does not come to measuring, is stopped, or has iterations that fail.
pub fn calibrate(duration: Duration, stop: &Stop) -> Result<Ceiling, Error> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut environment = Environment::observe();
    let measure = |trial: Trial| measured(&trial, duration, stop);

    let floor = measure(Trial {
        storage: "memory",
        vus: 1,
        image: SMALL,
        journey: "action = \"pull\"\nparallel = 1",
    })?;
    let requests = measure(Trial {
        storage: "memory",
        vus: 32 * cores,
        image: SMALL,
        journey: "action = \"pull\"\nparallel = 1",
    })?;
    let received = measure(Trial {
        storage: "memory",
        vus: 2 * cores,
        image: LARGE,
        journey: "action = \"pull\"\nverify = \"none\"",
    })?;
    let verified = measure(Trial {
        storage: "memory",
        vus: 2 * cores,
        image: LARGE,
        journey: "action = \"pull\"\nverify = \"digest\"",
    })?;
    let hashed = measure(Trial {
        storage: "memory",
        vus: 2 * cores,
        image: LARGE,
        journey: "action = \"pull\"\nverify = \"sha256\"",
    })?;
    let sent = measure(Trial {
        storage: "sink",
        vus: 2 * cores,
        image: LARGE,
        journey: "action = \"push\"\nunique = true\nexists_check = false",
    })?;
    environment.end();
    Ok(Ceiling {
        schema: Ceiling::SCHEMA.to_owned(),
        regstorm: env!("CARGO_PKG_VERSION").to_owned(),
        environment,
        requests_per_s: per_second(&requests, |it| it.exchanges),
        received_per_s: per_second(&received, |it| it.received),
        received_verified_per_s: per_second(&verified, |it| it.received),
        received_hashed_per_s: per_second(&hashed, |it| it.received),
        sent_per_s: per_second(&sent, |it| it.sent),
        floor_us: floor_us(&floor),
    })
}

/// Runs one load to its end.
fn measured(trial: &Trial, duration: Duration, stop: &Stop) -> Result<Finished, Error> {
    let Trial {
        storage,
        vus,
        image,
        journey,
    } = trial;
    let millis = duration.as_millis();
    let toml = format!(
        "name = \"calibrate\"\n\
         [target]\nurl = \"embedded\"\n[target.embedded]\nstorage = \"{storage}\"\n\
         [images.set]\nsource = \"synthetic\"\n{image}\n\
         [journey.it]\nimages = \"set\"\n{journey}\n\
         [[load]]\njourney = \"it\"\nexecutor = \"constant-vus\"\nvus = {vus}\nwarmup = \"{}ms\"\n\
         duration = \"{millis}ms\"\n\
         [audit]\nsample = \"none\"\n",
        millis / 4
    );
    let loaded = scenario::load(
        &toml,
        "calibrate",
        Path::new(""),
        &Overrides::default(),
        &|_| None,
    );
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(loaded.map_err(Error::Scenario)?, cores));
    let finished = engine::run(&plan, 0, stop, &mut |_| {})?;
    if finished.interrupted {
        return Err(engine::Error::Interrupted.into());
    }
    let iterations = finished.record.totals(Period::Measure).iterations;
    if iterations.ok == 0 || iterations.failed > 0 {
        return Err(Error::Calibration {
            failed: iterations.failed,
            of: iterations.ended(),
        });
    }
    Ok(finished)
}

/// What ended well within the window.
#[derive(Default)]
struct Within {
    exchanges: u64,
    sent: u64,
    received: u64,
}

#[expect(clippy::cast_precision_loss, reason = "three digits are used of it")]
fn per_second(finished: &Finished, of: impl Fn(&Within) -> u64) -> f64 {
    let mut within = Within::default();
    for (track, _, _) in finished.record.tracks() {
        for (_, series) in finished.record.track_operations(track) {
            within.exchanges += series.counts.within_window;
            within.sent += series.counts.bytes_within_window.sent;
            within.received += series.counts.bytes_within_window.received;
        }
    }
    (of(&within) as f64 / finished.record.window().as_secs_f64()).round()
}

/// Returns the median of the smallest requests.
fn floor_us(finished: &Finished) -> u64 {
    let mut tracks = finished.record.tracks();
    let manifest = tracks.find_map(|(track, _, _)| {
        let mut operations = finished.record.track_operations(track);
        operations.find(|(operation, _)| *operation == Operation::ManifestGet)
    });
    let median = manifest.and_then(|(_, series)| {
        series
            .latencies
            .phases
            .of(Phase::Total)
            .quantile(Quantile::P50)
    });
    median.map_or(0, |it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX))
}
