//! `regstorm report`: a stored report or comparison again, or several runs beside each other.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use regstorm::report::{MOST_RUNS, NamedRun, text};
use regstorm::result::{Document, Stored};

use crate::exit::{Exit, Failure, OrExit as _};
use crate::outputs::OutputArgs;
use crate::rendered::Rendered;
use crate::{report_args, run_names, summary};

/// Show a stored report or comparison, or several runs beside each other, and convert them to other formats
///
/// Nothing is judged again: the exit code tells whether the command worked, not what the verdict was. Runs beside each other
/// are no comparison, which is `regstorm compare`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  regstorm report report.json --html report.html\n  regstorm report monday.json tuesday.json --html week.html"
)]
pub(crate) struct Args {
    /// Files that `--out` wrote: one, or several runs
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Errors only: no summary
    #[arg(long, short, help_heading = "Results")]
    quiet: bool,
    #[command(flatten)]
    outputs: OutputArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    if args.files.len() > MOST_RUNS {
        let error = anyhow!(
            "these are {} files, and at most {MOST_RUNS} runs are shown beside each other: name fewer",
            args.files.len()
        );
        return Err(Failure::new(Exit::Usage, error));
    }
    args.outputs.check_stdout(0)?;
    match args.files.as_slice() {
        [one] => show(args, one)?,
        several => show_beside(args, several)?,
    }
    Ok(Exit::Passed)
}

/// Shows one file.
fn show(args: &Args, path: &Path) -> Result<(), Failure> {
    let stored = Stored::load(path).or_exit(Exit::Usage)?;
    args.outputs.check_apart(&[], &args.files)?;
    args.outputs.write((&stored).into())?;
    if args.quiet {
        return Ok(());
    }
    report_args::show(&stored, args.outputs.use_stdout(), Some(path))
}

/// Shows several runs beside each other.
fn show_beside(args: &Args, paths: &[PathBuf]) -> Result<(), Failure> {
    let documents = paths.iter().map(|path| run_of(path));
    let documents = documents.collect::<Result<Vec<Document>, Failure>>()?;
    args.outputs.check_apart(&[], paths)?;
    let names = run_names::of(paths);
    let runs = names.iter().zip(&documents);
    let runs: Vec<NamedRun<'_>> = runs
        .map(|(name, document)| NamedRun { name, document })
        .collect();
    args.outputs.write(Rendered::Runs(&runs))?;
    if args.quiet {
        return Ok(());
    }
    summary::show(args.outputs.use_stdout(), |width, colour| {
        text::runs(&runs, width, colour)
    })
}

/// Reads one of several files.
fn run_of(path: &Path) -> Result<Document, Failure> {
    match Stored::load(path).or_exit(Exit::Usage)? {
        Stored::Run(document) => Ok(*document),
        Stored::Comparison(_) => {
            let path = path.display();
            let error = anyhow!(
                "{path} is a comparison: only runs are shown beside each other; `regstorm report {path}` shows it alone"
            );
            Err(Failure::new(Exit::Usage, error))
        }
    }
}
