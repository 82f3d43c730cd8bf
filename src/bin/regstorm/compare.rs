//! `regstorm compare`: the stored reports of two builds, one or several a side.

use std::path::PathBuf;

use anyhow::anyhow;
use regstorm::compare::Sides;
use regstorm::result::{Document, Stored};

use crate::exit::{Exit, Failure, OrExit};
use crate::gate_args::GateArgs;
use crate::outputs;
use crate::report_args::ReportArgs;
use crate::report_files;

/// Compare the stored reports of two builds
///
/// Reports of `regstorm ab --reports` are compared as the pairs that they were measured in. Five or more other reports of each
/// side are compared as two groups of runs. One run per side is too little to fail a build, however many requests it has,
/// because two runs of one build differ, too.
///
/// A directory stands for all reports in it (`*.json`). A single directory has both sides: reports of `regstorm ab
/// --reports`, or files whose names begin with `base` and `candidate`.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(outputs::of_comparisons),
    override_usage = "regstorm compare [OPTIONS] BASE... -- CANDIDATE...\n       regstorm compare [OPTIONS] BASE CANDIDATE\n       regstorm compare [OPTIONS] DIRECTORY",
    after_help = "Example:\n  regstorm compare --gates @pull-request main-*.json -- branch-*.json"
)]
pub(crate) struct Args {
    /// Reports of the base; without `--`, two files are base and candidate, and one directory has both
    #[arg(required = true, value_name = "BASE")]
    base: Vec<PathBuf>,
    /// Reports of the candidate
    #[arg(last = true, value_name = "CANDIDATE")]
    candidate: Vec<PathBuf>,
    #[command(flatten)]
    gates: GateArgs,
    /// Exit with 1 if single runs differ by more than three margins
    #[arg(long)]
    trust_single_runs: bool,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.report.check_comparison()?;
    let (base, candidate) = sides(args).or_exit(Exit::Usage)?;
    let inputs = [base.as_slice(), &candidate].concat();
    args.report
        .with_summary("compare", &inputs, || compare(args, &base, &candidate))
}

fn compare(args: &Args, base: &[PathBuf], candidate: &[PathBuf]) -> Result<Exit, Failure> {
    let (base, candidate) = (load(base)?, load(candidate)?);
    let sides =
        Sides::of(base.iter().collect(), candidate.iter().collect()).or_exit(Exit::Usage)?;
    let first = sides.base.first().copied();
    let Some(first) = first else {
        return Err(Failure::new(Exit::Usage, anyhow!("the base has no report")));
    };
    let journeys: Vec<&str> = first.journeys.iter().map(|it| it.name.as_str()).collect();
    let Some(chosen) = args.gates.chosen(&journeys)? else {
        return Ok(Exit::Usage);
    };
    let Some(comparison) = sides.compare(chosen, args.gates.allowed()) else {
        return Err(Failure::new(Exit::Usage, anyhow!("a side has no report")));
    };
    let exit = args.gates.exit(&comparison, args.trust_single_runs);
    args.report
        .finish(&Stored::Comparison(Box::new(comparison)))?;
    Ok(exit)
}

/// Which files are of which side.
fn sides(args: &Args) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let mut candidates = args.candidate.iter();
    if let Some(option) = candidates.find(|it| it.to_string_lossy().starts_with("--")) {
        return Err(anyhow!(
            "{}: what stands behind `--` are files; options go in front of it",
            option.display()
        ));
    }
    match (args.base.as_slice(), args.candidate.as_slice()) {
        ([directory], []) if directory.is_dir() => report_files::sides(directory),
        ([base, candidate], []) => Ok((
            report_files::of(std::slice::from_ref(base))?,
            report_files::of(std::slice::from_ref(candidate))?,
        )),
        (_, []) => Err(anyhow!(
            "there is no candidate: write `regstorm compare BASE... -- CANDIDATE...`, or name a directory with both"
        )),
        (base, candidate) => Ok((report_files::of(base)?, report_files::of(candidate)?)),
    }
}

fn load(files: &[PathBuf]) -> Result<Vec<Document>, Failure> {
    let documents = files
        .iter()
        .map(|path| Document::load(path).or_exit(Exit::Usage));
    documents.collect()
}
