//! From a load that is over to the document of its run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::audited;
use crate::engine::{Finished, FoundImages};
use crate::health::{Health, Signals, TargetHost};
use crate::measure::{LatencyHistogram, Period, Record};
use crate::oci::Verify;
use crate::plan::{Action, Length, Load, Plan};
use crate::result::{
    Ceiling, Demand, Document, Environment, Facts, FoundSection, GeneratorSection, PlanSection,
    ReplaySection, SearchSection, TargetHeaders, UpstreamSection,
};
use crate::schedule::Span;
use crate::verdict::{Moment, Ran, Watch};

/// Returns the thresholds of a plan, each with the span it is judged over.
pub(super) fn watch(plan: &Plan) -> Watch {
    // Of a stage that begins when others are done nothing is known before: such a threshold is inconclusive, and not
    // judged by the wrong length.
    let unknown = Span {
        from: Duration::MAX,
        until: Duration::MAX,
    };
    Watch::new(plan, |stage| {
        Some(plan.stage_span(stage).unwrap_or(unknown))
    })
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Everything that is known of it, judged.
    pub document: Document,
    /// Virtual users or workers that ended in a panic: defects of regstorm.
    pub panics: u64,
    /// What became of it, where it is of a shard that the first one adds up; `None` for every other run.
    pub handed: Option<Handed>,
}

/// How a shard that is not the first has ended its meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// The first shard has what it measured.
    Over,
    /// The first shard is lost, for that reason: the report has to be merged.
    Lost(String),
}

/// What a run is concluded from beside what it measured.
pub(super) struct Conclusion<'a> {
    /// What was to be done.
    pub(super) plan: &'a Plan,
    pub(super) watch: &'a Watch,
    pub(super) ceiling: Option<&'a Ceiling>,
    /// As it was when the run began.
    pub(super) environment: Environment,
    /// By the caller, not by a threshold.
    pub(super) interrupted: bool,
}

impl Conclusion<'_> {
    /// Returns what comes of a run that ends now. `ran` is what was done: of a search, the plan of the trial that is
    /// reported.
    pub(super) fn outcome(
        mut self,
        ran: &Plan,
        finished: &Finished,
        search: Option<SearchSection>,
    ) -> Outcome {
        self.environment.end();
        let moment = if finished.interrupted {
            Moment::Underway
        } else {
            Moment::Done
        };
        let record = &finished.record;
        let thresholds = self
            .watch
            .conclude(record.observed(), record.window(), moment);
        let mut notes = notes(finished);
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
                name: self.plan.name.clone(),
                seed: self.plan.seed,
                fingerprint: self.plan.fingerprint(),
                resolved: serde_json::to_value(self.plan).unwrap_or_default(),
                found: finished.found.iter().map(found).collect(),
            },
            target: headers(finished),
            interrupted: self.interrupted,
            thresholds,
            search,
            generator: self.generator(ran, finished),
            environment: self.environment,
            open_model: ran.loads.iter().any(|load| load.executor.is_open()),
            probe: finished
                .probe
                .clone()
                .zip(ran.probe.as_ref().map(|probe| probe.every)),
            opened: finished.opened,
            stage_lengths: stage_lengths(ran),
            period_durations: period_durations(finished),
            notes,
        };
        let telemetry = finished.telemetry.as_ref();
        let mut document = Document {
            replays: replays(ran, finished),
            ..Document::new(record, facts)
        };
        if let Some(telemetry) = telemetry {
            document.set_telemetry(telemetry.telemetry(record.time_series().window_seconds()));
        }
        document.set_hooks(finished.hooks.clone());
        if let Some(it) = &finished.upstream {
            let upstream = UpstreamSection::new(it.url.clone(), it.requests, &it.fetches);
            document.set_upstream(upstream);
        }
        audited::add_flickers(&mut document, &finished.flickers);
        if let Some(audited) = &finished.audited {
            document.add_audit(audited::section(audited, document.environment.clock));
        }
        Outcome {
            document,
            panics: finished.panics,
            handed: None,
        }
    }

    /// Returns how the generator did, held against what this machine has reached before.
    fn generator(&self, ran: &Plan, finished: &Finished) -> GeneratorSection {
        let ran = seen(ran, finished, self.ceiling, &self.environment);
        GeneratorSection {
            health: ran.health(),
            ceiling_share: ran.ceiling_share,
            pacer_lag: finished.pacer_lag.clone(),
            signals: finished.signals.clone(),
        }
    }
}

/// Returns the document of what a shard should have started and did not, beside one of the same run.
pub(super) fn owed(
    plan: &Plan,
    watch: &Watch,
    record: &Record,
    like: &Document,
    at: Instant,
) -> Document {
    let facts = Facts {
        plan: like.plan.clone(),
        target: like.target.clone(),
        environment: Environment {
            host: None,
            ..like.environment.clone()
        },
        interrupted: false,
        open_model: like.open_model,
        thresholds: watch.conclude(record.observed(), record.window(), Moment::Done),
        generator: GeneratorSection {
            // How lost shards weigh is judged when all are known.
            health: Health {
                reasons: Vec::new(),
                not_judged: Vec::new(),
                target_host: like.generator.health.target_host,
            },
            ceiling_share: None,
            pacer_lag: LatencyHistogram::new(),
            signals: Signals::default(),
        },
        search: None,
        probe: None,
        opened: at,
        stage_lengths: stage_lengths(plan),
        period_durations: BTreeMap::new(),
        notes: Vec::new(),
    };
    Document::new(record, facts)
}

/// Returns the replays of a run, each held against its trace.
fn replays(plan: &Plan, finished: &Finished) -> Vec<ReplaySection> {
    let sections = finished.replays.iter().filter_map(|it| {
        let load = &plan.loads[it.load];
        let journey = &plan.journeys[load.mix.first()?.journey];
        let Action::Replay(replay) = &journey.action else {
            return None;
        };
        let recorded = load.executor.recorded_length();
        let length = if load.executor.is_open() {
            recorded
        } else {
            finished.record.window()
        };
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mut section = ReplaySection {
            load: load.name.clone(),
            speed: load.executor.speed(),
            is_closed: !load.executor.is_open(),
            left_out: replay.sessions.left_out().all(),
            is_scaled: replay.max_blob.is_some() || replay.slice().scaled(1 << 20) != 1 << 20,
            recorded_us: micros(recorded),
            length_us: micros(length),
            recorded: it.recorded.clone(),
            replayed: it.replayed.clone(),
            differences: Vec::new(),
        };
        section.judge();
        Some(section)
    });
    sections.collect()
}

/// Returns what the health of the generator depends on.
pub(super) fn seen<'a>(
    plan: &'a Plan,
    finished: &'a Finished,
    ceiling: Option<&Ceiling>,
    environment: &Environment,
) -> Ran<'a> {
    let record = &finished.record;
    let ceiling = ceiling.filter(|it| it.fits(environment));
    Ran {
        plan,
        record,
        pacer_lag: &finished.pacer_lag,
        signals: &finished.signals,
        ceiling_share: ceiling.map(|it| it.share(&demand(plan, record))),
        target_host: target_host(&finished.target.base),
        ended_early: finished.interrupted,
    }
}

/// Returns what a reader has to know beside the numbers.
fn notes(finished: &Finished) -> Vec<String> {
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
    notes
}

/// Returns a note on the responses of the embedded registry that nobody saw, if it sent more than `seen`.
pub(super) fn broken_off(sent: u64, seen: u64) -> Option<String> {
    (sent != seen).then(|| {
        format!(
            "the embedded registry sent {sent} responses, of which the run received {seen}: the rest was broken off",
        )
    })
}

/// Returns how many responses the users of a load and its probe received, with those outside of the load that are in its record.
pub(super) fn responses_seen(finished: &Finished) -> u64 {
    responses(&finished.record) + finished.probe.as_ref().map_or(0, responses)
}

fn found(images: &FoundImages) -> FoundSection {
    FoundSection {
        set: images.set.clone(),
        images: images.images as u64,
        repositories: images.repositories as u64,
        digest: images.digest,
    }
}

/// Returns the headers by which the target names itself.
fn headers(finished: &Finished) -> TargetHeaders {
    let header = |name: &str| {
        let mut headers = finished.target.headers.iter();
        let found = headers.find(|(it, _)| it == name);
        found.map(|(_, value)| value.clone())
    };
    TargetHeaders {
        server: header("server"),
        docker_distribution_api_version: header("docker-distribution-api-version"),
    }
}

/// Returns how long each period outside the measured window took.
fn period_durations(finished: &Finished) -> BTreeMap<Period, Duration> {
    let mut durations = BTreeMap::from([(Period::WarmUp, finished.warm_up_time)]);
    if let Some(around) = &finished.around {
        durations.insert(Period::Prepare, around.prepare_time);
        durations.insert(Period::CleanUp, around.clean_up_time);
    }
    if let Some(audited) = &finished.audited {
        durations.insert(Period::Audit, audited.time);
    }
    durations
}

/// Returns how long the stages of loads are, where that is set.
fn stage_lengths(plan: &Plan) -> BTreeMap<(String, String), Duration> {
    let set = |load: &&Load| matches!(load.executor.length(), Length::Set(_));
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

/// Counts the exchanges to which a response came, over all periods.
pub(super) fn responses(record: &Record) -> u64 {
    let measured = record
        .tracks()
        .flat_map(|(track, _, _)| record.track_operations(track))
        .flat_map(|(_, series)| series.counts.statuses.iter());
    let outside = Period::ALL
        .into_iter()
        .filter(|period| *period != Period::Measure)
        .flat_map(|period| record.tally(period).operations())
        .flat_map(|(_, tally)| tally.statuses.iter());
    measured.chain(outside).map(|(_, count)| count).sum()
}

/// Returns what the run came to, in the terms of a ceiling.
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
        let verify = journey.map_or(Verify::None, |journey| journey.action.verify());
        for (_, series) in record.track_operations(track) {
            let bytes = series.counts.bytes_within_window;
            demand.requests_per_s += float(series.counts.within_window) / window;
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

/// Returns whether the target is on this machine. Names are not resolved: only an address that is surely here counts.
fn target_host(base: &str) -> TargetHost {
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
