//! `regstorm run`: a scenario against a registry, watched while it runs, summed up and stored at its end.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use regstorm::engine::{self, Finished};
use regstorm::measure::{Closure, Period, Record};
use regstorm::plan::{self, Plan};
use regstorm::report::text;
use regstorm::result::{Document, Environment, Facts, PlanSection, TargetHeaders};

use crate::diagnosis;
use crate::exit::{self, Exit, Failure, OrExit};
use crate::progress::Progress;
use crate::scenario_file::ScenarioArgs;
use crate::signals;

/// Run a scenario against a registry
///
/// Ctrl-C once lets what is under way end and still writes the report; twice stops at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm run scenarios/first-run.toml --out report.json")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Where the JSON report goes; `-` is standard output, and the summary then goes to standard error
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show no progress and no summary; errors are still told
    #[arg(long, short)]
    quiet: bool,
}

/// Descriptors that a run needs beside its connections: files, event loops, standard streams.
const OTHER_DESCRIPTORS: u64 = 128;

pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let Some(scenario) = args.scenario.load()? else {
        return Ok(Exit::Usage);
    };
    if let Some(path) = args.out.as_deref().filter(|path| *path != Path::new("-")) {
        check_writable(path).or_exit(Exit::Usage)?;
    }
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    raise_descriptors(&plan).or_exit(Exit::Usage)?;

    let mut environment = Environment::observe();
    let (stopper, stop) = engine::stop();
    // Reading and compressing images looks at no brake. Nothing was written to the target then.
    let opening = Arc::new(AtomicBool::new(true));
    let still_opening = Arc::clone(&opening);
    signals::on_interrupt(move || {
        stopper.ask();
        if still_opening.load(Ordering::SeqCst) {
            leave();
        }
    })
    .or_exit(Exit::Defect)?;
    let mut progress = Progress::new(&plan, args.quiet);
    let run_id = RandomState::new().build_hasher().finish();
    let finished = engine::run(&plan, run_id, &stop, &mut |at| {
        opening.store(matches!(at, engine::Progress::Opening), Ordering::SeqCst);
        progress.tell(&at);
    });
    progress.clear();
    let finished = finished.map_err(|error| {
        let exit = exit_of(&error);
        match &error {
            engine::Error::Target(cause) if let Some(advice) = diagnosis::of_ping(cause) => {
                Failure::new(exit, anyhow!("{error}; {advice}"))
            }
            _ => Failure::new(exit, error),
        }
    })?;
    environment.end();

    let closure = finished.record.check();
    let exit = judge(&finished, &closure);
    let document = document(&plan, environment, &finished);
    // The report is stored before anything else can go wrong.
    let stored = store(&document, args.out.as_deref());
    if !args.quiet {
        show(&document, args.out.as_deref())?;
    }
    stored?;
    Ok(exit)
}

/// Ends the process while its main thread is busy with images.
#[expect(
    clippy::exit,
    reason = "nothing else can end that work, and temporary files have no name"
)]
fn leave() {
    let error = engine::Error::Interrupted;
    drop(writeln!(std::io::stderr().lock(), "error: {error}"));
    std::process::exit(Exit::Interrupted as i32);
}

/// Is there a directory for the report? Found out before an hour of load, not after.
fn check_writable(path: &Path) -> anyhow::Result<()> {
    let taken = path.metadata();
    if taken.is_ok_and(|it| !it.is_file() && !it.is_dir()) {
        return Ok(()); // a device or a pipe is written to as it is
    }
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    if path.is_dir() {
        return Err(anyhow!("--out {}: this is a directory", path.display()));
    }
    tempfile::tempfile_in(directory)
        .map(drop)
        .map_err(|error| anyhow!("--out {}: {error}", path.display()))
}

/// Lets the process open as many files as the system lets it, and says so when that is too few.
fn raise_descriptors(plan: &Plan) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    // The other ends of the connections are in this process, too, when the registry is.
    let ends = match plan.target.place {
        plan::Place::Embedded(_) => 2,
        plan::Place::Url(_) => 1,
    };
    let connections = plan.forecast().connections;
    let needed = connections.saturating_mul(ends) + OTHER_DESCRIPTORS;
    if needed > hard {
        return Err(anyhow!(
            "the plan needs up to {connections} connections, so {needed} open files, but this process may open {hard}: \
             raise the limit (ulimit -n), or lower `vus` or `parallel`; nothing was sent"
        ));
    }
    Ok(())
}

fn exit_of(error: &engine::Error) -> Exit {
    match error {
        engine::Error::Target(_) | engine::Error::Seed { .. } => Exit::Target,
        engine::Error::Interrupted => Exit::Interrupted,
        engine::Error::Worker(_) => Exit::Defect,
        _ => Exit::Usage,
    }
}

/// What the run came to. A sum that does not close makes every number doubtful.
fn judge(finished: &Finished, closure: &Closure) -> Exit {
    let totals = finished.record.totals(Period::Measure);
    if !closure.holds() || finished.panics > 0 {
        Exit::Defect
    } else if finished.interrupted {
        Exit::Interrupted
    } else if totals.iterations.ok == 0 {
        Exit::Inconclusive
    } else {
        Exit::Passed
    }
}

fn document(plan: &Plan, environment: Environment, finished: &Finished) -> Document {
    let header = |name: &str| {
        let mut found = finished.target_headers.iter().filter(|(it, _)| it == name);
        found.next().map(|(_, value)| value.clone())
    };
    let mut notes = finished.notes.clone();
    if finished.panics > 0 {
        notes.push(format!(
            "{} virtual users or workers ended in a panic: a defect of regstorm",
            finished.panics
        ));
    }
    if finished.record.totals(Period::Measure).iterations.ok == 0 {
        notes.push("no iteration succeeded: there is nothing to conclude".to_owned());
    }
    if let Some(counts) = &finished.embedded
        && counts.answered() != answered(&finished.record)
    {
        notes.push(format!(
            "the embedded registry answered {} exchanges, and {} were seen to be answered: the rest was broken off",
            counts.answered(),
            answered(&finished.record)
        ));
    }
    let facts = Facts {
        plan: PlanSection {
            name: plan.name.clone(),
            seed: plan.seed,
            fingerprint: plan.fingerprint(),
            resolved: serde_json::to_value(plan).unwrap_or_default(),
        },
        environment,
        target: TargetHeaders {
            server: header("server"),
            docker_distribution_api_version: header("docker-distribution-api-version"),
        },
        interrupted: finished.interrupted,
        open_model: false,
        period_durations: BTreeMap::from([
            (Period::Prepare, finished.prepare_time),
            (Period::WarmUp, finished.warm_up_time),
            (Period::CleanUp, finished.clean_up_time),
        ]),
        notes,
    };
    Document::new(&finished.record, facts)
}

/// Exchanges to which an answer came, over all periods.
fn answered(record: &Record) -> u64 {
    let measured = record
        .tracks()
        .flat_map(|(track, _, _)| record.track_operations(track))
        .flat_map(|(_, series)| series.statuses.iter());
    let outside = [Period::Prepare, Period::WarmUp, Period::CleanUp]
        .into_iter()
        .flat_map(|period| record.tally(period).operations())
        .flat_map(|(_, tally)| tally.statuses.iter());
    measured.chain(outside).map(|(_, count)| count).sum()
}

fn store(document: &Document, out: Option<&Path>) -> Result<(), Failure> {
    match out {
        None => Ok(()),
        Some(path) if path == Path::new("-") => exit::print(&document.to_json()),
        Some(path) => document.save(path).or_exit(Exit::Failed),
    }
}

/// Prints the summary.
fn show(document: &Document, out: Option<&Path>) -> Result<(), Failure> {
    let to_stderr = out == Some(Path::new("-"));
    let terminal = if to_stderr {
        std::io::stderr().is_terminal()
    } else {
        std::io::stdout().is_terminal()
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none();
    let width = if terminal {
        crate::progress::width()
    } else {
        120
    };
    let saved_as = out.filter(|_| !to_stderr);
    let summary = text::summary(document, width, colour, saved_as);
    if to_stderr {
        // The report itself went to standard output.
        let _ = std::io::stderr().lock().write_all(summary.as_bytes());
        return Ok(());
    }
    exit::print(&summary)
}
