//! `regstorm scenarios`: the library of scenarios inside the program, listed and printed.

use std::num::NonZeroUsize;

use clap::Subcommand;
use regstorm::plan::{self, Length, Plan};
use regstorm::scenario::library::{self, Entry};
use regstorm::session::capacity_search;

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::source;

/// List the scenarios inside the program
///
/// Each takes the place of a scenario file as @NAME, such as in `regstorm run @steady --target URL`. Each one says at its top
/// what it stresses and how to read its result.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  regstorm scenarios\n  regstorm scenarios show steady\n  regstorm run @steady"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a scenario or a file of gates, with its comments
    Show {
        /// Name, such as steady or @steady
        name: String,
    },
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let text = match &args.command {
        None => list()?,
        Some(Command::Show { name }) => {
            let gates = || library::find(library::GATES, name);
            let entry = library::find(library::SCENARIOS, name).or_else(gates);
            let unknown = || source::unknown(library::SCENARIOS, name);
            entry
                .ok_or_else(unknown)
                .or_exit(Exit::Usage)?
                .text
                .to_owned()
        }
    };
    exit::print(&text).map(|()| Exit::Passed)
}

/// A line for each: its name, how long it takes, and what it is about; those that reproduce published defects behind the others.
fn list() -> Result<String, Failure> {
    let mut rows = Vec::new();
    for entry in library::SCENARIOS {
        let scenario = entry.scenario().or_exit(Exit::Defect)?;
        let plan = plan::resolve(scenario, NonZeroUsize::MIN);
        rows.push((entry, [at(entry), time(&plan), plan.description.clone()]));
    }
    let width = |column: usize| {
        let widths = rows.iter().map(|(_, row)| row[column].len());
        widths.max().unwrap_or(0)
    };
    let (names, times) = (width(0), width(1));
    let mut text = String::new();
    let mut is_apart = false;
    for (entry, [name, time, about]) in &rows {
        if entry.directory == library::REGRESSIONS && !is_apart {
            is_apart = true;
            text.push_str("\npublished defects of registries, and what would have shown them:\n");
        }
        let line = format!("{name:names$}  {time:>times$}  {about}\n");
        text.push_str(&line);
    }
    let gates: Vec<String> = library::GATES.iter().map(at).collect();
    text.push_str("\nfor --gates: ");
    text.push_str(&gates.join(", "));
    text.push('\n');
    Ok(text)
}

/// How long a plan runs, warm-up included.
fn time(plan: &Plan) -> String {
    if capacity_search(plan).is_some() {
        return "a search".to_owned();
    }
    let mut loads = plan.loads.iter();
    let by_count = loads.any(|load| matches!(load.executor.length(), Length::AtMost(_)));
    let time = humantime::format_duration(plan.warm_up() + plan.window());
    if by_count {
        format!("at most {time}")
    } else {
        time.to_string()
    }
}

fn at(entry: &Entry) -> String {
    format!("@{}", entry.name)
}
