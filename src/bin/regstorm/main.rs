//! The `regstorm` command: reads the command line, runs one command, and turns its end into an exit code.

mod ab;
mod apart;
mod blob_progress;
mod calibrate;
mod ceiling;
mod check;
mod child;
mod choice;
mod ci_variables;
mod clean_up;
mod client_args;
mod compare;
mod completions;
mod credential_helper;
mod diagnosis;
mod docker_config;
mod exit;
mod explain;
mod followed;
mod gate_args;
mod hook;
mod hook_runner;
mod init;
mod interrupts;
mod label_args;
mod live_line;
mod load;
mod man;
mod meet_args;
mod merge;
mod metrics;
mod names_args;
mod outputs;
mod pair_args;
mod panics;
mod preflight;
mod prepare;
mod progress;
mod proxy;
mod pull;
mod pull_store;
mod push;
mod rank;
mod record;
mod recorded;
#[cfg(test)]
mod reference;
mod rendered;
mod report;
mod report_args;
mod report_files;
mod run;
mod run_names;
mod scenario_file;
mod scenarios;
mod schema;
mod serve;
mod shard_args;
mod shown;
mod signals;
mod source;
mod staging;
mod summary;
mod target_args;
mod terminal;
mod tips;
mod tls_args;
mod trace;
mod trace_file;
mod transfer;
mod user_args;
mod wait_args;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::{Exit, Failure, OrExit as _};

/// A dozen allocations go with a request, two of them too large for the fast ways of glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    Load(Box<load::Args>),
    /// Print the plan of a scenario without sending a request
    Check(scenario_file::ScenarioArgs),
    Ab(ab::Args),
    Compare(compare::Args),
    Report(report::Args),
    Merge(merge::Args),
    Prepare(prepare::Args),
    CleanUp(clean_up::Args),
    Explain(explain::Args),
    Calibrate(calibrate::Args),
    Pull(pull::Args),
    Push(push::Args),
    Serve(serve::Args),
    Record(record::Args),
    Schema(schema::Args),
    Trace(trace::Args),
    Scenarios(scenarios::Args),
    Init(init::Args),
    Completions(completions::Args),
    Man(man::Args),
}

fn main() -> ExitCode {
    // Before anything else: a signal that comes early ends the command as any later one does.
    let listening = signals::listen().or_exit(Exit::Defect);
    exit::code(listening.and_then(|()| panics::guard(command)))
}

fn command() -> Result<Exit, Failure> {
    let cli = Cli::try_parse().unwrap_or_else(|error| tips::checked(error).exit());
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Load(args) => load::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Ab(args) => ab::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Prepare(args) => prepare::run(&args),
        Command::CleanUp(args) => clean_up::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Pull(args) => pull::run(args),
        Command::Push(args) => push::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Record(args) => record::run(args),
        Command::Schema(args) => schema::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Scenarios(args) => scenarios::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
