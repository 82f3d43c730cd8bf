//! `regstorm clean-up`: deletes what shards that started by the clock have left in the registry.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use regstorm::plan;
use regstorm::result::Leaving;
use regstorm::session;
use regstorm::units;

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::interrupts::Interrupts;
use crate::run;
use crate::scenario_file::ScenarioArgs;

/// Delete what the shards of a run have stored
///
/// Shards that start by the clock (`run --shard I/N --start-at TIME`) leave what they stored, because others may still use it. Once all
/// have ended, this deletes it, by their reports. So it does for what `prepare` has stored. What was in the registry before the run stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm clean-up scenario.toml shard-0.json shard-1.json")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Reports of the shards, and the file of `prepare`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let Some(mut scenario) = args.scenario.load()? else {
        return Ok(Exit::Usage);
    };
    args.scenario.fill_in(&mut scenario)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    let reports = args.files.iter().map(|path| Leaving::load(path));
    let reports: Result<Vec<_>, _> = reports.collect();
    let reports = reports.or_exit(Exit::Usage)?;
    let interrupts = Interrupts::new();
    let done = session::clean_up(&plan, reports, &interrupts.stop);
    let done = done.map_err(|error| match error {
        session::Error::NotLeft { place, .. } => {
            let path = args.files.get(place).map(|it| it.display().to_string());
            let path = path.unwrap_or_default();
            Failure::new(Exit::Usage, anyhow!("{path}: {error}"))
        }
        error => run::failure(error),
    })?;
    let deleted = units::count(done.deleted);
    let left = done.left.iter().map(|it| format!("left     {it}\n"));
    let text = format!("deleted  {deleted} manifests and blobs\n");
    exit::print(&left.fold(text, |text, line| text + &line))?;
    Ok(if done.left.is_empty() {
        Exit::Passed
    } else {
        Exit::Failed
    })
}
