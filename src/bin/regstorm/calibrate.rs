//! `regstorm calibrate`: measures the highest load that this machine can generate, against the embedded registry.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine;
use regstorm::result::Ceiling;
use regstorm::session::{self, Error};
use regstorm::units;

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

pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let Args { duration, out } = args;
    if duration < Duration::from_millis(100) || duration > Duration::from_mins(10) {
        let refused = anyhow!("--duration: must be 100ms to 10m");
        return Err(Failure::new(Exit::Usage, refused));
    }
    let Some(path) = out.or_else(ceiling::path) else {
        let homeless = anyhow!("no home directory to store the result in: set --out FILE");
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
    let measured = session::calibrate(duration, &stop);
    let ceiling = measured.map_err(|error| Failure::new(exit_of(&error), error))?;
    ceiling
        .save(&path)
        .map_err(|error| anyhow!("{}: {error}", path.display()))
        .or_exit(Exit::Failed)?;
    exit::print(&shown(&ceiling, &path)).map(|()| Exit::Passed)
}

const fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Engine(engine::Error::Interrupted) => Exit::Interrupted,
        Error::Engine(_) => Exit::Target,
        Error::Calibration { .. } => Exit::Inconclusive,
        Error::Search
        | Error::Cut
        | Error::Scenario(_)
        | Error::Slices(_)
        | Error::Panics(_)
        | Error::Unshared(_)
        | Error::Late { .. }
        | Error::Host(_)
        | Error::Guest(_)
        | Error::NotLeft { .. }
        | Error::Unprepared(_)
        | Error::OtherPlan { .. }
        | Error::Unfit(_)
        | Error::Hooks(_)
        | Error::Upstream
        | Error::Shards(_) => Exit::Defect,
    }
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
