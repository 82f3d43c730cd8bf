//! `regstorm run`: runs a scenario against a registry, shows its progress, and stores and sums up the result.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use regstorm::engine;
use regstorm::meeting;
use regstorm::plan::{self, Plan};
use regstorm::result::{Document, RunVerdict, Stored};
use regstorm::scenario::Scenario;
use regstorm::session::{self, Event, Handed, Options};
use regstorm::units;

use crate::diagnosis;
use crate::exit::{self, Exit, Failure, OrExit};
use crate::hook_runner::HookArgs;
use crate::interrupts::Interrupts;
use crate::label_args::{self, LabelArgs};
use crate::preflight;
use crate::progress::Progress;
use crate::proxy;
use crate::report_args::ReportArgs;
use crate::scenario_file::ScenarioArgs;
use crate::shard_args::ShardArgs;
use crate::shown::{Shown, ShownArgs};
use crate::wait_args::WaitArgs;

/// Run a scenario against a registry
///
/// The first Ctrl-C drains the load: iterations under way finish, and the report is written. The second one cancels them, and
/// the report is written. The third one ends regstorm without a report, unless only
/// clean-up was left to do. SIGTERM, SIGHUP and SIGQUIT act like Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm run @first-run --out report.json")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// How a run is followed, and where its result goes.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    labels: LabelArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    shown: ShownArgs,
    #[command(flatten)]
    shards: ShardArgs,
    #[command(flatten)]
    hooks: HookArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let inputs = args.run.inputs(args.scenario.file());
    args.run.report.with_summary("run", &inputs, || {
        let Some(mut scenario) = args.scenario.load()? else {
            return Ok(Exit::Usage);
        };
        args.scenario.fill_in(&mut scenario)?;
        args.run.measure(scenario)
    })
}

impl RunArgs {
    /// Returns the files that are read, with those that its caller reads.
    pub(crate) fn inputs(&self, read: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        let prepared = self.shards.prepared().map(Path::to_owned);
        read.into_iter().chain(prepared).collect()
    }

    /// Runs a scenario, shows its progress, and stores and shows the result.
    pub(crate) fn measure(&self, scenario: Scenario) -> Result<Exit, Failure> {
        let labels = self.labels.labels()?;
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let plan = Arc::new(plan::resolve(scenario, cores));
        preflight::check(&plan).or_exit(Exit::Usage)?;
        proxy::tell_of(&plan);

        let options = Options {
            part: self.shards.part()?,
            hooks: self.hooks.allowed(),
            ..label_args::options(labels, &self.wait)
        };
        let mut live = Live::new(self, &plan)?;
        let stop = live.interrupts.stop.clone();
        let mut left = None;
        let outcome = session::run(&plan, &options, &stop, &mut |event| {
            live.report(&event);
            match event {
                Event::Measured(document) => self.report.keep(document),
                Event::Prepared(preparation) => left = Some(self.report.leave(preparation)),
                _ => {}
            }
        });
        let outcome = outcome.map_err(failure);
        live.done(match &outcome {
            Ok(outcome) => Ok(&outcome.document),
            Err(failure) => Err(failure.to_string()),
        });
        if let Some(left) = left {
            exit::note(&left);
        }
        let outcome = outcome?;
        let exit = match outcome.panics {
            0 if outcome.document.is_part() => of_shard(&outcome.document),
            0 => exit(&outcome.document),
            _ => Exit::Defect,
        };
        self.report
            .finish(&Stored::Run(Box::new(outcome.document)))?;
        match outcome.handed {
            // What was measured is written; what it is part of is not judged here. The load was cut short, which is no fault in
            // the sense of an engine: the first shard may go on without this one.
            Some(Handed::Lost(why)) => Err(Failure::new(
                Exit::Interrupted,
                anyhow!("{why}; the report of this shard is for `regstorm merge`"),
            )),
            Some(Handed::Over) => {
                self.linger(&live.interrupts);
                Ok(exit)
            }
            None => Ok(exit),
        }
    }

    /// Stays when everything is done, for as long as the user wants it.
    fn linger(&self, interrupts: &Interrupts) {
        let time = self.shards.linger();
        if !time.is_zero() && !self.report.quiet && interrupts.stop.asked().is_none() {
            let time = units::duration(time);
            exit::note(&format!(
                "this shard is done; it stays for {time}, or until a signal"
            ));
        }
        interrupts.linger(time);
    }
}

/// Returns the exit code of a part of a run: the verdict is that of the merged report, so that an engine acts on faults alone.
fn of_shard(document: &Document) -> Exit {
    match exit(document) {
        fault @ (Exit::Defect | Exit::Interrupted) => fault,
        _ => Exit::Passed,
    }
}

/// Returns the exit code of a run. A sum that does not close makes every number doubtful; a run that a person has
/// interrupted has a code of its own.
pub(crate) fn exit(document: &Document) -> Exit {
    if !document.closure.holds() {
        return Exit::Defect;
    }
    if document.interrupted {
        return Exit::Interrupted;
    }
    match document.verdict {
        RunVerdict::Pass | RunVerdict::NotJudged => Exit::Passed,
        RunVerdict::Fail => Exit::Failed,
        RunVerdict::Inconclusive => Exit::Inconclusive,
        RunVerdict::Invalid => Exit::Invalid,
    }
}

/// Everything that follows a run: interrupts, the screen, metrics and a page.
struct Live {
    interrupts: Interrupts,
    progress: Progress,
    shown: Option<Shown>,
}

impl Live {
    fn new(args: &RunArgs, plan: &Plan) -> Result<Self, Failure> {
        let interrupts = Interrupts::new();
        let progress = Progress::new(plan, args.report.quiet);
        let shown = args.shown.start(plan)?;
        for line in shown.iter().flat_map(Shown::lines) {
            progress.line(&line);
        }
        Ok(Self {
            interrupts,
            progress,
            shown,
        })
    }

    fn report(&mut self, event: &Event<'_>) {
        self.interrupts.follow(event);
        self.progress.report(event);
        if let Some(shown) = &mut self.shown {
            shown.report(event);
        }
    }

    /// Everything is measured, or nothing is.
    fn done(&mut self, result: Result<&Document, String>) {
        self.interrupts.writing();
        self.progress.clear();
        if let Some(shown) = self.shown.take() {
            shown.end(result);
        }
    }
}

pub(crate) fn failure(error: session::Error) -> Failure {
    match error {
        session::Error::Engine(error) => of_engine(error),
        session::Error::Search
        | session::Error::Cut
        | session::Error::Hooks(_)
        | session::Error::Upstream
        | session::Error::Unshared(_)
        | session::Error::NotLeft { .. }
        | session::Error::Unprepared(_)
        | session::Error::OtherPlan { .. }
        | session::Error::Unfit(_)
        | session::Error::Host(
            meeting::HostError::Listen { .. } | meeting::HostError::Open { .. },
        ) => Failure::new(Exit::Usage, error),
        session::Error::Host(meeting::HostError::Interrupted)
        | session::Error::Guest(meeting::GuestError::Interrupted) => {
            Failure::new(Exit::Interrupted, error)
        }
        session::Error::Late { .. } | session::Error::Host(_) | session::Error::Guest(_) => {
            Failure::new(Exit::Target, error)
        }
        session::Error::Slices(_)
        | session::Error::Shards(_)
        | session::Error::Panics(_)
        | session::Error::Scenario(_)
        | session::Error::Calibration { .. } => Failure::new(Exit::Defect, error),
    }
}

pub(crate) fn of_engine(error: engine::Error) -> Failure {
    let exit = exit_of(&error);
    match &error {
        engine::Error::Target(cause) if let Some(advice) = diagnosis::of_ping(cause) => {
            Failure::new(exit, anyhow!("{error}; {advice}"))
        }
        engine::Error::Seed { source, .. } if let Some(advice) = diagnosis::of_seeding(source) => {
            Failure::new(exit, anyhow!("{error}; {advice}"))
        }
        _ => Failure::new(exit, error),
    }
}

fn exit_of(error: &engine::Error) -> Exit {
    match error {
        engine::Error::Target(_)
        | engine::Error::Seed { .. }
        | engine::Error::Silence { .. }
        | engine::Error::Missing { .. }
        | engine::Error::Catalogue { .. }
        | engine::Error::Tags { .. }
        | engine::Error::NoMatch { .. }
        | engine::Error::TooManyFound { .. }
        | engine::Error::Look { .. } => Exit::Target,
        engine::Error::Interrupted => Exit::Interrupted,
        engine::Error::Worker(_) => Exit::Defect,
        _ => Exit::Usage,
    }
}
