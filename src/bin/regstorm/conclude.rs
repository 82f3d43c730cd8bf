//! From a finished run to its document and its exit code.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use regstorm::engine::Finished;
use regstorm::health::TargetHost;
use regstorm::measure::{Period, Record};
use regstorm::oci::Verify;
use regstorm::plan::{self, Action, Plan};
use regstorm::result::{
    Demand, Document, Environment, Facts, GeneratorSection, PlanSection, RunVerdict, SearchSection,
    TargetHeaders,
};
use regstorm::verdict::{Moment, Ran, Watch};

use crate::ceiling;
use crate::exit::Exit;

/// What the run came to. A sum that does not close makes every number doubtful; a run that a person has ended is told
/// from one that has come to its end.
pub(crate) fn exit(document: &Document, panics: u64) -> Exit {
    if !document.closure.holds() || panics > 0 {
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

/// A run that is over, as the binary knows it.
pub(crate) struct Ended<'a> {
    /// What was to be done.
    pub(crate) asked: &'a Plan,
    /// What was done: of a search, the trial that is told.
    pub(crate) plan: &'a Plan,
    pub(crate) environment: Environment,
    pub(crate) finished: &'a Finished,
    /// By a person, not by a threshold.
    pub(crate) interrupted: bool,
    /// The search that it was part of.
    pub(crate) search: Option<SearchSection>,
}

/// The document of a run.
pub(crate) fn document(ended: Ended<'_>, watch: &Watch) -> Document {
    let Ended {
        asked,
        plan,
        environment,
        finished,
        interrupted,
        search,
    } = ended;
    let header = |name: &str| {
        let mut found = finished.target.headers.iter().filter(|(it, _)| it == name);
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
    let others = search.as_ref();
    let seen = answered(&finished.record)
        + finished.probe.as_ref().map_or(0, answered)
        + others.map_or(0, SearchSection::answered_by_others);
    let around = finished.around.as_ref();
    if let Some(counts) = around.and_then(|it| it.embedded.as_ref())
        && counts.answered() != seen
    {
        notes.push(format!(
            "the embedded registry answered {} exchanges, and {seen} were seen to be answered: the rest was broken off",
            counts.answered(),
        ));
    }
    let moment = if finished.interrupted {
        Moment::Underway
    } else {
        Moment::Done
    };
    let record = &finished.record;
    let thresholds = watch.conclude(record.observed(), record.window(), moment);
    let ended = thresholds.iter().filter(|it| it.ended_run);
    notes.extend(ended.map(|it| {
        format!(
            "the run was ended early by {}: {}",
            it.name(),
            it.observed_text
        )
    }));
    let facts = Facts {
        plan: PlanSection {
            name: asked.name.clone(),
            seed: asked.seed,
            fingerprint: asked.fingerprint(),
            resolved: serde_json::to_value(asked).unwrap_or_default(),
        },
        target: TargetHeaders {
            server: header("server"),
            docker_distribution_api_version: header("docker-distribution-api-version"),
        },
        interrupted,
        thresholds,
        search,
        generator: generator(plan, &environment, finished),
        environment,
        open_model: plan.loads.iter().any(|load| load.executor.is_open()),
        probe: finished
            .probe
            .clone()
            .zip(plan.probe.as_ref().map(|probe| probe.every)),
        opened: finished.opened,
        stage_lengths: stage_lengths(plan),
        period_durations: BTreeMap::from([
            (
                Period::Prepare,
                around.map_or(Duration::ZERO, |it| it.prepare_time),
            ),
            (Period::WarmUp, finished.warm_up_time),
            (
                Period::CleanUp,
                around.map_or(Duration::ZERO, |it| it.clean_up_time),
            ),
        ]),
        notes,
    };
    Document::new(&finished.record, facts)
}

/// How long the stages of loads are, where that is set.
fn stage_lengths(plan: &Plan) -> BTreeMap<(String, String), Duration> {
    let set = |load: &&plan::Load| matches!(load.executor.length(), plan::Length::Set(_));
    let loads = plan.loads.iter().filter(set);
    let stages = loads.flat_map(|load| {
        let stages = load.stages().into_iter();
        stages.map(|stage| {
            (
                (load.name.clone(), stage.name.to_owned()),
                stage.span.length(),
            )
        })
    });
    stages.collect()
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

/// How the generator did, held against what this machine has reached before.
fn generator(plan: &Plan, environment: &Environment, finished: &Finished) -> GeneratorSection {
    let ceiling_share = ceiling_share(plan, environment, &finished.record);
    let ran = Ran {
        plan,
        record: &finished.record,
        pacer_lag: &finished.pacer_lag,
        signals: &finished.signals,
        ceiling_share,
        target_host: target_host(&finished.target.base),
        ended_early: finished.interrupted,
    };
    GeneratorSection {
        health: ran.health(),
        ceiling_share,
        pacer_lag: finished.pacer_lag.clone(),
        signals: finished.signals.clone(),
    }
}

/// The share of this machine's ceiling that was asked for, if that has been measured.
pub(crate) fn ceiling_share(
    plan: &Plan,
    environment: &Environment,
    record: &Record,
) -> Option<f64> {
    let ceiling = ceiling::load().filter(|ceiling| ceiling.fits(environment))?;
    Some(ceiling.share(&demand(plan, record)))
}

/// What the run came to, in the terms of a ceiling.
fn demand(plan: &Plan, record: &Record) -> Demand {
    let mut demand = Demand::default();
    let window = record.window().as_secs_f64();
    if window <= 0.0 {
        return demand;
    }
    for (track, of, _) in record.tracks() {
        let name = record.journey_name(track);
        debug_assert!(!of.load.is_empty(), "the tracks are those of the plan");
        let mut journeys = plan.journeys.iter();
        let journey = journeys.find(|journey| journey.name == name);
        let verify = match journey.map(|journey| &journey.action) {
            Some(Action::Pull(pull)) => pull.verify,
            _ => Verify::None,
        };
        for (_, series) in record.track_operations(track) {
            let bytes = series.bytes_within_window;
            demand.requests_per_s += float(series.within_window) / window;
            demand.sent_per_s += float(bytes.sent) / window;
            let received = match verify {
                Verify::Digest => &mut demand.received_verified_per_s,
                Verify::EveryDigest => &mut demand.received_hashed_per_s,
                Verify::Length | Verify::None => &mut demand.received_per_s,
            };
            *received += float(bytes.received) / window;
        }
    }
    demand
}

#[expect(clippy::cast_precision_loss, reason = "three digits are used of it")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// Is the target on this machine? A name is looked at, not looked up: only what is surely here is called the same.
pub(crate) fn target_host(base: &str) -> TargetHost {
    let host = url::Url::parse(base).ok().and_then(|url| {
        let host = url.host_str()?;
        Some(host.trim_matches(['[', ']']).to_owned())
    });
    let here = host.is_some_and(|host| {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    });
    if here {
        TargetHost::Same
    } else {
        TargetHost::Other
    }
}
