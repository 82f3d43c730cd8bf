//! `regstorm schema`: what a report may hold, for programs that read one.

use clap::ValueEnum;
use regstorm::result::{ComparisonSchema, Schema};

use crate::exit::{self, Exit, Failure};

/// Print the JSON schema of what regstorm writes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which of them
    document: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// What `run --out` writes
    Report,
    /// What a comparison of two builds is stored as
    Comparison,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.document {
        Kind::Report => Schema::json(),
        Kind::Comparison => ComparisonSchema::json(),
    };
    exit::print(&schema).map(|()| Exit::Passed)
}
