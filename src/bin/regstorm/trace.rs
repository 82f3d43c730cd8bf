//! `regstorm trace`: what clients have requested of a registry, as its log tells it.

mod import;
mod show;

use clap::Subcommand;

use crate::exit::{Exit, Failure};

/// Make a trace of a registry's logs, and show what is in it
///
/// A trace holds requests in the order in which a registry received them: when, by which client, in which session, to which
/// repository, how large, with which response. Names are pseudonyms.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  regstorm trace import registry.log --out registry.trace\n  regstorm trace show registry.trace"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Args),
    Show(show::Args),
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Import(args) => import::run(args),
        Command::Show(args) => show::run(args),
    }
}
