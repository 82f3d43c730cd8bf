//! `regstorm schema`: what a scenario or a report may hold, for editors and programs.

use clap::ValueEnum;
use regstorm::result::{ComparisonSchema, Schema};
use regstorm::scenario;

use crate::exit::{self, Exit, Failure};

/// Print the JSON schema of a document
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Document to describe
    document: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Scenario, for editors: name the stored schema in a first line `#:schema FILE`
    Scenario,
    /// Report of a run, as `run --out` writes it
    Report,
    /// Comparison of two builds, as `ab --out` and `compare --out` write it
    Comparison,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.document {
        Kind::Scenario => format!("{:#}\n", scenario::json_schema()),
        Kind::Report => Schema::json(),
        Kind::Comparison => ComparisonSchema::json(),
    };
    exit::print(&schema).map(|()| Exit::Passed)
}
