//! The `regstorm` command: reads the command line, runs one command, and turns its end into an exit code.

mod exit;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Load-testing harness for container registries.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Command::Serve(args) => serve::run(args),
    };
    exit::code(ended)
}
