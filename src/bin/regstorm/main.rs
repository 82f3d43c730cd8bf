//! The `regstorm` command: reads the command line, runs one command, and turns its end into an exit code.

mod exit;

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
enum Command {}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended: Result<exit::Exit, exit::Failure> = match cli.command {};
    exit::code(ended)
}
