//! `regstorm run`: a scenario against a registry, watched while it runs, summed up and stored at its end.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine::{self, Stop, Stopper};
use regstorm::measure::{Period, View};
use regstorm::plan::{self, Plan};
use regstorm::report::text;
use regstorm::result::{Document, Environment};
use regstorm::verdict::{Span, Watch};

use crate::conclude;
use crate::diagnosis;
use crate::exit::{self, Exit, Failure, OrExit};
use crate::preflight;
use crate::progress::Progress;
use crate::scenario_file::ScenarioArgs;
use crate::search;
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

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let Some(mut scenario) = args.scenario.load()? else {
        return Ok(Exit::Usage);
    };
    args.scenario.fill_in(&mut scenario)?;
    if let Some(path) = args.out.as_deref().filter(|path| *path != Path::new("-")) {
        check_writable(path).or_exit(Exit::Usage)?;
    }
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    preflight::check(&plan).or_exit(Exit::Usage)?;

    let mut environment = Environment::observe();
    let brake = Brake::new().or_exit(Exit::Defect)?;
    let mut progress = Progress::new(&plan, args.quiet);
    let mut watch = Watch::new(&plan, |stage| Some(judged_span(&plan, stage)));
    let order = Order {
        views: watch.views(&engine::catalogue(&plan)),
        run_id: RandomState::new().build_hasher().finish(),
        plan: Arc::clone(&plan),
        stop: brake.stop.clone(),
    };
    if search::is_one(&plan) {
        let searched = search::run(order, &watch, &mut |at| {
            brake.hear(&at);
            progress.tell(&at);
        });
        progress.clear();
        let (searched, section) = searched.map_err(failure)?;
        environment.end();
        let facts = conclude::Ended {
            plan: &searched.plan,
            environment,
            finished: &searched.finished,
            interrupted: brake.was_used(),
            search: Some(section),
        };
        let document = conclude::document(facts, &watch);
        return finish(&document, searched.finished.panics, args);
    }
    let mut tell = |at: engine::Progress<'_>| {
        brake.hear(&at);
        progress.tell(&at);
        if let engine::Progress::Load {
            period: Period::Measure,
            elapsed,
            observed,
            ..
        } = at
            && observed.len() == plan.thresholds.len()
        {
            let standing = watch.evaluate(observed, elapsed);
            progress.thresholds(&standing);
            if standing.iter().any(|it| it.ended_run) && brake.stop.asked().is_none() {
                brake.stopper.ask();
            }
        }
    };
    let Order { views, run_id, .. } = order;
    let finished = engine::run_watched(&plan, run_id, views, &brake.stop, &mut tell);
    progress.clear();
    let finished = finished.map_err(failure)?;
    environment.end();
    let facts = conclude::Ended {
        plan: &plan,
        environment,
        finished: &finished,
        interrupted: brake.was_used(),
        search: None,
    };
    let document = conclude::document(facts, &watch);
    finish(&document, finished.panics, args)
}

/// How a run is stopped: by a person, or by a threshold.
struct Brake {
    stopper: Arc<Stopper>,
    stop: Stop,
    /// Reading and compressing images looks at no brake. Nothing was written to the target then.
    opening: Arc<AtomicBool>,
    by_person: Arc<AtomicBool>,
}

impl Brake {
    fn new() -> std::io::Result<Self> {
        let (stopper, stop) = engine::stop();
        let brake = Self {
            stopper: Arc::new(stopper),
            stop,
            opening: Arc::new(AtomicBool::new(true)),
            by_person: Arc::default(),
        };
        let (stopper, opening) = (Arc::clone(&brake.stopper), Arc::clone(&brake.opening));
        let by_person = Arc::clone(&brake.by_person);
        signals::on_interrupt(move || {
            by_person.store(true, Ordering::SeqCst);
            stopper.ask();
            if opening.load(Ordering::SeqCst) {
                leave();
            }
        })?;
        Ok(brake)
    }

    fn hear(&self, at: &engine::Progress<'_>) {
        let opening = matches!(at, engine::Progress::Opening);
        self.opening.store(opening, Ordering::SeqCst);
    }

    fn was_used(&self) -> bool {
        self.by_person.load(Ordering::SeqCst)
    }
}

/// A run that is to be made.
pub(crate) struct Order {
    pub(crate) plan: Arc<Plan>,
    pub(crate) run_id: u64,
    pub(crate) views: Vec<View>,
    pub(crate) stop: Stop,
}

/// Stores and shows what a run came to.
fn finish(document: &Document, panics: u64, args: &Args) -> Result<Exit, Failure> {
    let exit = conclude::exit(document, panics);
    // The report is stored before anything else can go wrong.
    let stored = store(document, args.out.as_deref());
    if !args.quiet {
        show(document, args.out.as_deref())?;
    }
    stored?;
    Ok(exit)
}

fn failure(error: engine::Error) -> Failure {
    let exit = exit_of(&error);
    match &error {
        engine::Error::Target(cause) if let Some(advice) = diagnosis::of_ping(cause) => {
            Failure::new(exit, anyhow!("{error}; {advice}"))
        }
        _ => Failure::new(exit, error),
    }
}

/// The span in which a stage is judged by its rate. Of one that begins when others are done nothing is known before:
/// such a threshold is inconclusive, and not judged by the wrong length.
fn judged_span(plan: &Plan, stage: &str) -> Span {
    let unknown = Span {
        from: Duration::MAX,
        until: Duration::MAX,
    };
    plan.stage_span(stage).map_or(unknown, |span| Span {
        from: span.from,
        until: span.until,
    })
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

fn exit_of(error: &engine::Error) -> Exit {
    match error {
        engine::Error::Target(_) | engine::Error::Seed { .. } => Exit::Target,
        engine::Error::Interrupted => Exit::Interrupted,
        engine::Error::Worker(_) => Exit::Defect,
        _ => Exit::Usage,
    }
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
