//! `regstorm merge`: the reports of shards of one run, added up count by count.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use regstorm::health::ShardFacts;
use regstorm::plan;
use regstorm::result::{Document, Leaving, Preparation, Stored};
use regstorm::scenario::library;
use regstorm::session;

use crate::exit::{Exit, Failure, OrExit};
use crate::proxy::ProxyArgs;
use crate::report_args::ReportArgs;
use crate::run;
use crate::scenario_file;
use crate::shard_args::share;
use crate::source::{self, Source};

/// Merge the reports of the shards of one run
///
/// Shards are the parts of a run that `run --shard I/N` makes on several machines at the same time. Percentiles come from the merged
/// histograms, and thresholds are judged again. The reports of all shards are needed, each once, unless some may be lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm merge shard-0.json shard-1.json --out report.json")]
pub(crate) struct Args {
    /// Reports of all shards
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    lost: LostArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// Which shards may be missing, and what they should have sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Lost shards")]
struct LostArgs {
    /// Count what missing shards should have sent as dropped; the share of the shards that may be missing before the run is invalid,
    /// such as 5%
    #[arg(long, value_name = "SHARE", requires = "scenario", value_parser = share)]
    allow_lost: Option<f64>,
    /// Scenario that the shards ran, which says what the missing ones should have sent: a file, or @NAME for one of the library
    #[arg(long, value_name = "FILE", requires = "allow_lost", value_parser = source::parser(library::SCENARIOS))]
    scenario: Option<Source>,
    /// New value for a key, as the shards had it; repeatable
    #[arg(long, value_name = "KEY=VALUE", requires = "scenario")]
    set: Vec<String>,
}

impl LostArgs {
    /// Adds what missing shards owe, if there are any and they may be missing.
    fn count(&self, all: &mut Document) -> Result<(), Failure> {
        let missing = all.missing_shards();
        if missing.is_empty() {
            return Ok(());
        }
        let Some(scenario) = &self.scenario else {
            let missing = shards(&missing);
            return Err(Failure::new(
                Exit::Usage,
                anyhow!(
                    "the reports of shards {missing} are missing: give those of all shards of the run, or count what these should have sent as dropped (--allow-lost 5% --scenario FILE)"
                ),
            ));
        };
        let scenario = scenario_file::load(scenario, None, &ProxyArgs::default(), &self.set)?;
        let Some(scenario) = scenario else {
            return Err(Failure::new(
                Exit::Usage,
                anyhow!(
                    "without its scenario it is not known what a missing shard should have sent"
                ),
            ));
        };
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let plan = plan::resolve(scenario, cores);
        session::add_missing(&plan, all).map_err(run::failure)
    }
}

/// Returns the first numbers of some shards, and how many there are beside them.
fn shards(missing: &[u32]) -> String {
    let numbers: Vec<_> = missing.iter().take(10).map(u32::to_string).collect();
    let more = missing.len() - numbers.len();
    let numbers = numbers.join(", ");
    if more == 0 {
        numbers
    } else {
        format!("{numbers} and {more} more")
    }
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let scenario = args.lost.scenario.as_ref().and_then(Source::file);
    let inputs: Vec<_> = args.files.iter().cloned().chain(scenario).collect();
    args.report.with_summary("merge", &inputs, || merge(args))
}

/// A file that was given.
type Of<'a, T> = (&'a Path, T);

/// Reads the reports of shards that make a run together, and what their first one may have left instead of a report.
fn load(files: &[PathBuf]) -> Result<(Vec<Document>, Option<Of<'_, Preparation>>), Failure> {
    let (mut shards, mut prepared): (Vec<Of<'_, Document>>, _) = (Vec::new(), None);
    for path in files {
        let shard = match Leaving::load(path).or_exit(Exit::Usage)? {
            Leaving::Run(shard) => *shard,
            Leaving::Preparation(it) => {
                prepared = Some((path.as_path(), *it));
                continue;
            }
        };
        if files.len() == 1 && shard.run().is_none() {
            let path = path.display();
            return Err(Failure::new(
                Exit::Usage,
                anyhow!("{path} is no report of a shard: there is nothing to merge it with"),
            ));
        }
        // Each against each: of three, two may be the same.
        for (other, earlier) in &shards {
            earlier.check_same_run(&shard).map_err(|error| {
                let (one, two) = (other.display(), path.display());
                Failure::new(
                    Exit::Usage,
                    anyhow!("{one} and {two} do not merge: {error}"),
                )
            })?;
        }
        shards.push((path, shard));
    }
    let shards = shards.into_iter().map(|(_, shard)| shard).collect();
    Ok((shards, prepared))
}

/// Adds what a shard has prepared that did not run, to the reports of those that did. With its report that is known already.
fn add_prepared(all: &mut Document, (path, prepared): Of<'_, Preparation>) -> Result<(), Failure> {
    if !all.missing_shards().contains(&0) {
        return Ok(());
    }
    let path = path.display();
    let error = if all.plan.fingerprint != prepared.fingerprint {
        anyhow!("{path}: the target was prepared for another scenario than that of the reports")
    } else if !all.began_after(&prepared) {
        let ended = &prepared.environment.ended;
        anyhow!(
            "{path}: the target was prepared until {ended}, and the load had begun: what was not there yet is no failure of the registry; start the shards again, later, with --prepared {path}"
        )
    } else {
        all.add_preparation(prepared);
        return Ok(());
    };
    Err(Failure::new(Exit::Usage, error))
}

fn merge(args: &Args) -> Result<Exit, Failure> {
    let (shards, prepared) = load(&args.files)?;
    let mut shards = shards.into_iter();
    let Some(mut all) = shards.next() else {
        return Err(Failure::new(
            Exit::Usage,
            anyhow!("there is no report of a shard: what was prepared is no load"),
        ));
    };
    for shard in shards {
        all.merge(shard).or_exit(Exit::Usage)?;
    }
    if let Some(prepared) = prepared {
        add_prepared(&mut all, prepared)?;
    }
    args.lost.count(&mut all)?;
    all.judge_shards(args.lost.allow_lost.unwrap_or(ShardFacts::ALLOWED));
    let exit = run::exit(&all);
    args.report.finish(&Stored::Run(Box::new(all)))?;
    Ok(exit)
}
