//! `regstorm ab`: two live builds, loaded in turn, pair by pair, until their difference is known.

use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use regstorm::compare::{Conduct, Design, Judge, Judged, Looks, Next, generator_limit};
use regstorm::engine::Stock;
use regstorm::files::Directory;
use regstorm::plan::{self, Plan};
use regstorm::result::{self, DiscardedPair, Document, Method, MetricUnit, PairSection, Stored};
use regstorm::scenario::Gate;
use regstorm::schedule::Side;

use crate::brake::Brake;
use crate::exit::{self, Exit, Failure, OrExit};
use crate::gate_args::{GateArgs, gates};
use crate::hook::Hook;
use crate::label_args::LabelArgs;
use crate::pair_args::PairArgs;
use crate::pair_run::{Cut, PairRun, Rig};
use crate::progress::Progress;
use crate::report_args::ReportArgs;
use crate::{preflight, proxy, run, scenario_file, search};

/// Compare two live builds by pairs of runs
///
/// Both builds stay up, and regstorm loads one of them at a time. A pair of runs is the unit of evidence: its slices alternate
/// (ABBA, in random order), so that drift of the machine affects both builds alike. After 6, 10 and 16 pairs regstorm decides
/// whether it needs more. The same URL on both sides measures the noise of the machine.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  regstorm ab scenarios/steady.toml --base http://127.0.0.1:5000 --candidate http://127.0.0.1:5001"
)]
pub(crate) struct Args {
    /// Scenario file (TOML)
    file: PathBuf,
    /// Known build: http[s]://HOST[:PORT][/PATH], or `embedded`
    #[arg(long, value_name = "URL")]
    base: String,
    /// Build under test, in the same forms as --base
    #[arg(long, value_name = "URL")]
    candidate: String,
    /// New value for a key, as for `run`; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    pairs: PairArgs,
    #[command(flatten)]
    gates: GateArgs,
    /// Directory for the report of each side of each pair, for `compare`
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    reports: Option<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    labels: LabelArgs,
}

/// A side should be measured so long in a pair.
const ENOUGH: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.report.check_comparison()?;
    let labels = args.labels.labels()?;
    let looks = args.pairs.looks().or_exit(Exit::Usage)?;
    let (Some(base), Some(candidate)) = (plan(args, &args.base)?, plan(args, &args.candidate)?)
    else {
        return Ok(Exit::Usage);
    };
    let journeys: Vec<&str> = base.journeys.iter().map(|it| it.name.as_str()).collect();
    let Some(chosen) = args.gates.chosen(&journeys)? else {
        return Ok(Exit::Usage);
    };
    let cutting = args.pairs.cut(&base).or_exit(Exit::Usage)?;
    let slice = |plan: &Plan| match cutting {
        // A search is judged by its thresholds.
        Cut::Whole { .. } if search::is_one(plan) => Some(plan.clone()),
        Cut::Slices { slice, settle, .. } => plan.slice(slice, settle),
        Cut::Whole { .. } => Some(plan.whole()),
    };
    let (Some(base), Some(candidate)) = (slice(&base), slice(&candidate)) else {
        return Err(Failure::new(
            Exit::Usage,
            anyhow!("the two sides cannot be cut alike"),
        ));
    };
    for plan in [&base, &candidate] {
        preflight::check(plan).or_exit(Exit::Usage)?;
        proxy::tell_of(plan);
    }
    if let Some(directory) = &args.reports {
        // Those that are not used have a place of their own, lest `compare` takes them for pairs.
        Directory::create_all(directory)
            .and_then(|reports| reports.part(DISCARDED))
            .map_err(|error| anyhow!("--reports {}: {error}", directory.display()))
            .or_exit(Exit::Usage)?;
        exit::check_writable("--reports", &directory.join("report.json")).or_exit(Exit::Usage)?;
    }
    let brake = Brake::new();
    let progress = Progress::new(&base, args.report.quiet);
    let stock = Stock::prepare(&base).map_err(run::failure)?;
    brake.opened();
    let rig = Rig {
        base: Arc::new(base),
        candidate: Arc::new(candidate),
        stock,
        cut: cutting,
        order_seed: args.pairs.order_seed.unwrap_or_else(random),
        set: format!("{:016x}", random()),
        before_pair: args.pairs.before_pair.as_ref().map(|command| Hook {
            command: command.clone(),
            base: args.base.clone(),
            candidate: args.candidate.clone(),
            patience: args.pairs.patience,
        }),
        patience: args.pairs.patience,
        has_begun: Cell::new(false),
        labels,
    };
    let mut session = Session {
        args,
        looks,
        rig,
        brake,
        progress,
        chosen: Some(chosen),
        judge: None,
        discarded: Vec::new(),
        orders: Vec::new(),
    };
    session.make()
}

/// Where the reports of pairs that are not used go, below the others.
const DISCARDED: &str = "discarded";

fn plan(args: &Args, target: &str) -> Result<Option<Plan>, Failure> {
    let Some(mut scenario) = scenario_file::load(&args.file, Some(target), &args.set)? else {
        return Ok(None);
    };
    scenario_file::fill_in(&args.file, &mut scenario)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(Some(plan::resolve(scenario, cores)))
}

/// A comparison that is being made.
struct Session<'a> {
    args: &'a Args,
    looks: Looks,
    rig: Rig,
    brake: Brake,
    progress: Progress,
    /// The gates of the user, until the first pair shows what can be compared.
    chosen: Option<Vec<Gate>>,
    judge: Option<Judge>,
    discarded: Vec<DiscardedPair>,
    orders: Vec<String>,
}

/// How the making of pairs has ended.
enum Ending {
    /// It is decided, or there are no more looks.
    Done(Judged),
    /// The generator was the limit too often.
    Starved,
    /// Somebody asked to stop.
    Interrupted,
    /// A target or a hook failed.
    Failed(Failure),
}

impl Session<'_> {
    fn make(&mut self) -> Result<Exit, Failure> {
        let ending = self.pairs();
        self.brake.writing();
        self.progress.clear();
        let Some(judge) = self.judge.take() else {
            return match ending {
                Ending::Failed(failure) => Err(failure),
                Ending::Starved => Err(self.starved()),
                Ending::Interrupted | Ending::Done(_) => Err(Failure::new(
                    Exit::Interrupted,
                    anyhow!("interrupted before the first pair was done"),
                )),
            };
        };
        let mut invalid = Vec::new();
        let mut cut = None;
        let (judged, failure) = match ending {
            Ending::Done(judged) => (judged, None),
            Ending::Starved => {
                invalid.push(self.starved().to_string());
                (judge.decide(Design::Pairs, self.looks.alpha()), None)
            }
            Ending::Interrupted => {
                cut = Some("interrupted before the pairs of the next look were made".to_owned());
                (judge.decide(Design::Pairs, self.looks.alpha()), None)
            }
            Ending::Failed(failure) => {
                cut = Some(format!(
                    "ended before the pairs of the next look were made: {failure}"
                ));
                (
                    judge.decide(Design::Pairs, self.looks.alpha()),
                    Some(failure),
                )
            }
        };
        let mut notes = self.notes();
        notes.extend(self.rig.cut.too_short(judge.iteration_time()));
        let conduct = Conduct {
            design: self.design(&judge),
            discarded: std::mem::take(&mut self.discarded),
            invalid,
            cut,
            notes,
        };
        let Some(comparison) = judge.conclude(judged, conduct) else {
            return Err(Failure::new(
                Exit::Defect,
                anyhow!("a pair has one side only"),
            ));
        };
        let exit = self.args.gates.exit(&comparison, true);
        let args = self.args;
        args.report
            .finish(&Stored::Comparison(Box::new(comparison)))?;
        match failure {
            Some(failure) => Err(failure),
            None if self.brake.was_used() => Ok(Exit::Interrupted),
            None => Ok(exit),
        }
    }

    /// Makes pairs until it is decided.
    fn pairs(&mut self) -> Ending {
        let mut until = self.looks.pairs().first().copied().unwrap_or_default();
        let most_discarded = self.looks.pairs().last().map_or(0, |it| it / 2);
        let mut made = 0;
        loop {
            while made < until {
                let number = made + 1;
                let pair = match self.rig.pair(number, &self.brake, &mut self.progress) {
                    Ok(PairRun::Made(pair)) => pair,
                    Ok(PairRun::Interrupted) => return Ending::Interrupted,
                    Err(failure) => return Ending::Failed(failure),
                };
                let limit = [&pair.base, &pair.candidate]
                    .into_iter()
                    .find_map(generator_limit);
                if let Some(reason) = limit {
                    self.progress
                        .line(&format!("pair {number}   invalid, made again: {reason}"));
                    if let Err(failure) = self.keep_discarded(&pair.base, &pair.candidate) {
                        return Ending::Failed(failure);
                    }
                    self.discarded.push(DiscardedPair {
                        number: u32::try_from(number).unwrap_or(u32::MAX),
                        reason,
                    });
                    if self.discarded.len() > most_discarded {
                        // There is always something to look at, if only what was wrong.
                        if self.judge.is_none()
                            && let Err(failure) = self.take(pair.base, pair.candidate)
                        {
                            return Ending::Failed(failure);
                        }
                        return Ending::Starved;
                    }
                    continue;
                }
                if let Err(failure) = self.take(pair.base, pair.candidate) {
                    return Ending::Failed(failure);
                }
                made = number;
            }
            let Some(judge) = &self.judge else {
                return Ending::Interrupted;
            };
            let judged = judge.decide(Design::Pairs, self.looks.alpha());
            match self.looks.next(made, &judged.decided) {
                Next::Stop => return Ending::Done(judged),
                Next::Continue { pairs } => until = pairs,
            }
        }
    }

    /// Stores both reports of a pair that is made again: what was measured is not lost.
    fn keep_discarded(&self, base: &Document, candidate: &Document) -> Result<(), Failure> {
        let Some(directory) = &self.args.reports else {
            return Ok(());
        };
        let number = self.discarded.len() + 1;
        for (side, run) in [(Side::Base, base), (Side::Candidate, candidate)] {
            let name = format!("{number:03}-{}.json", side.name());
            let path = directory.join(DISCARDED).join(name);
            run.save(&path).or_exit(Exit::Failed)?;
        }
        Ok(())
    }

    /// Stores both reports of a pair and adds them to the evidence.
    fn take(&mut self, base: Document, candidate: Document) -> Result<(), Failure> {
        if let Some(directory) = &self.args.reports {
            for run in [&base, &candidate] {
                store(directory, run)?;
            }
        }
        self.orders
            .extend(base.pair.as_ref().map(|it| it.order.clone()));
        if self.judge.is_none() {
            let gates = gates(self.chosen.take().unwrap_or_default(), &base);
            let judge = Judge::new(gates, self.args.gates.allowed(), self.rig.order_seed);
            self.judge = Some(judge);
        }
        if let Some(judge) = &mut self.judge {
            judge.add(Side::Base, base);
            judge.add(Side::Candidate, candidate);
            self.progress
                .line(&told(judge, self.orders.last(), self.looks.alpha()));
        }
        Ok(())
    }

    fn design(&self, judge: &Judge) -> result::Design {
        let count = |side| u32::try_from(judge.runs(side)).unwrap_or(u32::MAX);
        let looks = self
            .looks
            .pairs()
            .iter()
            .map(|it| u32::try_from(*it).unwrap_or(u32::MAX));
        let (slice, settle) = match self.rig.cut {
            Cut::Slices { slice, settle, .. } => (Some(slice), settle),
            Cut::Whole { .. } => (None, Duration::ZERO),
        };
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        result::Design {
            method: Method::Paired,
            base_runs: count(Side::Base),
            candidate_runs: count(Side::Candidate),
            looks: looks.collect(),
            alpha: self.looks.alpha(),
            order_seed: Some(self.rig.order_seed),
            slice_us: slice.map(micros),
            settle_us: micros(settle),
            orders: self.orders.clone(),
        }
    }

    fn starved(&self) -> Failure {
        let reason = self.discarded.last().map_or("", |it| it.reason.as_str());
        let count = self.discarded.len();
        Failure::new(
            Exit::Invalid,
            anyhow!("the generator was the limit in {count} pairs, the last time: {reason}"),
        )
    }

    /// What a reader should know of the design.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Cut::Slices { slices, slice, .. } = self.rig.cut
            && slice * slices < ENOUGH
        {
            let time = regstorm::units::duration(slice * slices);
            notes.push(format!(
                "a side is measured for {time} in each pair; 30 s and more find smaller changes"
            ));
        }
        if self.args.base == self.args.candidate {
            notes.push(
                "both sides are one target: this shows what the noise alone comes to".to_owned(),
            );
        }
        notes
    }
}

/// A line for a pair that was made: where the gates stand. Nothing is decided before the next look.
fn told(judge: &Judge, order: Option<&String>, alpha: f64) -> String {
    let judged = judge.decide(Design::Pairs, alpha);
    let gated = judged.metrics.iter().filter(|it| it.gated);
    let changes = gated.filter_map(|it| {
        let change = it.pairs.last()?.change;
        let unit = if it.unit == MetricUnit::Share {
            " pp"
        } else {
            "%"
        };
        Some(format!("{} {:+.1}{unit}", it.metric, 100.0 * change))
    });
    let changes: Vec<String> = changes.collect();
    format!(
        "pair {:<3} {}   {}",
        judge.runs(Side::Base),
        order.map_or("", String::as_str),
        changes.join("   ")
    )
}

fn store(directory: &Path, run: &Document) -> Result<(), Failure> {
    let Some(PairSection { number, side, .. }) = &run.pair else {
        return Ok(());
    };
    let name = format!("pair-{number:03}-{}.json", side.name());
    run.save(&directory.join(name)).or_exit(Exit::Failed)
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
