//! Shards of one run: together they send what one process would send, whatever their number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use regstorm::embedded::Settings;
use regstorm::engine::{self, Error, Finished, RunPart, Setup, Stock};
use regstorm::measure::{Period, Record};
use regstorm::oci::Operation;
use regstorm::plan::Plan;
use regstorm::schedule::Shard;
use tokio::time::Instant;

use crate::support::{patiently, plan, registry};

/// Every executor at once, with several clients in a journey. Nothing goes in parallel within an iteration, so that the order of its requests is known. Closed users keep a pace: without one, how often they start over depends on the machine.
const SCENARIO: &str = r#"
name = "shards"
seed = 7

[target]
url = "http://127.0.0.1:1"
trace = 1.0

[images.web]
source = "synthetic"
count = 30
layers = 2
layer_size = "1KiB"

[journey.pull]
action = "pull"
images = "web"
client = { docker = 3, containerd = 7 }
pick = { zipf = 0.9 }
parallel = 1

[journey.turns]
action = "pull"
images = "web"
parallel = 1

[journey.push]
action = "push"
images = "web"
client = { docker = 3, containerd = 7 }
unique = true
parallel = 1

[[load]]
name = "vus"
mix = { pull = 2, turns = 1 }
executor = "constant-vus"
vus = 7
pacing = "PACE"
duration = "LONG"

[[load]]
name = "ramp"
journey = "turns"
executor = "ramping-vus"
start_vus = 1
pacing = "PACE"
stages = [{ duration = "HALF", target = 6 }, { duration = "HALF", target = 2 }]

[[load]]
name = "each"
mix = { pull = 1, push = 1 }
executor = "per-vu-iterations"
vus = 4
iterations = 3

[[load]]
name = "shared"
mix = { turns = 3, push = 1 }
executor = "shared-iterations"
vus = 3
iterations = 22

[[load]]
name = "rate"
mix = { pull = 3, push = 1 }
executor = "constant-arrival-rate"
rate = MANY
arrival = "poisson"
max_vus = 120
duration = "LONG"

[[load]]
name = "few"
journey = "turns"
executor = "constant-arrival-rate"
rate = FEW
max_vus = 4
duration = "LONG"

[[load]]
name = "line"
journey = "pull"
executor = "ramping-arrival-rate"
start_rate = FEW
max_vus = 120
stages = [{ duration = "LONG", target = MANY }]

[[load]]
name = "at-once"
journey = "pull"
executor = "at-once"
vus = 9
within = "HALF"
"#;

/// The number of the run: the same for all, so that the same iteration has the same content and the same trace.
const RUN: u64 = 11;

/// What a request was: its trace, which follows from its iteration and its place in it; the client, method and path.
type Sent = (String, String, String, String);

/// What came of a run in shards.
struct Ran {
    sent: BTreeMap<Sent, u32>,
    finished: Vec<Finished>,
}

#[test]
fn shards_together_send_what_one_process_sends() {
    patiently(Duration::from_millis(400), |pace| {
        let of = |shards| run(pace, shards);
        let whole = of(1);
        fit(&whole)?;
        for shards in [2, 3, 5] {
            let parts = of(shards);
            fit(&parts)?;
            if parts.sent != whole.sent {
                return Err(format!("{shards} shards: {}", difference(&whole, &parts)));
            }
        }
        // Nothing would be equal to nothing.
        let count: u32 = whole.sent.values().sum();
        assert!(count > 500, "{count} requests"); // some 130 iterations
        let agents: BTreeSet<&str> = whole.sent.keys().map(|it| it.1.as_str()).collect();
        let of = |client: &str| agents.iter().any(|it| it.starts_with(client));
        assert!(of("docker/") && of("containerd/"), "{agents:?}");
        Ok(())
    });
}

/// How many iterations of a run were scheduled and dropped, by load, stage, journey and client.
type Scheduled = BTreeMap<[String; 4], (u64, u64)>;

/// Returns that of the loads whose iterations the plan tells: how often closed users start over, it does not.
fn scheduled(record: &Record) -> Scheduled {
    let known = record
        .tracks()
        .filter(|(_, track, _)| !["vus", "ramp"].contains(&track.load.as_str()));
    let counted = known.map(|(id, track, series)| {
        let client = track.client.clone().unwrap_or_default();
        let key = [
            track.load.clone(),
            track.stage.clone(),
            record.journey_name(id).to_owned(),
            client,
        ];
        let starts = series.counts.starts;
        (key, (starts.scheduled, starts.dropped))
    });
    counted.collect()
}

#[test]
fn what_a_lost_shard_owes_is_what_it_would_have_started() {
    patiently(Duration::from_millis(400), |pace| {
        for shards in [1, 3] {
            let ran = run(pace, shards);
            fit(&ran)?;
            for (index, finished) in (0..).zip(&ran.finished) {
                let shard = Shard::new(index, shards).expect("a shard");
                let plan = plan(&scenario(pace), "http://127.0.0.1:1", 1);
                let window = finished.record.window();
                let lost = engine::lost(&plan, &[], shard, (Duration::ZERO, None), window);
                assert!(lost.check().holds());
                assert_eq!(lost.window(), window);
                let started = scheduled(&finished.record);
                let several = started
                    .iter()
                    .filter(|(key, count)| !key[3].is_empty() && count.0 > 0);
                assert!(several.count() > 3, "{started:?}");
                let owed: Scheduled = started
                    .iter()
                    .map(|(key, count)| (key.clone(), (count.0, count.0)))
                    .collect();
                assert_eq!(scheduled(&lost), owed, "shard {index} of {shards}");
            }
        }
        Ok(())
    });
}

/// Nothing was dropped or cut: the machine kept up, and the schedule alone decides what was sent.
fn fit(ran: &Ran) -> Result<(), String> {
    for finished in &ran.finished {
        let closure = finished.record.check();
        assert!(
            closure.holds(),
            "{:?}",
            closure.broken().collect::<Vec<_>>()
        );
        assert_eq!(finished.panics, 0);
        let totals = finished.record.totals(Period::Measure);
        let (starts, iterations) = (totals.starts, totals.iterations);
        if iterations.ok != starts.scheduled {
            return Err(format!("{starts:?} {iterations:?}"));
        }
    }
    Ok(())
}

fn difference(whole: &Ran, parts: &Ran) -> String {
    let missing = whole.sent.keys().filter(|it| !parts.sent.contains_key(*it));
    let more = parts.sent.keys().filter(|it| !whole.sent.contains_key(*it));
    format!(
        "missing {:?}; more {:?}",
        missing.take(3).collect::<Vec<_>>(),
        more.take(3).collect::<Vec<_>>()
    )
}

/// The slower the machine, the slower the load: as many iterations, over a longer time.
fn scenario(pace: Duration) -> String {
    let rate = |iterations: f64| (iterations / (4.0 * pace.as_secs_f64())).to_string();
    SCENARIO
        .replace("MANY", &rate(60.0))
        .replace("FEW", &rate(14.0))
        .replace("PACE", &format!("{}ms", pace.as_millis()))
        .replace("LONG", &format!("{}ms", 4 * pace.as_millis()))
        .replace("HALF", &format!("{}ms", 2 * pace.as_millis()))
}

fn run(pace: Duration, shards: u32) -> Ran {
    let registry = registry(Settings {
        record_requests: Some(100_000),
        ..Settings::default()
    });
    let text = scenario(pace);
    let meeting = Arc::new(Meeting::of(shards));
    let running: Vec<_> = (0..shards)
        .map(|index| {
            // As on machines that are not alike.
            let workers = 1 + index as usize % 3;
            let plan = Arc::new(plan(&text, &registry.url(), workers));
            let shard = Shard::new(index, shards).expect("a shard");
            let meeting = Arc::clone(&meeting);
            thread::spawn(move || load(&plan, shard, &meeting))
        })
        .collect();
    let finished = running
        .into_iter()
        .map(|it| it.join().expect("no panic"))
        .collect();
    let mut sent = BTreeMap::new();
    for request in registry.requests() {
        let Some(trace) = request.header("traceparent") else {
            continue;
        };
        // An upload has an address that the registry draws.
        let path = request.target.split("/uploads/").next().unwrap_or_default();
        let client = request.header("user-agent").unwrap_or_default();
        let key = (
            trace.to_owned(),
            client.to_owned(),
            request.method.to_string(),
            path.to_owned(),
        );
        *sent.entry(key).or_default() += 1;
    }
    Ran { sent, finished }
}

/// Where the shards of a test wait for each other.
struct Meeting {
    here: Barrier,
    start: OnceLock<Instant>,
}

impl Meeting {
    fn of(shards: u32) -> Self {
        Self {
            here: Barrier::new(shards as usize),
            start: OnceLock::new(),
        }
    }

    /// Waits until all are ready, and returns the instant at which all start.
    fn start(&self) -> Instant {
        self.here.wait();
        *self.start.get_or_init(engine::soon)
    }
}

fn load(plan: &Arc<Plan>, shard: Shard, meeting: &Meeting) -> Finished {
    let (_stopper, stop) = engine::stop();
    let stock = Stock::prepare(plan).expect("images");
    let part = RunPart { id: RUN, shard };
    let setup = Setup::new(plan, &stock, part, Vec::new()).expect("a target");
    let prepare = || {
        let prepared = setup.prepare(Duration::ZERO, &stop, &mut |_| {});
        prepared.expect("a target that responds")
    };
    let first = shard.is_first().then(prepare);
    meeting.here.wait();
    let mut target = first.unwrap_or_else(prepare);
    let mut gate = || Ok::<_, Error>(meeting.start());
    let finished = target.load_from((plan, 0), &mut gate, &stop, &mut |_| {});
    let mut finished = finished.expect("a load");
    target.settle(&mut finished);
    finished
}

/// Open loads, each of images of its own, so that the registry's log tells them apart.
const OPEN: &str = r#"
name = "instants"
seed = 7

[target]
url = "http://127.0.0.1:1"

[images.steady]
source = "synthetic"
count = 1
layers = 1
layer_size = "100B"

[images.rising]
source = "synthetic"
count = 1
layers = 1
layer_size = "100B"

[images.once]
source = "synthetic"
count = 1
layers = 1
layer_size = "100B"

[journey.steady]
action = "pull"
images = "steady"

[journey.rising]
action = "pull"
images = "rising"

[journey.once]
action = "pull"
images = "once"

[[load]]
journey = "steady"
executor = "constant-arrival-rate"
rate = 40
max_vus = 90
duration = "2s"

[[load]]
journey = "rising"
executor = "ramping-arrival-rate"
start_rate = 0
max_vus = 90
stages = [{ duration = "2s", target = 50 }]

[[load]]
journey = "once"
executor = "at-once"
vus = 25
within = "2s"
"#;

/// Each arrival reaches the registry when it is due, and later by no more than its shard has measured: never earlier.
#[test]
fn arrivals_of_all_shards_are_those_of_the_schedule() {
    // By hand: evenly 25 ms apart; where the area under the rate, 12.5 t², reaches the number; and 80 ms apart.
    let steady: Vec<f64> = (0..80).map(|it| f64::from(it) * 0.025).collect();
    let rising: Vec<f64> = (0..50).map(|it| (f64::from(it) / 12.5).sqrt()).collect();
    let once: Vec<f64> = (0..25).map(|it| f64::from(it) * 0.08).collect();
    for shards in [1, 2, 3, 5] {
        let registry = registry(Settings {
            record_requests: Some(10_000),
            ..Settings::default()
        });
        let meeting = Meeting::of(shards);
        let finished: Vec<Finished> = thread::scope(|scope| {
            let meeting = &meeting;
            let running: Vec<_> = (0..shards)
                .map(|index| {
                    let plan = Arc::new(plan(OPEN, &registry.url(), 1 + index as usize % 2));
                    let shard = Shard::new(index, shards).expect("a shard");
                    scope.spawn(move || load(&plan, shard, meeting))
                })
                .collect();
            let ended = running.into_iter();
            ended.map(|it| it.join().expect("no panic")).collect()
        });
        let start = meeting.start.get().expect("they have started");
        let since = start.duration_since(registry.began());
        for (name, due) in [("steady", &steady), ("rising", &rising), ("once", &once)] {
            let longest = finished.iter().filter_map(|it| {
                let mut journeys = it.record.journeys();
                let (_, _, series) = journeys.find(|it| it.1 == name).expect("a journey");
                series.latencies.response_time.max()
            });
            let longest = longest.max().expect("each is pulled");
            let mut arrived: Vec<f64> = registry
                .requests()
                .iter()
                .filter(|it| it.operation == Some(Operation::ManifestGet))
                .filter(|it| it.target.contains(name))
                .map(|it| it.arrived.as_secs_f64() - since.as_secs_f64())
                .collect();
            arrived.sort_by(f64::total_cmp);
            assert_eq!(arrived.len(), due.len(), "{shards} shards, {name}");
            for (number, (arrived, due)) in arrived.iter().zip(due).enumerate() {
                // Instants of schedules are whole nanoseconds.
                let lag = arrived - due + 1e-9;
                let within = 0.0..=longest.as_secs_f64();
                assert!(
                    within.contains(&lag),
                    "{shards} shards, {name} {number}: {lag} of {longest:?}"
                );
            }
        }
    }
}
