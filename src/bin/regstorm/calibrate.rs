//! `regstorm calibrate`: how much this machine can ask of a registry at most, measured against the embedded one.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine::{self, Finished, Stop};
use regstorm::exchange::Phase;
use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::plan;
use regstorm::result::{Ceiling, Environment};
use regstorm::scenario::{self, Overrides};
use regstorm::units::{self, Quantile};

use crate::ceiling;
use crate::exit::{self, Exit, Failure, OrExit};
use crate::signals::{self, Reaction};

/// Measure the highest load that this machine can generate
///
/// Runs short loads against the embedded registry and stores the rates that they reach. `run` then reports the share of these
/// rates that a scenario needed. Repeat it after a change of the machine or of the version, while nothing else runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Measured time of each of the six loads
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = units::parse_duration)]
    duration: Duration,
    /// Result file [default: where `run` reads it: `$XDG_STATE_HOME` or `~/.local/state`, `regstorm/ceiling.json`]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// One load: what it is for, the users and the image, and the journey.
struct Trial {
    storage: &'static str,
    vus: usize,
    image: &'static str,
    journey: &'static str,
}

const SMALL: &str = "count = 4\nlayers = 1\nlayer_size = \"1KiB\"";
const LARGE: &str = "count = 1\nlayers = 4\nlayer_size = \"32MiB\"";

pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let Args { duration, out } = args;
    if duration < Duration::from_millis(100) || duration > Duration::from_mins(10) {
        let refused = anyhow!("--duration: from 100ms to 10m");
        return Err(Failure::new(Exit::Usage, refused));
    }
    let Some(path) = out.or_else(ceiling::path) else {
        let homeless = anyhow!("there is no home directory to store it in: say where with --out");
        return Err(Failure::new(Exit::Usage, homeless));
    };
    let (stopper, stop) = engine::stop();
    signals::on_interrupt(move |count| {
        stopper.ask();
        if count < 3 {
            Reaction::Ends
        } else {
            Reaction::EndsOr("interrupted")
        }
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut environment = Environment::observe();
    let measure = |trial: Trial| measured(&trial, duration, &stop);

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
    let ceiling = Ceiling {
        schema: Ceiling::SCHEMA.to_owned(),
        regstorm: env!("CARGO_PKG_VERSION").to_owned(),
        environment,
        requests_per_s: per_second(&requests, |it| it.exchanges),
        received_per_s: per_second(&received, |it| it.received),
        received_verified_per_s: per_second(&verified, |it| it.received),
        received_hashed_per_s: per_second(&hashed, |it| it.received),
        sent_per_s: per_second(&sent, |it| it.sent),
        floor_us: floor_us(&floor),
    };
    ceiling
        .save(&path)
        .map_err(|error| anyhow!("{}: {error}", path.display()))
        .or_exit(Exit::Failed)?;
    exit::print(&shown(&ceiling, &path)).map(|()| Exit::Passed)
}

/// Runs one load to its end.
fn measured(trial: &Trial, duration: Duration, stop: &Stop) -> Result<Finished, Failure> {
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
         duration = \"{millis}ms\"\n",
        millis / 4
    );
    let loaded = scenario::load(
        &toml,
        "calibrate",
        Path::new(""),
        &Overrides::default(),
        &|_| None,
    );
    let scenario = loaded.map_err(|problems| Failure::new(Exit::Defect, anyhow!("{problems}")))?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    let finished = engine::run(&plan, 0, stop, &mut |_| {}).map_err(|error| {
        let exit = match error {
            engine::Error::Interrupted => Exit::Interrupted,
            _ => Exit::Target,
        };
        Failure::new(exit, error)
    })?;
    if finished.interrupted {
        return Err(Failure::new(Exit::Interrupted, engine::Error::Interrupted));
    }
    let totals = finished.record.totals(Period::Measure);
    if totals.iterations.ok == 0 || totals.iterations.failed > 0 {
        let failed = anyhow!(
            "calibration failed: {} of {} iterations",
            totals.iterations.failed,
            totals.iterations.ended()
        );
        return Err(Failure::new(Exit::Inconclusive, failed));
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

/// The median of the smallest thing that is asked for.
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

fn shown(ceiling: &Ceiling, path: &Path) -> String {
    let cores = ceiling.environment.cores;
    let cpu = ceiling
        .environment
        .cpu_model
        .as_deref()
        .unwrap_or("unknown");
    format!(
        "this machine   {cores} cores, {cpu}\n\
         requests       {} of small things\n\
         received       {}; {} held against verified copies, {} when every byte is hashed\n\
         sent           {}\n\
         floor          {} for a manifest when nothing else runs\n\
         with the embedded registry on the same cores; stored in {}\n",
        units::per_second(ceiling.requests_per_s, ""),
        units::per_second(ceiling.received_per_s, "B"),
        units::per_second(ceiling.received_verified_per_s, "B"),
        units::per_second(ceiling.received_hashed_per_s, "B"),
        units::per_second(ceiling.sent_per_s, "B"),
        units::duration(Duration::from_micros(ceiling.floor_us)),
        path.display()
    )
}
