//! `regstorm merge`: the reports of shards of one run, added up count by count.

use std::path::PathBuf;

use anyhow::anyhow;
use regstorm::health::ShardFacts;
use regstorm::result::{Document, Stored};

use crate::exit::{Exit, Failure, OrExit};
use crate::report_args::ReportArgs;
use crate::run;

/// Merge the reports of the shards of one run
///
/// Shards are the parts of a run that `run --shard I/N` makes on several machines at the same time. Percentiles come from the merged
/// histograms, and thresholds are judged again. The reports of all shards are needed, each once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm merge shard-0.json shard-1.json --out report.json")]
pub(crate) struct Args {
    /// Reports of all shards
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.report
        .with_summary("merge", &args.files, || merge(args))
}

fn merge(args: &Args) -> Result<Exit, Failure> {
    let mut shards = Vec::new();
    for path in &args.files {
        let shard = Document::load(path).or_exit(Exit::Usage)?;
        let is_alone = args.files.len() == 1;
        if is_alone && shard.shard.is_none() && shard.shards.is_empty() {
            let path = path.display();
            return Err(Failure::new(
                Exit::Usage,
                anyhow!("{path} is no report of a shard: there is nothing to merge it with"),
            ));
        }
        // Each against each: of three, two may be the same.
        for (other, earlier) in args.files.iter().zip(&shards) {
            Document::check_same_run(earlier, &shard).map_err(|error| {
                let (one, two) = (other.display(), path.display());
                Failure::new(
                    Exit::Usage,
                    anyhow!("{one} and {two} do not merge: {error}"),
                )
            })?;
        }
        shards.push(shard);
    }
    let mut shards = shards.into_iter();
    let Some(mut all) = shards.next() else {
        return Ok(Exit::Usage);
    };
    for shard in shards {
        all.merge(shard).or_exit(Exit::Usage)?;
    }
    let missing = all.missing_shards();
    if !missing.is_empty() {
        let numbers: Vec<_> = missing.iter().take(10).map(u32::to_string).collect();
        let more = missing.len() - numbers.len();
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        return Err(Failure::new(
            Exit::Usage,
            anyhow!(
                "the reports of shards {}{more} are missing: give those of all shards of the run",
                numbers.join(", ")
            ),
        ));
    }
    all.judge_shards(ShardFacts::ALLOWED);
    let exit = run::exit(&all);
    args.report.finish(&Stored::Run(Box::new(all)))?;
    Ok(exit)
}
