//! Shards of one run: what they add up to is what one run would have counted, and what is no shard is refused.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

use proptest::prelude::*;
use regstorm::embedded::{Running, Settings};
use regstorm::engine;
use regstorm::exchange::{ConnectionUse, Protocol, Timings};
use regstorm::health::{Health, Signals, TargetHost};
use regstorm::measure::{
    BY_EXCHANGE, DropCause, DropReason, DroppedStart, ExchangeSample, FailureClass, FailureExample,
    Identity, IterationFailure, IterationSample, LatencyHistogram, Live, Observed, Outcome, Period,
    Record, Recorder, Spent, TrackId,
};
use regstorm::oci::Operation;
use regstorm::plan::Plan;
use regstorm::result::{
    Document, Environment, Facts, GeneratorSection, PlanSection, RunVerdict, ShardPart,
    TargetHeaders, WallClock,
};
use regstorm::schedule::Span;
use regstorm::units::Quantile;
use regstorm::verdict::{Moment, Reason, Status, Watch};

use crate::support::registry;

mod late;
mod missing;
mod prepared;
mod target_side;

/// Runs of these tests share a clock and begin at one moment.
static CLOCK: LazyLock<WallClock> = LazyLock::new(WallClock::default);
static OPENED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// No user was free, because the target kept them.
const NO_VU: DroppedStart = DroppedStart {
    reason: DropReason::NoVu,
    cause: DropCause::Target,
};

const WINDOW: Duration = Duration::from_secs(40);

/// Every quantity, and what narrows a threshold down.
const THRESHOLDS: [&[&str]; 9] = [
    &["metric = \"pull.response_time\"", "expect = \"p(90) < 2s\""],
    &[
        "metric = \"pull.service_time\"",
        "expect = \"avg < 1500ms\"",
        "from = \"10s\"",
    ],
    &[
        "metric = \"blob-get.total\"",
        "expect = \"max < 3s\"",
        "until = \"30s\"",
    ],
    &[
        "metric = \"manifest-get.first-byte\"",
        "expect = \"med > 100ms\"",
        "min_samples = 5",
    ],
    &["metric = \"errors\"", "expect = \"rate < 30%\""],
    &["metric = \"requests\"", "expect = \"count >= 20\""],
    &["metric = \"pull.dropped\"", "expect = \"rate < 20%\""],
    &["metric = \"pull.iterations\"", "expect = \"rate > 0.5\""],
    &[
        "metric = \"blob-get.bytes_received\"",
        "expect = \"rate > 100B/s\"",
    ],
];

fn watch(plan: &Plan) -> Watch {
    Watch::new(plan, |_| Some(Span::WINDOW))
}

/// What a worker is told: what became of an iteration that was due, and of two exchanges that it made.
#[derive(Debug, Clone)]
struct Event {
    shard: usize,
    track: usize,
    outcome: Option<Outcome>,
    due_ms: u64,
    took_ms: u64,
}

fn end_of(event: &Event) -> u64 {
    event.due_ms + event.took_ms
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        6 => Just(Some(Outcome::Ok)),
        1 => Just(Some(Outcome::Failed(FailureClass::Status))),
        1 => Just(Some(Outcome::Failed(FailureClass::Timeout))),
        1 => Just(Some(Outcome::Cancelled)),
        1 => Just(None),
    ];
    (0..3_usize, 0..2_usize, outcome, 0..40_000_u64, 1..4_000_u64).prop_map(
        |(shard, track, outcome, due_ms, took_ms)| Event {
            shard,
            track,
            outcome,
            due_ms,
            took_ms,
        },
    )
}

fn play(recorder: &mut Recorder, track: TrackId, event: &Event) {
    let due = Duration::from_millis(event.due_ms);
    let took = Duration::from_millis(event.took_ms);
    recorder.scheduled(track, Period::Measure, due);
    let Some(outcome) = event.outcome else {
        recorder.dropped(track, Period::Measure, due, NO_VU);
        return;
    };
    recorder.started(track, Period::Measure, due);
    for operation in [Operation::ManifestGet, Operation::BlobGet] {
        let sample = ExchangeSample {
            track,
            operation,
            period: Period::Measure,
            due,
            finished: due + took,
            timings: Timings {
                first_byte: Some(took / 3),
                total: took / 2,
                ..Timings::default()
            },
            connection: ConnectionUse::Reused,
            protocol: Some(Protocol::Http1),
            handshake: None,
            sent: 3,
            received: event.took_ms,
            status: Some(200),
            outcome,
        };
        recorder.exchange(&sample);
        if recorder.is_slow(&sample) {
            let identity = Identity {
                when: *OPENED + due + took,
                host: &"registry:5000",
                path: &format!("/v2/app/{due:?}"),
                request_id: None,
                trace: None,
            };
            recorder.keep_slow(&sample, &identity);
        }
        if let Outcome::Failed(class) = outcome {
            recorder.failure_example(&FailureExample {
                track,
                period: Period::Measure,
                operation,
                class,
                status: Some(200),
                code: None,
                at: due + took,
                when: *OPENED + due + took,
                asked: None,
                request_id: None,
                trace: None,
                text: &"an example",
            });
        }
        recorder.transport_bytes(3, event.took_ms);
    }
    recorder.iteration(&IterationSample {
        track,
        period: Period::Measure,
        scheduled: due,
        started: due + took / 10,
        finished: due + took,
        sent: 6,
        received: 2 * event.took_ms,
        spent: Spent::at_rest(took.saturating_sub(took / 10)),
        outcome,
    });
    if let Outcome::Failed(class) = outcome {
        recorder.iteration_failure(&IterationFailure {
            track,
            period: Period::Measure,
            class,
            cause: BY_EXCHANGE,
            at: due + took,
            when: *OPENED + due + took,
            text: &"an example",
        });
    }
}

fn document(plan: &Plan, record: &Record, host: &str) -> Document {
    let thresholds = watch(plan).conclude(record.observed(), record.window(), Moment::Done);
    let environment = Environment {
        host: Some(host.into()),
        kernel: None,
        cpu_model: None,
        cores: 2,
        memory_bytes: None,
        labels: BTreeMap::new(),
        ci: BTreeMap::new(),
        started: "2026-01-02T03:04:05.000Z".into(),
        ended: "2026-01-02T03:04:45.000Z".into(),
        clock: *CLOCK,
    };
    let facts = Facts {
        plan: PlanSection {
            name: plan.name.clone(),
            seed: plan.seed,
            fingerprint: plan.fingerprint(),
            resolved: serde_json::to_value(plan).expect("text"),
            found: Vec::new(),
        },
        environment,
        target: TargetHeaders::default(),
        interrupted: false,
        open_model: true,
        thresholds,
        generator: GeneratorSection {
            health: Health {
                reasons: Vec::new(),
                not_judged: Vec::new(),
                target_host: TargetHost::Other,
            },
            ceiling_share: None,
            pacer_lag: LatencyHistogram::new(),
            signals: Signals::default(),
        },
        search: None,
        probe: None,
        opened: *OPENED,
        stage_lengths: BTreeMap::new(),
        period_durations: BTreeMap::new(),
        notes: Vec::new(),
    };
    let written = Document::new(record, facts).to_json();
    serde_json::from_str(&written).expect("a report")
}

/// The document of one of several shards.
fn shard(plan: &Plan, record: &Record, host: &str, (index, count): (u32, u32)) -> Document {
    Document {
        shard: Some(ShardPart {
            index,
            count,
            run: "5eed5eed5eed5eed".to_owned(),
            from: "--shard".to_owned(),
            lost: false,
            clock: None,
        }),
        ..document(plan, record, host)
    }
}

/// The records of so many shards, and of one that was told everything.
fn records(plan: &Plan, shards: usize, events: &[Event]) -> (Vec<Record>, Record) {
    let catalogue = engine::catalogue(plan);
    let views = watch(plan).views(&catalogue);
    let tracks: Vec<TrackId> = catalogue.tracks().map(|(id, _)| id).collect();
    let new = || Recorder::new(&catalogue, &views, WINDOW);
    let mut parts: Vec<Recorder> = (0..shards).map(|_| new()).collect();
    let mut whole = new();
    for event in events {
        let track = tracks[event.track % tracks.len()];
        play(&mut parts[event.shard % shards], track, event);
        play(&mut whole, track, event);
    }
    let parts = parts.into_iter().map(Recorder::into_record);
    (parts.collect(), whole.into_record())
}

/// Histograms are shown as what they are stored as, and not by their 23,552 counts.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("text")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Histograms, time series, windows of latencies, totals, rates, thresholds with their evidence, the verdict.
    #[test]
    fn shards_add_up_to_the_run_that_was_not_divided(
        shards in 2..=3_usize,
        events in prop::collection::vec(event(), 0..60),
    ) {
        // A recorder is told of what ends as it ends, and of two examples of one kind the earlier is kept.
        let mut events = events;
        events.sort_by_key(end_of);
        events.dedup_by_key(|it| end_of(it));
        let plan = crate::thresholds::plan(&THRESHOLDS);
        let (parts, whole) = records(&plan, shards, &events);
        let mut whole = document(&plan, &whole, "host 0");
        let of = u32::try_from(shards).unwrap();
        let parts = (0..of).zip(&parts);
        let mut parts =
            parts.map(|(index, it)| shard(&plan, it, &format!("host {index}"), (index, of)));
        let mut merged = parts.next().unwrap();
        for part in parts {
            merged.merge(part).unwrap();
        }
        prop_assert_eq!(merged.missing_shards(), Vec::<u32>::new());
        prop_assert!(merged.closure.holds(), "{:?}", merged.closure);
        for sum in &whole.closure.sums {
            prop_assert!(merged.closure.sums.contains(sum), "{:?}", sum);
        }
        for (mine, theirs) in merged.thresholds.iter().zip(&whole.thresholds) {
            prop_assert_eq!(text(mine), text(theirs));
        }
        for (mine, theirs) in merged.latency_series.iter().zip(&whole.latency_series) {
            prop_assert_eq!(text(mine), text(theirs));
        }
        prop_assert_eq!(merged.notes.len(), usize::from(shards > 1));
        whole.closure = merged.closure.clone();
        whole.notes.clone_from(&merged.notes);
        whole.shards.clone_from(&merged.shards);
        prop_assert!(merged == whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// What shards tell of a run that goes on, at any moment of it: counts, percentiles, and what thresholds are judged by.
    #[test]
    fn what_shards_tell_adds_up_to_what_one_would_tell(
        shards in 1..=5_usize,
        events in prop::collection::vec(event(), 0..60),
        until in 0..=60_usize,
    ) {
        let plan = crate::thresholds::plan(&THRESHOLDS);
        let catalogue = engine::catalogue(&plan);
        let views = watch(&plan).views(&catalogue);
        let tracks: Vec<TrackId> = catalogue.tracks().map(|(id, _)| id).collect();
        let new = || Recorder::new(&catalogue, &views, WINDOW);
        let mut parts: Vec<Recorder> = (0..shards).map(|_| new()).collect();
        let mut whole = new();
        for (number, event) in events.iter().take(until).enumerate() {
            let track = tracks[event.track % tracks.len()];
            play(&mut parts[number % shards], track, event);
            play(&mut whole, track, event);
        }
        let (mut live, mut observed) = (Live::new(), vec![Observed::default(); views.len()]);
        for part in &parts {
            // As it goes from one process to the other.
            let heard: Live = serde_json::from_str(&text(&part.live())).unwrap();
            live.merge(&heard);
            let heard: Vec<Observed> = serde_json::from_str(&text(&part.observed())).unwrap();
            prop_assert_eq!(heard.len(), observed.len());
            for (mine, theirs) in observed.iter_mut().zip(&heard) {
                mine.merge(theirs);
            }
        }
        prop_assert!(live == whole.live(), "{} {}", text(&live), text(&whole.live()));
        prop_assert!(observed == whole.observed());
        // Not equal for being empty: by hand, what took how long.
        let ok = |it: &&Event| it.outcome == Some(Outcome::Ok);
        let told = events.iter().take(until);
        let mut took: Vec<u64> = told.filter(ok).map(|it| it.took_ms * 1_000).collect();
        took.sort_unstable();
        prop_assert_eq!(live.response_times(), took.len() as u64);
        // Of fewer samples a percentile is not told.
        for (share, quantile, least) in [(50, Quantile::P50, 2), (90, Quantile::P90, 10)] {
            let rank = (took.len() * share).div_ceil(100).max(1) - 1;
            let seen = live.response_time(quantile).map(|it| it.as_micros());
            let wanted = took.get(rank).filter(|_| took.len() >= least);
            let wanted = wanted.map(|it| u128::from(*it));
            let close = |seen: u128, wanted: u128| seen >= wanted && seen <= wanted + wanted / 64 + 1;
            prop_assert!(match (seen, wanted) {
                (Some(seen), Some(wanted)) => close(seen, wanted),
                (seen, wanted) => seen == wanted,
            }, "{seen:?} {wanted:?}");
        }
    }
}

/// Ten pulls of 1 s in one shard and ninety of 3 s in the other: together 10% are fast.
#[test]
fn a_percentile_of_two_shards_is_that_of_neither() {
    let plan = crate::thresholds::plan(&[&[
        "metric = \"pull.response_time\"",
        "expect = \"p(50) < 2s\"",
        "min_samples = 20",
    ]]);
    let pull = |shard, took_ms, count| {
        let event = Event {
            shard,
            track: 0,
            outcome: Some(Outcome::Ok),
            due_ms: 0,
            took_ms,
        };
        vec![event; count]
    };
    let events = [pull(0, 1_000, 10), pull(1, 3_000, 90)].concat();
    let (parts, _) = records(&plan, 2, &events);
    let mut fast = shard(&plan, &parts[0], "alpha", (0, 2));
    let slow = shard(&plan, &parts[1], "beta", (1, 2));
    assert!(matches!(fast.thresholds[0].status, Status::Inconclusive(_)));
    assert_eq!(fast.verdict, RunVerdict::Inconclusive);
    fast.merge(slow).unwrap();
    let [merged] = &fast.thresholds[..] else {
        panic!("one threshold stays one");
    };
    assert_eq!((merged.status, merged.samples), (Status::Fail, 100));
    assert_eq!(merged.observed_text, "3.00 s");
    assert_eq!(fast.verdict, RunVerdict::Fail);
}

#[test]
fn a_threshold_that_ended_a_shard_stays_as_it_was() {
    let plan = crate::thresholds::plan(&[&["metric = \"pull.errors\"", "expect = \"rate < 30%\""]]);
    let event = |shard, outcome| Event {
        shard,
        track: 0,
        outcome: Some(outcome),
        due_ms: 0,
        took_ms: 1,
    };
    let failed = Outcome::Failed(FailureClass::Status);
    let mut events = vec![event(0, failed)];
    events.extend(vec![event(1, Outcome::Ok); 99]);
    let (parts, _) = records(&plan, 2, &events);
    for ended_first in [true, false] {
        let mut ended = shard(&plan, &parts[0], "alpha", (0, 2));
        ended.thresholds[0].ended_run = true;
        let other = shard(&plan, &parts[1], "beta", (1, 2));
        let (mut ours, theirs) = if ended_first {
            (ended, other)
        } else {
            (other, ended)
        };
        ours.merge(theirs).unwrap();
        // 1 of 100 is few, and yet one shard was ended by it.
        let result = &ours.thresholds[0];
        assert_eq!((result.status, result.samples), (Status::Fail, 1));
        assert!(result.ended_run);
        assert_eq!(ours.verdict, RunVerdict::Fail);
    }
}

#[test]
fn other_thresholds_do_not_merge() {
    let plan = |expect: &str| {
        let expect = format!("expect = \"{expect}\"");
        crate::thresholds::plan(&[&["metric = \"errors\"", &expect]])
    };
    let of = |plan: &Plan, host| {
        let index = u32::from(host == "b");
        shard(plan, &records(plan, 1, &[]).1, host, (index, 2))
    };
    let (ours, theirs) = (plan("rate < 1%"), plan("rate < 2%"));
    assert_eq!(ours.fingerprint(), theirs.fingerprint());
    let refused = of(&ours, "a")
        .merge(of(&theirs, "b"))
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("`errors rate < 1%` and `errors rate < 2%`"),
        "{refused}"
    );
    let none = crate::thresholds::plan(&[]);
    let refused = of(&none, "a")
        .merge(of(&theirs, "b"))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("none and `errors rate < 2%`"), "{refused}");
}

/// A directory with scenarios against one registry, and the program run in it.
struct Shards {
    dir: tempfile::TempDir,
    registry: Running,
}

impl Shards {
    /// `one.toml` and `other.toml`, which differ in how many pulls they ask for; half of them are not the 150 that a
    /// threshold wants.
    fn new() -> Self {
        let registry = registry(Settings::default());
        let dir = tempfile::tempdir().expect("a directory");
        for (name, iterations) in [("one.toml", 200), ("other.toml", 202)] {
            let text = format!(
                "name = \"test\"\n[target]\nurl = \"{}\"\n\
                 [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"\n\
                 [journey.pull]\naction = \"pull\"\nimages = \"web\"\nparallel = 1\n\
                 [[load]]\njourney = \"pull\"\nexecutor = \"shared-iterations\"\nvus = 4\npacing = \"20ms\"\niterations = {iterations}\n\
                 [[threshold]]\nmetric = \"pull.iterations\"\nexpect = \"count >= 150\"\n",
                registry.url()
            );
            std::fs::write(dir.path().join(name), text).expect("a file");
        }
        Self { dir, registry }
    }

    fn regstorm(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(arguments)
            .current_dir(self.dir.path())
            .env("XDG_STATE_HOME", self.dir.path())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_SHA", "c0ffee")
            .env("GITHUB_TOKEN", "ghs_secret")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// One shard, from its place and its start.
    fn run(&self, [scenario, report, shard]: [&str; 3], start: &str, more: &[&str]) -> Child {
        let run = [
            "run",
            scenario,
            "--out",
            report,
            "--quiet",
            "--label",
            "build=1.4.2",
            "--label",
            &format!("shard={}", &shard[..1]),
            "--shard",
            shard,
            "--start-at",
            start,
        ];
        self.regstorm(&[&run[..], more].concat())
    }

    fn load(&self, name: &str) -> Document {
        Document::load(&self.dir.path().join(name)).expect("a report")
    }

    /// Runs shards that start together, each with its scenario and report, as soon as the machine is ready in time for it.
    fn together(&self, runs: &[(&str, &str, &str)]) {
        self.together_with(runs, &[]);
    }

    /// The same with more options.
    fn together_with(&self, runs: &[(&str, &str, &str)], more: &[&str]) {
        for seconds in [2, 4, 8, 16, 32] {
            let start = since_1970() + seconds;
            let start = format!("@{start}");
            let runs = runs.iter();
            let children = runs.map(|(scenario, report, shard)| {
                let child = self.run([scenario, report, shard], &start, more);
                (*report, child)
            });
            let children: Vec<_> = children.collect();
            let ends = children
                .into_iter()
                .map(|(report, child)| (report, ended(child)));
            let ends: Vec<_> = ends.collect();
            // A shard has half of what the threshold wants, and does not judge it.
            if ends.iter().all(|(_, (code, _))| *code == Some(0)) {
                return;
            }
            let late = |(code, said): &(Option<i32>, String)| {
                *code == Some(5) && said.contains("too late: the shards start together")
            };
            for (report, end) in &ends {
                assert!(end.0 == Some(0) || late(end), "{report}: {end:?}");
            }
        }
        panic!("no shards were ready in time");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test says when shards start, as a script does"
)]
fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock").as_secs()
}

/// The exit code and everything that was said.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("text"))
}

#[test]
fn the_program_adds_up_shards() {
    let shards = Shards::new();
    shards.together(&[("one.toml", "0.json", "0/2"), ("one.toml", "1.json", "1/2")]);
    // Half of the load has half of the count that is expected of it.
    let one = shards.load("0.json");
    let part = Status::Inconclusive(Reason::OneShard);
    assert_eq!(one.thresholds[0].status, part);
    assert!(one.verdict == RunVerdict::Inconclusive || one.verdict == RunVerdict::Invalid);
    let one = one.environment;
    assert_eq!(one.labels["build"], "1.4.2");
    let ci = BTreeMap::from([("GITHUB_SHA".to_owned(), "c0ffee".to_owned())]);
    assert_eq!(one.ci, ci);
    let (code, said) = ended(shards.regstorm(&["merge", "0.json", "1.json", "--out", "all.json"]));
    let all = shards.load("all.json");
    // Two runs at once may be more than a small machine can do, and then that is what is said.
    let wanted = match all.verdict {
        RunVerdict::Invalid => 4,
        _ => 0,
    };
    assert_eq!(code, Some(wanted), "{said}");
    assert!(said.contains("labels      build=1.4.2\n"), "{said}");
    assert_eq!(all.totals.iterations.ok, 200);
    assert_eq!(all.thresholds.len(), 1);
    assert_eq!(all.thresholds[0].status, Status::Pass);
    assert!(all.closure.holds());
    let numbers: Vec<_> = all.shards.iter().map(|it| (it.index, it.ok)).collect();
    assert_eq!(numbers, [(0, 100), (1, 100)]);
    // The first one has put the image there, and leaves it to the others.
    let stored = shards.load("0.json").stored.expect("what it has seeded");
    assert_eq!(stored.seeded.len(), 1);
    assert_eq!(shards.load("1.json").stored, None);
    let clean_up = ["clean-up", "one.toml", "0.json", "1.json"];
    let (code, said) = ended(shards.regstorm(&clean_up));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("0.json: the scenario keeps what it stores"),
        "{said}"
    );
}

/// Two shards push, one of them what the other pulls; then all of it is deleted, and nothing else.
#[test]
fn what_shards_have_stored_is_deleted_by_their_reports() {
    let shards = Shards::new();
    let path = shards.dir.path().join("one.toml");
    let one = std::fs::read_to_string(&path).expect("text");
    let push = "[journey.push]\naction = \"push\"\nimages = \"web\"\nrepository = \"pushed\"\nunique = true\n";
    let mix = "mix = { pull = 1, push = 1 }\nexecutor";
    let one = one.replace(
        "[[load]]\njourney = \"pull\"\nexecutor",
        &format!("{push}[[load]]\n{mix}"),
    );
    let one = one.replace(
        "[images.web]",
        "[prepare]\nclean_up = \"all\"\n[images.web]",
    );
    std::fs::write(&path, one).expect("a file");
    shards.together(&[("one.toml", "0.json", "0/2"), ("one.toml", "1.json", "1/2")]);
    let manifests = |operation, status| {
        let counts = shards.registry.counts();
        let key = (Some(operation), status);
        counts.exchanges.get(&key).copied().unwrap_or(0)
    };
    // Shards that were not ready in time have left what they seeded to those that tried again.
    let reports = ["0.json", "1.json"].map(|it| shards.load(it));
    let pushed = reports.iter().flat_map(|it| &it.operations);
    let pushed = pushed.filter(|it| it.name == Operation::ManifestPut);
    let pushed: u64 = pushed.map(|it| it.counts.outcomes.ok).sum();
    assert!(pushed > 20, "{pushed}");
    let seeded = reports.iter().filter_map(|it| it.stored.as_ref());
    let seeded = seeded.flat_map(|it| &it.seeded);
    let seeded: usize = seeded.map(|it| it.manifests.len()).sum();
    let before = manifests(Operation::ManifestDelete, 202);
    let clean_up = ["clean-up", "one.toml", "0.json", "1.json"];
    let (code, said) = ended(shards.regstorm(&clean_up));
    assert_eq!(code, Some(0), "{said}");
    let deleted = manifests(Operation::ManifestDelete, 202) - before;
    assert_eq!(deleted, pushed + seeded as u64, "{said}");
    // Once more there is nothing left to delete.
    let (code, said) = ended(shards.regstorm(&clean_up));
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "deleted  0 manifests and blobs\n")
    );
    for (files, words) in [
        (
            ["other.toml", "0.json"],
            "0.json: it is of another scenario",
        ),
        (["one.toml", "none.json"], "none.json"),
    ] {
        let (code, said) = ended(shards.regstorm(&["clean-up", files[0], files[1]]));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn the_program_refuses_what_is_no_shard() {
    let shards = Shards::new();
    shards.together(&[("one.toml", "0.json", "0/3"), ("one.toml", "1.json", "1/3")]);
    shards.together(&[("one.toml", "later.json", "1/3")]);
    shards.together(&[("other.toml", "other.json", "1/3")]);
    let plain = shards.regstorm(&["run", "one.toml", "--out", "plain.json", "--quiet"]);
    let code = ended(plain).0;
    assert!(matches!(code, Some(0 | 4)), "{code:?}");
    std::fs::copy(
        shards.dir.path().join("0.json"),
        shards.dir.path().join("copy.json"),
    )
    .expect("a file");
    for (files, words) in [
        (
            ["0.json", "copy.json"],
            "0.json and copy.json do not merge: both are shard 0",
        ),
        (
            ["0.json", "later.json"],
            "0.json and later.json do not merge: they are shards of different runs",
        ),
        (
            ["other.json", "0.json"],
            "other.json and 0.json do not merge: the plans differ",
        ),
        (
            ["0.json", "plain.json"],
            "0.json and plain.json do not merge: the second is no shard",
        ),
        (["0.json", "1.json"], "the reports of shards 2 are missing"),
        (["0.json", "1.json"], "(--allow-lost 5% --scenario FILE)"),
        (["0.json", "one.toml"], "one.toml is not a report"),
    ] {
        let (code, said) =
            ended(shards.regstorm(&["merge", files[0], files[1], "--out", "no.json"]));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!shards.dir.path().join("no.json").exists());
    }
    for (file, words) in [
        ("0.json", "the reports of shards 1, 2 are missing"),
        ("plain.json", "plain.json is no report of a shard"),
    ] {
        let (code, said) = ended(shards.regstorm(&["merge", file, "--out", "no.json"]));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!shards.dir.path().join("no.json").exists());
    }
    let labelled = ["run", "one.toml", "--label", "a b=1"];
    let (code, said) = ended(shards.regstorm(&labelled));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("a key is 1 to 64 letters"), "{said}");
}

#[test]
fn what_cannot_be_shared_out_is_refused_before_anything_is_sent() {
    let shards = Shards::new();
    let write = |name: &str, text: &str| {
        std::fs::write(shards.dir.path().join(name), text).expect("a file");
    };
    let one = std::fs::read_to_string(shards.dir.path().join("one.toml")).expect("text");
    let url = one
        .lines()
        .find(|it| it.starts_with("url"))
        .expect("a line");
    write("embedded.toml", &one.replace(url, "url = \"embedded\""));
    let load = one.find("[[load]]").expect("a load");
    let search = "[[load]]\njourney = \"pull\"\nexecutor = \"capacity-search\"\nstart_rate = 1\nmax_rate = 9\nmax_vus = 9\n\
                  [[threshold]]\nmetric = \"pull.errors\"\nexpect = \"rate < 1%\"\n";
    write("search.toml", &format!("{}{search}", &one[..load]));
    let after = "[[load]]\nname = \"later\"\njourney = \"pull\"\nexecutor = \"constant-vus\"\nvus = 1\n\
                 duration = \"1s\"\nstart_after = \"first\"\n";
    let named = one.replace("[[load]]\n", "[[load]]\nname = \"first\"\n");
    write("after.toml", &format!("{named}{after}"));
    for (arguments, words) in [
        (
            vec!["embedded.toml", "--shard", "0/2", "--start-at", "@99"],
            "the target is the embedded registry",
        ),
        (
            vec!["search.toml", "--shard", "0/2", "--start-at", "@99"],
            "a capacity search has no shards",
        ),
        (
            vec!["after.toml", "--shard", "0/2", "--start-at", "@99"],
            "`later` starts after `first`",
        ),
        (
            vec!["one.toml", "--shard", "2/2", "--start-at", "@99"],
            "there is no shard 2 of 2",
        ),
        (
            vec!["one.toml", "--shard", "auto", "--start-at", "@99"],
            "no engine gave this process a number",
        ),
        (vec!["one.toml", "--shard", "0/2"], "--start-at"),
        (vec!["one.toml", "--start-at", "@99"], "--shard"),
        (
            vec!["one.toml", "--shard", "0/2", "--start-at", "soon"],
            "2026-05-04T12:00:00Z",
        ),
    ] {
        let run = ["run", "--out", "0.json"];
        let (code, said) = ended(shards.regstorm(&[&run[..], &arguments[..]].concat()));
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    for shard in ["0/2", "1/2"] {
        let late = ["run", "one.toml", "--shard", shard, "--start-at", "@99"];
        // Its report is all that comes of it.
        let (code, said) = ended(shards.regstorm(&late));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("--out"), "{said}");
        let late = [&late[..], &["--out", "0.json"]].concat();
        let (code, said) = ended(shards.regstorm(&late));
        assert_eq!(code, Some(5), "{said}");
        let words = "too late: the shards start together";
        assert!(said.contains(words), "{said}");
    }
    // Neither pinged nor seeded.
    assert!(shards.registry.counts().exchanges.is_empty());
}
