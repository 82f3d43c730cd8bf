//! What shards cost the first of them, and how far apart they start.
//!
//! `cargo bench --bench shards -- scale [SHARDS...]` (100 and 1,000) lets that many guests of the meeting point's protocol live
//! in one other process. Each tells what one real run told, four times a second, and hands over the report of that run. It gives
//! what the first shard takes: processor time and bytes a second while the load goes on, and at the end the time until all
//! reports are there, the time to merge them, and the most memory. The bytes are those of messages, from their texts. Nothing
//! else may run: what is told four times a second comes late otherwise.
//!
//! `cargo bench --bench shards -- starts [TIMES]` (300) lets five shards meet that often, and gives how far the instants of their
//! starts are from that of the first shard, on the one clock of this machine.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use regstorm::embedded::{Registry, Settings as OfRegistry};
use regstorm::engine::{self, Progress, Stop};
use regstorm::measure::{Live, Observed, Period};
use regstorm::meeting::{End, Guest, Host, Identity, Latest, Part, Settings, Token};
use regstorm::oci::Digest;
use regstorm::plan::{self, Stored};
use regstorm::result::{Document, ShardPart};
use regstorm::scenario::{self, Overrides};
use regstorm::session::{self, Event, Options};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// How long the load of many shards goes on.
const LOAD: Duration = Duration::from_secs(20);

/// As a shard does.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Two journeys, three thresholds and a minute: a report of the usual size.
const SCENARIO: &str = r#"
name = "shards"
[images.web]
source = "synthetic"
count = 20
layers = 3
layer_size = "16KiB"
[journey.pull]
action = "pull"
images = "web"
[journey.push]
action = "push"
images = "web"
repository = "pushed"
unique = true
[audit]
sample = "none"
[[load]]
mix = { pull = 3, push = 1 }
executor = "constant-arrival-rate"
rate = 100
max_vus = 300
warmup = "2s"
duration = "60s"
[[threshold]]
metric = "pull.response_time"
expect = "p(99) < 1s"
[[threshold]]
metric = "blob-get.total"
expect = "p(95) < 1s"
[[threshold]]
metric = "errors"
expect = "rate < 1%"
"#;

/// What one shard says.
#[derive(Serialize, Deserialize)]
struct Words {
    live: Live,
    observed: Vec<Observed>,
    document: Document,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["guests", address, count, file] => guests(address, number(count), Path::new(file)),
        ["starts"] => starts(300),
        ["starts", times] => starts(number(times)),
        ["scale"] | [] => scale(&[100, 1_000]),
        ["scale", ref counts @ ..] => {
            scale(&counts.iter().map(|it| number(it)).collect::<Vec<u32>>());
        }
        _ => panic!("scale [SHARDS...] or starts [TIMES]"),
    }
}

fn number(text: &str) -> u32 {
    text.parse().expect("a number")
}

fn settings<T>(address: &str) -> Settings<T> {
    Settings {
        address: address.to_owned(),
        token: Token::default(),
        timeout: Duration::from_mins(2),
        tls: None,
    }
}

fn identity(index: u32, count: u32) -> Identity {
    Identity {
        part: Part { index, count },
        version: "bench".to_owned(),
        fingerprint: Digest::sha256(b"plan"),
        thresholds: Vec::new(),
        host: format!("node-{index}"),
    }
}

fn opened(count: u32, stop: &Stop) -> Host {
    let settings = settings("127.0.0.1:0");
    let host = Host::open(&settings, (&identity(0, count), 7), stop, &mut |_| {});
    host.expect("a free port")
}

/// Runs the load once, and returns what was told last and at the end.
fn words() -> Words {
    let registry = Registry::start(OfRegistry::default()).expect("a registry");
    let overrides = Overrides {
        target: Some(registry.url()),
        ..Overrides::default()
    };
    let loaded = scenario::load(SCENARIO, "bench.toml", Path::new(""), &overrides, &|_| None);
    let scenario = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let plan = Arc::new(plan::resolve(scenario, NonZeroUsize::MIN));
    let options = Options {
        hooks: None,
        labels: BTreeMap::new(),
        ci: BTreeMap::new(),
        ceiling: None,
        wait: Duration::ZERO,
        part: None,
    };
    let mut last = (Live::new(), Vec::new());
    let (_stopper, stop) = engine::stop();
    let outcome = session::run(&plan, &options, &stop, &mut |event| {
        if let Event::Load(Progress::Load {
            period: Period::Measure,
            live,
            observed,
            ..
        }) = event
        {
            last = (live.clone(), observed.to_vec());
        }
    });
    let (live, observed) = last;
    Words {
        live,
        observed,
        document: outcome.expect("a run").document,
    }
}

#[expect(clippy::print_stdout, reason = "a bench tells what it found")]
fn scale(counts: &[u32]) {
    let words = words();
    let dir = env::temp_dir().join(format!("regstorm-shards-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    let file = dir.join("words.json");
    fs::write(&file, serde_json::to_vec(&words).expect("text")).expect("a file");
    let length = |it: serde_json::Result<Vec<u8>>| it.expect("text").len();
    println!(
        "told four times a second: {} B of counts, {} B of thresholds; a report: {} B",
        length(serde_json::to_vec(&words.live)),
        length(serde_json::to_vec(&words.observed)),
        length(serde_json::to_vec(&words.document)),
    );
    for count in counts {
        measured(*count, &words, &file);
    }
    fs::remove_dir_all(&dir).expect("it was made here");
}

#[expect(clippy::print_stdout, reason = "a bench tells what it found")]
fn measured(count: u32, words: &Words, file: &Path) {
    let (_stopper, stop) = engine::stop();
    let host = opened(count, &stop);
    let before = memory("VmRSS");
    let child = spawn(&host.address().to_string(), count, file);
    host.gather(&stop, &mut |_| {}).expect("all come");
    host.prepared().expect("all are there");
    host.start(&stop).expect("all are ready");
    let (cpu, began) = (cpu_time(), Instant::now());
    let mut adding = Duration::ZERO;
    let mut rounds = 0;
    while began.elapsed() < LOAD {
        let mut live = words.live.clone();
        let mut observed = words.observed.clone();
        adding += spent(|| host.add_others(&mut live, &mut observed)).0;
        rounds += 1;
        pause(TELL_EVERY);
    }
    let busy = cpu_time().saturating_sub(cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let lost = host.losses().len();
    println!("{count} shards, {lost} lost in the load");
    println!(
        "  while the load goes on  {:.1}% of a core, of it {:?} four times a second to add up",
        busy * 100.0,
        adding / rounds
    );
    println!(
        "  memory                  {} MB, {before} MB before",
        memory("VmRSS")
    );
    let (cpu, at) = (cpu_time(), Instant::now());
    release(&child);
    let latest = Latest {
        planned: Instant::now(),
        graceful: Duration::ZERO,
        deletes: false,
    };
    let ends = host.finish(&stop, latest, &mut |_, _| {});
    let busy = cpu_time().saturating_sub(cpu);
    println!(
        "  all reports             {busy:?} of processor time, within {:?}",
        at.elapsed()
    );
    let (merging, (all, lost)) = spent(|| {
        let mut all = with_number(&words.document, 0, count);
        let mut lost = 0;
        for ended in ends {
            match ended.end {
                End::Measured { document, .. } => all.merge(*document).expect("one run"),
                End::Lost(_) => lost += 1,
            }
        }
        all.judge_shards(0.01);
        (all, lost)
    });
    println!("  merged                  {merging:?}, {lost} lost");
    println!("  most memory             {} MB", memory("VmHWM"));
    println!(
        "  the report              {} B",
        serde_json::to_vec(&all).expect("text").len()
    );
    drop(host);
    end(child);
}

/// The document of one of so many shards.
fn with_number(document: &Document, index: u32, count: u32) -> Document {
    Document {
        shard: Some(ShardPart {
            index,
            count,
            run: "7".to_owned(),
            from: "--shard".to_owned(),
            lost: false,
            clock: None,
        }),
        ..document.clone()
    }
}

fn spawn(address: &str, count: u32, file: &Path) -> Child {
    Command::new(env::current_exe().expect("this program"))
        .args(["guests", address, &count.to_string()])
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .expect("this program starts")
}

/// Lets all guests end.
fn release(mut child: &Child) {
    let child = &mut child;
    let mut to = child.stdin.as_ref().expect("a pipe");
    to.write_all(b"end\n").expect("it reads");
}

fn end(mut child: Child) {
    child.wait().expect("it ends");
}

/// All shards but the first.
fn guests(address: &str, count: u32, file: &Path) {
    let text = fs::read(file).expect("a file");
    let words: Words = serde_json::from_slice(&text).expect("what was written");
    let (_stopper, stop) = engine::stop();
    let joined = (1..count).map(|index| {
        let guest = Guest::join(&settings(address), &identity(index, count), &stop);
        (index, guest.expect("it is welcome"))
    });
    let guests: Vec<(u32, Guest)> = joined.collect();
    for (_, guest) in &guests {
        guest.wait_prepared(&stop).expect("it is prepared");
    }
    thread::scope(|scope| {
        // Each waits for itself, as in a process of its own.
        for (_, guest) in &guests {
            scope.spawn(|| guest.wait_start(&stop).expect("a start"));
        }
    });
    let (ended, released) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(std::io::stdin()).read_line(&mut line);
        let _ = ended.send(());
    });
    // What thresholds are judged by is new once a second.
    let mut observed = [words.observed.clone(), words.observed.clone()];
    for (it, more) in observed[1].iter_mut().zip(&words.observed) {
        it.merge(more);
    }
    let mut rounds = 0;
    while released.recv_timeout(TELL_EVERY).is_err() {
        for (_, guest) in &guests {
            guest.tell(&words.live, &observed[rounds / 4 % 2]);
        }
        rounds += 1;
    }
    thread::scope(|scope| {
        for (index, guest) in &guests {
            let words = &words;
            scope.spawn(move || {
                let document = with_number(&words.document, *index, count);
                let _ = guest.end(&document, Stored::default(), 0, None);
            });
        }
    });
}

#[expect(clippy::print_stdout, reason = "a bench tells what it found")]
fn starts(times: u32) {
    let mut apart = Vec::new();
    let mut unknown = Vec::new();
    for _ in 0..times {
        let (_stopper, stop) = engine::stop();
        let host = opened(5, &stop);
        let address = host.address().to_string();
        thread::scope(|scope| {
            let guests: Vec<_> = (1..5)
                .map(|index| {
                    let (address, stop) = (&address, &stop);
                    scope.spawn(move || {
                        let guest = Guest::join(&settings(address), &identity(index, 5), stop);
                        let guest = guest.expect("it is welcome");
                        guest.wait_prepared(stop).expect("it is prepared");
                        let start = guest.wait_start(stop).expect("a start");
                        (guest, start)
                    })
                })
                .collect();
            host.gather(&stop, &mut |_| {}).expect("all come");
            // A real target takes longer to prepare.
            pause(TELL_EVERY);
            host.prepared().expect("all are there");
            let start = host.start(&stop).expect("all are ready");
            for guest in guests {
                let (_, theirs) = guest.join().expect("no panic");
                apart.push(theirs.max(start) - theirs.min(start));
            }
        });
        let latest = Latest {
            planned: Instant::now(),
            graceful: Duration::ZERO,
            deletes: false,
        };
        let ends = host.finish(&stop, latest, &mut |_, _| {});
        unknown.extend(
            ends.iter()
                .map(|it| Duration::from_micros(it.clock.error_us)),
        );
    }
    for (name, mut times) in [("apart", apart), ("clock error", unknown)] {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 1_000];
        println!(
            "{name:12} p50 {:?}, p99 {:?}, max {:?}, of {}",
            at(500),
            at(990),
            at(1_000),
            times.len()
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "the thread of a bench")]
fn pause(time: Duration) {
    thread::sleep(time);
}

/// What was done, and the processor time that this thread took for it.
fn spent<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let now = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock");
    let before = Duration::from(now());
    let done = work();
    (Duration::from(now()).saturating_sub(before), done)
}

/// The processor time of this process.
fn cpu_time() -> Duration {
    let text = fs::read_dir("/proc/self/task").expect("Linux");
    let nanos = text.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// A line of the kernel's on the memory of this process, in MB.
fn memory(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("Linux");
    let mut lines = text.lines().filter_map(|it| it.split_once(':'));
    let (_, value) = lines.find(|(it, _)| *it == name).expect("a line");
    let kilobytes = value.trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().expect("a number") / 1_000
}
