//! `regstorm trace show`: what is in a trace.

use std::path::PathBuf;

use regstorm::report::text;
use regstorm::trace::{Overview, Reader};

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::summary;

/// Show what is in a trace
///
/// Mix of operations, methods and statuses, rates over time, sizes of blobs, popularity, sessions, clients, and what could not
/// be read. The whole trace is read and checked.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  regstorm trace show registry.trace\n  regstorm trace show registry.trace --json | jq .operations"
)]
pub(crate) struct Args {
    /// File that `regstorm trace import` or `record` wrote, or @sample, which is inside the program
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
    /// JSON instead of text
    #[arg(long, help_heading = "Results")]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let reader = Reader::open(&args.trace).or_exit(Exit::Usage)?;
    let overview = Overview::read(reader).or_exit(Exit::Usage)?;
    if args.json {
        let json = serde_json::to_string_pretty(&overview).or_exit(Exit::Defect)?;
        exit::print(&format!("{json}\n"))?;
    } else {
        summary::show(false, |width, colour| {
            text::trace(&overview, width, colour, &args.trace)
        })?;
    }
    Ok(Exit::Passed)
}
