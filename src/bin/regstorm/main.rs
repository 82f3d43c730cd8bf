//! The `regstorm` command: reads the command line, runs one command, and turns its end into an exit code.

mod blob_progress;
mod calibrate;
mod ceiling;
mod check;
mod client_args;
mod conclude;
mod credential_helper;
mod diagnosis;
mod docker_config;
mod exit;
mod explain;
mod preflight;
mod progress;
mod pull;
mod pull_store;
mod push;
mod run;
mod scenario_file;
mod search;
mod serve;
mod signals;
mod target_args;
mod tls_args;
mod transfer;
mod user_args;

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
    Run(run::Args),
    /// Print what a scenario would do, and send nothing
    Check(scenario_file::ScenarioArgs),
    Explain(explain::Args),
    Calibrate(calibrate::Args),
    Pull(pull::Args),
    Push(push::Args),
    Serve(serve::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Pull(args) => pull::run(args),
        Command::Push(args) => push::run(args),
        Command::Serve(args) => serve::run(args),
    };
    exit::code(ended)
}
