//! `regstorm ab`: compares two live builds, loaded in turn, pair by pair, until their difference is known.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine;
use regstorm::files::Directory;
use regstorm::plan::{self, Plan};
use regstorm::result::{MetricUnit, Stored};
use regstorm::scenario::library;
use regstorm::schedule::Side;
use regstorm::session::{Event, Options, Pair, Pairing, PairingSettings, Step};

use crate::exit::{self, Exit, Failure, OrExit};
use crate::gate_args::GateArgs;
use crate::hook::{self, Hook};
use crate::hook_runner::HookArgs;
use crate::interrupts::Interrupts;
use crate::label_args::{self, LabelArgs};
use crate::outputs;
use crate::pair_args::PairArgs;
use crate::progress::Progress;
use crate::proxy::ProxyArgs;
use crate::report_args::ReportArgs;
use crate::source::{self, Source};
use crate::wait_args::WaitArgs;
use crate::{preflight, proxy, run, scenario_file};

/// Compare two live builds by pairs of runs
///
/// Both builds stay up, and regstorm loads one of them at a time. A pair of runs is the unit of evidence: its slices alternate
/// (ABBA, in random order), so that drift of the machine affects both builds alike. Pairs are made until it is
/// decided, or the time of --budget is up. The same URL on both sides measures the noise of the machine.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(outputs::of_comparisons),
    after_help = "Example:\n  regstorm ab @steady --base http://127.0.0.1:5000 --candidate http://127.0.0.1:5001"
)]
pub(crate) struct Args {
    /// Scenario file (TOML), or @NAME for one of the library (`regstorm scenarios` lists it)
    #[arg(value_parser = source::parser(library::SCENARIOS))]
    scenario: Source,
    /// Known build: http[s]://HOST[:PORT][/PATH], or `embedded`
    #[arg(long, value_name = "URL")]
    base: String,
    /// Build under test, in the same forms as --base
    #[arg(long, value_name = "URL")]
    candidate: String,
    #[command(flatten)]
    proxy: ProxyArgs,
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
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    hooks: HookArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    args.report.check_comparison()?;
    let inputs = args.scenario.file().into_iter().chain(args.gates.file());
    let inputs: Vec<_> = inputs.collect();
    args.report.with_summary("ab", &inputs, || measure(args))
}

fn measure(args: &Args) -> Result<Exit, Failure> {
    let labels = args.labels.labels()?;
    let (Some(base), Some(candidate)) = (plan(args, &args.base)?, plan(args, &args.candidate)?)
    else {
        return Ok(Exit::Usage);
    };
    let journeys: Vec<&str> = base.journeys.iter().map(|it| it.name.as_str()).collect();
    let Some(chosen) = args.gates.chosen(&journeys)? else {
        return Ok(Exit::Usage);
    };
    let cut = args.pairs.cut(&base).or_exit(Exit::Usage)?;
    let until = args.pairs.until(cut, &base).or_exit(Exit::Usage)?;
    for plan in cut.plans(&base, &candidate).map_err(run::failure)? {
        preflight::check(&plan).or_exit(Exit::Usage)?;
        proxy::tell_of(&plan);
    }
    if let Some(directory) = &args.reports {
        // Reports of discarded pairs have a directory of their own, so that `compare` does not take them for pairs.
        Directory::create_all(directory)
            .and_then(|reports| reports.part(DISCARDED))
            .map_err(|error| anyhow!("--reports {}: {error}", directory.display()))
            .or_exit(Exit::Usage)?;
        exit::check_writable("--reports", &directory.join("report.json")).or_exit(Exit::Usage)?;
    }
    let interrupts = Interrupts::new();
    let before_pair = args.pairs.before_pair.as_ref().map(|command| Hook {
        command: command.clone(),
        base: args.base.clone(),
        candidate: args.candidate.clone(),
        patience: args.pairs.patience,
    });
    let progress = Progress::new(&base, args.report.quiet);
    let pairing = Pairing::new(PairingSettings {
        base,
        candidate,
        cut,
        until,
        gates: chosen,
        allowed: args.gates.allowed(),
        order_seed: args.pairs.order_seed,
        ready_timeout: before_pair
            .as_ref()
            .map_or(Duration::ZERO, |it| it.patience),
        options: Options {
            hooks: args.hooks.allowed(),
            ..label_args::options(labels, &args.wait)
        },
    });
    let session = Session {
        args,
        pairing: pairing.map_err(run::failure)?,
        before_pair,
        interrupts,
        progress,
    };
    session.interrupts.opened();
    session.make()
}

/// The directory of the reports of discarded pairs, below --reports.
const DISCARDED: &str = "discarded";

fn plan(args: &Args, target: &str) -> Result<Option<Plan>, Failure> {
    let Some(mut scenario) =
        scenario_file::load(&args.scenario, Some(target), &args.proxy, &args.set)?
    else {
        return Ok(None);
    };
    scenario_file::fill_in(&args.scenario, &mut scenario)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(Some(plan::resolve(scenario, cores)))
}

/// A comparison that is being made.
struct Session<'a> {
    args: &'a Args,
    pairing: Pairing,
    before_pair: Option<Hook>,
    interrupts: Interrupts,
    progress: Progress,
}

/// Why no more pairs are made.
enum Ending {
    /// It is decided, there are no more looks, or the generator was the limit too often.
    Done,
    /// A person has interrupted it.
    Interrupted,
    /// A target or a hook failed.
    Failed(Failure),
}

impl Session<'_> {
    fn make(mut self) -> Result<Exit, Failure> {
        let ending = self.pairs().unwrap_or_else(Ending::Failed);
        self.interrupts.writing();
        self.progress.clear();
        let (cut, failure) = match ending {
            Ending::Done => (None, None),
            Ending::Interrupted => (Some("interrupted before it was decided".to_owned()), None),
            Ending::Failed(failure) => (
                Some(format!("ended before it was decided: {failure}")),
                Some(failure),
            ),
        };
        let Some(comparison) = self.pairing.conclude(cut) else {
            return Err(failure.unwrap_or_else(|| {
                Failure::new(
                    Exit::Interrupted,
                    anyhow!("interrupted before the first pair was done"),
                )
            }));
        };
        let exit = self.args.gates.exit(&comparison, true);
        let args = self.args;
        args.report
            .finish(&Stored::Comparison(Box::new(comparison)))?;
        match failure {
            Some(failure) => Err(failure),
            None if self.interrupts.was_interrupted() => Ok(Exit::Interrupted),
            None => Ok(exit),
        }
    }

    /// Makes pairs until it is decided.
    fn pairs(&mut self) -> Result<Ending, Failure> {
        while let Step::Pair(number) = self.pairing.next_step() {
            let Some(pair) = self.pair(number)? else {
                return Ok(Ending::Interrupted);
            };
            if let Some(reason) = &pair.generator_limit {
                let line = format!("pair {number}   invalid, made again: {reason}");
                self.progress.line(&line);
                let number = self.pairing.discarded().len() + 1;
                self.store(&pair, |side| {
                    PathBuf::from(DISCARDED).join(format!("{number:03}-{}.json", side.name()))
                })?;
            }
            if let Some(too_short) = &pair.too_short {
                let line = format!("pair {number}   made again: {}", too_short.why);
                self.progress.line(&line);
                let number = self.pairing.discarded().len() + 1;
                self.store(&pair, |side| {
                    PathBuf::from(DISCARDED).join(format!("{number:03}-{}.json", side.name()))
                })?;
            }
            let takes = self.pairing.takes(&pair);
            if takes {
                self.store(&pair, |side| {
                    format!("pair-{number:03}-{}.json", side.name()).into()
                })?;
            }
            self.pairing.add(pair);
            if takes {
                self.progress.line(&standing(&self.pairing));
            }
        }
        Ok(Ending::Done)
    }

    /// Makes one pair, after the hook; `None` if a person has interrupted it.
    fn pair(&mut self, number: usize) -> Result<Option<Pair>, Failure> {
        let stop = &self.interrupts.stop;
        if let Some(hook) = &self.before_pair {
            self.progress.now("hook", &format!("before pair {number}"));
            if hook.run(number, stop)? == hook::Ended::Interrupted {
                return Ok(None);
            }
        }
        let progress = &mut self.progress;
        let made = self.pairing.make(number, stop, &mut |event| {
            let is_known = matches!(
                event,
                Event::Load(engine::Progress::Ready { .. } | engine::Progress::Seeding(_))
            );
            // Where the targets are is shown once.
            if number == 1 || !is_known {
                progress.report(&event);
            }
        });
        made.map_err(run::failure)
    }

    /// Stores both reports of a pair.
    fn store(&self, pair: &Pair, name: impl Fn(Side) -> PathBuf) -> Result<(), Failure> {
        let Some(directory) = &self.args.reports else {
            return Ok(());
        };
        for (side, run) in [(Side::Base, &pair.base), (Side::Candidate, &pair.candidate)] {
            run.save(&directory.join(name(side)))
                .or_exit(Exit::Failed)?;
        }
        Ok(())
    }
}

/// Returns the line for a pair: how the gates stand. Nothing is decided before the next look.
fn standing(pairing: &Pairing) -> String {
    let metrics = pairing.judged().map(|it| it.metrics).unwrap_or_default();
    let gated = metrics.iter().filter(|it| it.gated);
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
        pairing.made(),
        pairing.last_order().unwrap_or_default(),
        changes.join("   ")
    )
}
