//! A run in shards as docker-registry logs it: together they send what one process sends, and send it when the schedule says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::{
    Flavour, Formatter, LoggedRequest, Registry, Release, Report, Running, Tally, closed_port,
    regstorm, scratch,
};

/// Every executor, each with a user agent of its own. The log has no header that numbers iterations, but their paths do: a push has
/// a repository for itself, which is named by the user or the load and by the number, and pulls take one image after the other, of
/// as many as there are arrivals. A session of the trace has a repository, too. How often users start over who have a time and no
/// pace, the plan does not say; so they keep one.
const SCENARIO: &str = r#"
name = "shards"
seed = 7

[target]
url = "URL"

[prepare]
clean_up = "all"

[images.web]
source = "synthetic"
count = 24
layers = 1
layer_size = "100B"

[images.app]
source = "synthetic"
count = 1
layers = 1
layer_size = "100B"

PUSHES

[journey.steady]
action = "pull"
images = "web"
user_agent = "load-steady"

[journey.line]
action = "pull"
images = "web"
user_agent = "load-line"

[journey.once]
action = "pull"
images = "web"
user_agent = "load-once"

[journey.day]
action = "replay"
trace = "day.trace"
user_agent = "load-day"

[[load]]
journey = "vus"
executor = "constant-vus"
vus = 3
pacing = "PACE"
duration = "LONG"

[[load]]
journey = "ramp"
executor = "ramping-vus"
start_vus = 1
pacing = "PACE"
stages = [{ duration = "HALF", target = 3 }, { duration = "HALF", target = 1 }]

[[load]]
journey = "each"
executor = "per-vu-iterations"
vus = 3
iterations = 2

[[load]]
journey = "shared"
executor = "shared-iterations"
vus = 2
iterations = 7

[[load]]
journey = "chance"
executor = "constant-arrival-rate"
arrival = "poisson"
rate = CHANCE
max_vus = 60
duration = "LONG"

[[load]]
journey = "steady"
executor = "constant-arrival-rate"
rate = STEADY
max_vus = 60
duration = "LONG"

[[load]]
journey = "line"
executor = "ramping-arrival-rate"
start_rate = 0
max_vus = 60
stages = [{ duration = "LONG", target = LINE }]

[[load]]
journey = "once"
executor = "at-once"
vus = 12
within = "HALF"

[[load]]
journey = "day"
executor = "replay"
speed = SPEED
max_vus = 60
"#;

/// The journeys that push.
const PUSHES: [&str; 5] = ["vus", "ramp", "each", "shared", "chance"];

/// Iterations that the plan determines, by journey.
const COUNTS: [(&str, usize); 7] = [
    ("vus", 12),
    ("each", 6),
    ("shared", 7),
    ("steady", 24),
    ("line", 20),
    ("once", 12),
    ("day", SESSIONS),
];

/// The sessions of the trace, in four seconds.
const SESSIONS: usize = 8;

fn scenario(url: &str, pace: Duration) -> String {
    let long = 4.0 * pace.as_secs_f64();
    let pushes = PUSHES.map(|it| {
        format!(
            "[journey.{it}]\naction = \"push\"\nimages = \"app\"\nrepository = \"pushed\"\nfresh_repository = true\nunique = false\n\
             user_agent = \"load-{it}\"\n"
        )
    });
    let time = |paces: u32| format!("{}ms", (paces * pace).as_millis());
    SCENARIO
        .replace("URL", url)
        .replace("PUSHES", &pushes.concat())
        .replace("PACE", &time(1))
        .replace("HALF", &time(2))
        .replace("LONG", &time(4))
        .replace("CHANCE", &(10.0 / long).to_string())
        .replace("STEADY", &(24.0 / long).to_string())
        .replace("LINE", &(40.0 / long).to_string())
        .replace("SPEED", &(4.0 / long).to_string())
}

/// When arrivals are due, in seconds since the load began, worked out by hand: evenly, where the area under the rate reaches their
/// number, and evenly within half of the time.
fn due(pace: Duration) -> [(&'static str, Vec<f64>); 3] {
    let long = 4.0 * pace.as_secs_f64();
    let of = |count: u32, at: &dyn Fn(f64) -> f64| (0..count).map(|it| at(f64::from(it))).collect();
    [
        ("steady", of(24, &|it| it / 24.0 * long)),
        ("line", of(20, &|it| (it / 20.0).sqrt() * long)),
        ("once", of(12, &|it| it / 12.0 * long / 2.0)),
    ]
}

/// A trace of sessions, each of a client and a repository of its own.
fn trace(dir: &Path) {
    let digest = format!("sha256:{}", "5".repeat(64));
    let lines = (0..SESSIONS).flat_map(|session| {
        let at = session * 4_000 / SESSIONS;
        let line = |millis: usize, path: &str, bytes: u64| {
            let at = at + millis;
            format!(
                "{{\"http.request.host\":\"lab\",\"http.request.id\":\"{session}-{millis}\",\"http.request.method\":\"GET\",\
                 \"http.request.remoteaddr\":\"10.0.0.{session}:1000\",\"http.request.uri\":\"/v2/lab/{session}/{path}\",\
                 \"http.request.useragent\":\"docker/20\",\"http.response.contenttype\":\"\",\"http.response.duration\":\"1ms\",\
                 \"http.response.status\":200,\"http.response.written\":{bytes},\"level\":\"info\",\
                 \"msg\":\"response completed\",\"time\":\"2026-11-30T12:00:{:02}.{:03}Z\"}}\n",
                at / 1_000,
                at % 1_000,
            )
        };
        [
            line(1, "manifests/1", 500),
            line(51, &format!("blobs/{digest}"), 300),
        ]
    });
    let [log, trace] = ["log", "day.trace"].map(|it| dir.join(it));
    fs::write(&log, lines.collect::<String>()).expect("a log");
    let import = regstorm(["trace", "import", "--quiet", "--out"]);
    import.args([&trace, &log]).run().ok();
}

/// What a request was: the load, its operation, and the path, which names the iteration.
type Sent = (String, String, String);

/// A run, as its report and the log of its registry have it.
struct Ran {
    document: Value,
    requests: Vec<LoggedRequest>,
    sent: BTreeMap<Sent, u32>,
}

/// A run in so many shards, or of one process that is none. `Err` when the machine did not keep up.
fn run(pace: Duration, shards: usize) -> Result<Ran, String> {
    let registry = Registry::start(Flavour::Logs(Release::Two, Formatter::Json));
    let dir = scratch();
    trace(dir.path());
    let path = |name: &str| dir.path().join(name);
    fs::write(path("s.toml"), scenario(&registry.url(), pace)).expect("a scenario");
    let meeting = format!("127.0.0.1:{}", closed_port());
    let start = |index: usize| -> Running {
        let mut program = regstorm(["run", "--out"]).args([path(&format!("{index}.json"))]);
        if shards > 1 {
            let shard = format!("{index}/{shards}");
            program = program.args(["--meet", &meeting, "--shard", &shard]);
        }
        let program = program.args([path("s.toml")]);
        program.start(&path(&format!("{index}.log")))
    };
    let mut running: Vec<Running> = (0..shards).map(start).collect();
    for (index, shard) in running.iter_mut().enumerate() {
        let status = shard.wait(Duration::from_mins(2)).expect("an end");
        // On a busy machine the numbers are no good, and the first one says so.
        let may_be = status.code() == Some(0) || (index == 0 && status.code() == Some(4));
        assert!(may_be, "{index}: {status}\n{}", shard.log());
    }
    let report = Report::read(&path("0.json")).expect("a report");
    report.assert_sums();
    let document: Value = serde_json::from_str(report.text()).expect("JSON");
    assert_eq!(Tally::of(&registry.since(0)), report.exchanges());
    let count = |pointer: &str| report.number(pointer);
    let (scheduled, ok) = (
        count("/totals/starts/scheduled"),
        count("/totals/iterations/ok"),
    );
    if scheduled != ok {
        return Err(format!("{ok} of {scheduled} iterations went well"));
    }
    let run = document.pointer("/shards/0/run").and_then(Value::as_str);
    let requests = registry.logged().into_iter();
    let requests: Vec<LoggedRequest> = requests
        .filter(|it| it.agent.starts_with("load-"))
        .collect();
    let mut sent = BTreeMap::new();
    for request in &requests {
        *sent.entry(named(request, run)).or_default() += 1;
    }
    Ok(Ran {
        document,
        requests,
        sent,
    })
}

/// What a request was, without what is drawn for each run or by the registry: the number of the run, upload sessions.
fn named(request: &LoggedRequest, run: Option<&str>) -> Sent {
    let path = request.line.path.split('?').next().unwrap_or_default();
    let path = path.split("/uploads/").next().unwrap_or_default();
    let path = match path.split_once("/pushed/0/r") {
        Some((front, rest)) => {
            let (number, iteration) = rest.split_once("-u").expect("the name of an iteration");
            if let Some(run) = run {
                assert_eq!(number, run.trim_start_matches('0'), "{path}");
            }
            format!("{front}/pushed/u{iteration}")
        }
        None => path.to_owned(),
    };
    let operation = request.line.operation().to_owned();
    (request.agent.clone(), operation, path)
}

/// The iterations of a journey, each by the request that it has once.
fn iterations(ran: &Ran, journey: &str) -> usize {
    let agent = format!("load-{journey}");
    let of = ran.sent.keys().filter(|it| it.0 == agent);
    let once = |operation: &str| operation == "manifest-put" || operation == "manifest-get";
    of.filter(|it| once(&it.1)).count()
}

fn difference(whole: &Ran, parts: &Ran) -> String {
    let missing: Vec<_> = whole
        .sent
        .iter()
        .filter(|it| parts.sent.get(it.0) != Some(it.1))
        .take(3)
        .collect();
    let more: Vec<_> = parts
        .sent
        .iter()
        .filter(|it| whole.sent.get(it.0) != Some(it.1))
        .take(3)
        .collect();
    format!("of one process {missing:?}; of shards {more:?}")
}

/// Each arrival reaches the registry when it is due: earlier by no more than the clock of its shard may be off, and later by no
/// more than the shards have measured. `Err` when the lines of the registry came later than that.
fn assert_in_time(ran: &Ran, pace: Duration, shards: usize) -> Result<(), String> {
    let opened = ran.document["window_opened"].as_str().expect("a time");
    let opened = humantime::parse_rfc3339(opened).expect("a time");
    for (journey, due) in due(pace) {
        let journeys = ran.document["journeys"].as_array().expect("journeys");
        let of_journey = journeys.iter().find(|it| it["name"] == journey);
        let of_journey = of_journey.expect("a journey");
        let longest = of_journey["response_time"]["max_us"].as_f64();
        let longest = longest.expect("each is pulled") / 1e6;
        let mut first: BTreeMap<usize, SystemTime> = BTreeMap::new();
        let agent = format!("load-{journey}");
        for request in ran.requests.iter().filter(|it| it.agent == agent) {
            let arrived = first.entry(image(request)).or_insert(request.arrived);
            *arrived = (*arrived).min(request.arrived);
        }
        // One after the other: the first is that of number 0.
        let (start, _) = first.iter().min_by_key(|it| it.1).expect("arrivals");
        let start = *start;
        assert_eq!(first.len(), due.len(), "{journey}");
        for (image, arrived) in first {
            let number = (image + 24 - start) % 24;
            let off = ran.document["shards"][number % shards]["clock"]["error_us"].as_f64();
            // Times of reports are whole microseconds.
            let off = off.unwrap_or(0.0) / 1e6 + 2e-6;
            let since = match arrived.duration_since(opened) {
                Ok(it) => it.as_secs_f64(),
                Err(early) => -early.duration().as_secs_f64(),
            };
            let lag = since - due[number];
            assert!(
                lag >= -off,
                "{shards} shards, {journey} {number}: {lag} early, {off} off"
            );
            if lag > longest + off {
                return Err(format!(
                    "{shards} shards, {journey} {number}: {lag} late of {longest}"
                ));
            }
        }
    }
    Ok(())
}

/// The image that a request is of: the last number of its repository.
fn image(request: &LoggedRequest) -> usize {
    let path = request.line.path.split('/').collect::<Vec<_>>();
    let mut numbers = path.iter().rev().filter_map(|it| it.parse().ok());
    numbers.next().expect("the number of an image")
}

#[test]
fn the_log_of_shards_is_that_of_one_process() {
    let play = |pace: Duration| -> Result<(), String> {
        let whole = run(pace, 1)?;
        for (journey, count) in COUNTS {
            let begun = iterations(&whole, journey);
            if begun != count {
                return Err(format!("{journey}: {begun} iterations in place of {count}"));
            }
        }
        assert_in_time(&whole, pace, 1)?;
        for shards in [2, 3, 5] {
            let parts = run(pace, shards)?;
            if parts.sent != whole.sent {
                return Err(format!("{shards} shards: {}", difference(&whole, &parts)));
            }
            assert_eq!(
                parts.document["shards"].as_array().map(Vec::len),
                Some(shards)
            );
            assert_in_time(&parts, pace, shards)?;
        }
        Ok(())
    };
    // The slower the machine, the slower the load: as many iterations, over a longer time.
    let mut last = String::new();
    for pace in [500, 2_000, 8_000] {
        match play(Duration::from_millis(pace)) {
            Ok(()) => return,
            Err(why) => last = why,
        }
    }
    panic!("{last}");
}
