//! `regstorm schema`: what scenarios, gate files, fault files and reports may hold, for editors and programs.

use clap::ValueEnum;
use regstorm::result::{ComparisonSchema, Schema};
use regstorm::{embedded, scenario};

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
    /// Gate file of `ab` and `compare`, for editors
    Gates,
    /// Fault file of `serve`, for editors
    Faults,
    /// Report of a run, as `run --out` writes it
    Report,
    /// Comparison of two builds, as `ab --out` and `compare --out` write it
    Comparison,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.document {
        Kind::Scenario => format!("{:#}\n", scenario::json_schema()),
        Kind::Gates => format!("{:#}\n", scenario::gates_schema()),
        Kind::Faults => format!("{:#}\n", embedded::faults_schema()),
        Kind::Report => Schema::json(),
        Kind::Comparison => ComparisonSchema::json(),
    };
    exit::print(&schema).map(|()| Exit::Passed)
}
