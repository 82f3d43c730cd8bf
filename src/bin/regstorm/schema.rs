//! `regstorm schema`: what a report may hold, for programs that read one.

use clap::ValueEnum;
use regstorm::result::{ComparisonSchema, Schema};

use crate::exit::{self, Exit, Failure};

/// Print the JSON schema of a document
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Document to describe
    document: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Report of a run, as `run --out` writes it
    Report,
    /// Comparison of two builds, as `ab --out` and `compare --out` write it
    Comparison,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.document {
        Kind::Report => Schema::json(),
        Kind::Comparison => ComparisonSchema::json(),
    };
    exit::print(&schema).map(|()| Exit::Passed)
}
