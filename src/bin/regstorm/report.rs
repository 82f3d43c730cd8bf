//! `regstorm report`: a stored report or comparison again, as a summary and in other formats.

use std::path::PathBuf;

use anyhow::anyhow;
use regstorm::result::Stored;

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::outputs::OutputArgs;
use crate::report_args;

/// Show a stored report or comparison, and convert it to other formats
///
/// Nothing is judged again: the exit code tells whether the command worked, not what the verdict was.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm report report.json --html report.html")]
pub(crate) struct Args {
    /// Files that `--out` wrote; several files are shown as summaries only
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Errors only: no summary
    #[arg(long, short, help_heading = "Results")]
    quiet: bool,
    #[command(flatten)]
    outputs: OutputArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let stored = args
        .files
        .iter()
        .map(|path| Stored::load(path).or_exit(Exit::Usage));
    let stored = stored.collect::<Result<Vec<Stored>, Failure>>()?;
    args.outputs.check_stdout(0)?;
    args.outputs.check_apart(&[], &args.files)?;
    match stored.as_slice() {
        [one] => args.outputs.write(one)?,
        _ if args.outputs.any() => {
            return Err(Failure::new(
                Exit::Usage,
                anyhow!("other formats are of one file: name one, or none of the formats"),
            ));
        }
        _ => {}
    }
    if !args.quiet {
        for (place, (path, stored)) in args.files.iter().zip(&stored).enumerate() {
            if place > 0 {
                exit::print("\n")?;
            }
            report_args::show(stored, args.outputs.use_stdout(), Some(path))?;
        }
    }
    Ok(Exit::Passed)
}
