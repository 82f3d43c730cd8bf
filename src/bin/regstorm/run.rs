//! `regstorm run`: a scenario against a registry, watched while it runs, summed up and stored at its end.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine::{self, Stop};
use regstorm::measure::{Period, View};
use regstorm::plan::{self, Plan};
use regstorm::result::{Document, Stored};
use regstorm::verdict::{Span, ThresholdResult, Watch};

use crate::brake::Brake;
use crate::conclude;
use crate::diagnosis;
use crate::exit::{Exit, Failure, OrExit};
use crate::label_args::{self, LabelArgs};
use crate::metrics::Metrics;
use crate::preflight;
use crate::progress::Progress;
use crate::proxy;
use crate::report_args::ReportArgs;
use crate::scenario_file::ScenarioArgs;
use crate::search;

/// Run a scenario against a registry
///
/// The first Ctrl-C drains the load: iterations under way finish, and the report is written. The second one cancels them, and
/// the report is written. The third one ends regstorm without a report. SIGTERM, SIGHUP and SIGQUIT act like Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm run scenarios/first-run.toml --out report.json")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    labels: LabelArgs,
    /// Address for live Prometheus metrics at /metrics; port 0 picks a free port
    #[arg(long, value_name = "IP:PORT")]
    metrics: Option<SocketAddr>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let Some(mut scenario) = args.scenario.load()? else {
        return Ok(Exit::Usage);
    };
    args.scenario.fill_in(&mut scenario)?;
    args.report.check_writable()?;
    let labels = args.labels.labels()?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    preflight::check(&plan).or_exit(Exit::Usage)?;
    proxy::tell_of(&plan);

    let mut environment = label_args::environment(&labels);
    let mut live = Live::new(args, &plan)?;
    let mut watch = Watch::new(&plan, |stage| Some(judged_span(&plan, stage)));
    let order = Order {
        views: watch.views(&engine::catalogue(&plan)),
        run_id: RandomState::new().build_hasher().finish(),
        plan: Arc::clone(&plan),
        stop: live.brake.stop.clone(),
    };
    if search::is_one(&plan) {
        let searched = search::run(order, &watch, &mut |at| live.tell(&at));
        live.done();
        let (searched, section) = searched.map_err(failure)?;
        environment.end();
        let facts = conclude::Ended {
            asked: &plan,
            plan: &searched.plan,
            environment,
            finished: &searched.finished,
            interrupted: live.brake.was_used(),
            search: Some(section),
        };
        let document = conclude::document(facts, &watch);
        return finish(document, searched.finished.panics, args);
    }
    let mut tell = |at: engine::Progress<'_>| {
        live.tell(&at);
        if let engine::Progress::Load {
            period: Period::Measure,
            elapsed,
            observed,
            ..
        } = at
            && observed.len() == plan.thresholds.len()
        {
            live.standing(&watch.evaluate(observed, elapsed));
        }
    };
    let Order {
        views,
        run_id,
        stop,
        ..
    } = order;
    let finished = engine::run_watched(&plan, run_id, views, &stop, &mut tell);
    live.done();
    let finished = finished.map_err(failure)?;
    environment.end();
    let facts = conclude::Ended {
        asked: &plan,
        plan: &plan,
        environment,
        finished: &finished,
        interrupted: live.brake.was_used(),
        search: None,
    };
    let document = conclude::document(facts, &watch);
    finish(document, finished.panics, args)
}

/// What hears how a run goes: the brake, the screen, and whoever scrapes.
struct Live {
    brake: Brake,
    progress: Progress,
    metrics: Option<Metrics>,
}

impl Live {
    fn new(args: &Args, plan: &Plan) -> Result<Self, Failure> {
        let brake = Brake::new();
        let progress = Progress::new(plan, args.report.quiet);
        let metrics = args.metrics.map(Metrics::start).transpose()?;
        if let Some(metrics) = &metrics {
            progress.metrics(&metrics.url());
        }
        Ok(Self {
            brake,
            progress,
            metrics,
        })
    }

    fn tell(&mut self, at: &engine::Progress<'_>) {
        self.brake.hear(at);
        self.progress.tell(at);
        if let Some(metrics) = &mut self.metrics {
            metrics.tell(at);
        }
    }

    /// Everything is measured.
    fn done(&self) {
        self.brake.writing();
        self.progress.clear();
    }

    /// How the thresholds stand; one of them may end the run.
    fn standing(&mut self, thresholds: &[ThresholdResult]) {
        self.progress.thresholds(thresholds);
        let ended = thresholds.iter().any(|it| it.ended_run);
        if ended && self.brake.stop.asked().is_none() {
            self.brake.stopper.ask();
        }
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
fn finish(document: Document, panics: u64, args: &Args) -> Result<Exit, Failure> {
    let exit = conclude::exit(&document, panics);
    args.report.finish(&Stored::Run(Box::new(document)))?;
    Ok(exit)
}

pub(crate) fn failure(error: engine::Error) -> Failure {
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

/// The span in which a stage is judged by its rate. Of one that begins when others are done nothing is known before:
/// such a threshold is inconclusive, and not judged by the wrong length.
pub(crate) fn judged_span(plan: &Plan, stage: &str) -> Span {
    let unknown = Span {
        from: Duration::MAX,
        until: Duration::MAX,
    };
    plan.stage_span(stage).map_or(unknown, |span| Span {
        from: span.from,
        until: span.until,
    })
}

fn exit_of(error: &engine::Error) -> Exit {
    match error {
        engine::Error::Target(_)
        | engine::Error::Seed { .. }
        | engine::Error::Silence { .. }
        | engine::Error::Missing { .. }
        | engine::Error::Look { .. } => Exit::Target,
        engine::Error::Interrupted => Exit::Interrupted,
        engine::Error::Worker(_) => Exit::Defect,
        _ => Exit::Usage,
    }
}
