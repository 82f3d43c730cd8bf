//! Shards that meet: they start together and become one run, and one that is lost is counted.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use regstorm::embedded::{Running, Settings};
use regstorm::health::Signal;
use regstorm::measure::DropReason;
use regstorm::oci::Operation;
use regstorm::result::{Document, RunVerdict};
use tokio::time::Instant;

use crate::support::{registry, wait_for};

mod tls;

const TOKEN: &str = "a token that nobody guesses";

/// A registry, a scenario and a meeting point.
struct Place {
    dir: tempfile::TempDir,
    registry: Running,
    address: String,
}

/// A shard that runs, and what it writes.
struct Shard {
    child: Child,
    report: String,
}

impl Place {
    /// Pulls and pushes at 40/s for so long; every push is of new content.
    fn new(duration: &str) -> Self {
        let registry = registry(Settings::default());
        let dir = tempfile::tempdir().expect("a directory");
        let text = scenario(&registry.url(), duration);
        std::fs::write(dir.path().join("s.toml"), &text).expect("a file");
        let other = text.replace("seed = 5", "seed = 6");
        std::fs::write(dir.path().join("other.toml"), other).expect("a file");
        std::fs::write(dir.path().join("token"), format!("{TOKEN}\n")).expect("a file");
        std::fs::write(dir.path().join("wrong"), "another token than that\n").expect("a file");
        Self {
            dir,
            registry,
            address: format!("127.0.0.1:{}", free_port()),
        }
    }

    fn shard(&self, scenario: &str, shard: &str, more: &[&str]) -> Shard {
        self.spawn(&self.address, scenario, shard, more)
    }

    fn shard_at(&self, address: &str, scenario: &str, shard: &str) -> Shard {
        self.spawn(address, scenario, shard, &[])
    }

    fn spawn(&self, address: &str, scenario: &str, shard: &str, more: &[&str]) -> Shard {
        let report = format!("{}.json", shard.replace('/', "-"));
        let child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(["run", scenario, "--out", &report])
            .args(["--shard", shard, "--meet", address])
            .args(["--meet-token-file", "token"])
            .args(more)
            .current_dir(self.dir.path())
            .env("XDG_STATE_HOME", self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Shard { child, report }
    }

    fn report(&self, shard: &str) -> Option<Document> {
        let path = self.dir.path().join(format!("{shard}.json"));
        Path::new(&path)
            .exists()
            .then(|| Document::load(&path).expect("a report"))
    }

    /// As many manifests were deleted as were stored: those of the images that were seeded, and of what each shard pushed.
    fn assert_clean(&self) {
        let counts = self.registry.counts();
        let of = |operation, status: u16| {
            let key = (Some(operation), status);
            counts.exchanges.get(&key).copied().unwrap_or(0)
        };
        let stored = of(Operation::ManifestPut, 201);
        assert!(stored > 5, "{counts:?}");
        assert_eq!(of(Operation::ManifestDelete, 202), stored);
    }

    /// Waits until the load runs: pulls come.
    fn wait_running(&self) {
        let pulls = || {
            let counts = self.registry.counts();
            let all: u64 = counts.exchanges.values().sum();
            (all > 400).then_some(())
        };
        wait_for(pulls);
    }
}

impl Shard {
    /// The exit code and everything that was said. One that does not end is a failure.
    fn ended(mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        let status = wait_for(|| {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "{} goes on",
                self.report
            );
            self.child.try_wait().expect("a child")
        });
        let mut said = String::new();
        for pipe in [
            self.child
                .stdout
                .as_mut()
                .map(|it| it.read_to_string(&mut said)),
            self.child
                .stderr
                .as_mut()
                .map(|it| it.read_to_string(&mut said)),
        ] {
            pipe.expect("a pipe").expect("text");
        }
        (status.code(), said)
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(done.expect("kill").success());
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn scenario(url: &str, duration: &str) -> String {
    format!(
        r#"
name = "meeting"
seed = 5

[target]
url = "{url}"

[prepare]
clean_up = "all"

[images.web]
source = "synthetic"
count = 5
layers = 2
layer_size = "2KiB"

[journey.pull]
action = "pull"
images = "web"

[journey.push]
action = "push"
images = "web"
repository = "pushed"
unique = true

[[load]]
mix = {{ pull = 3, push = 1 }}
executor = "constant-arrival-rate"
rate = 40
max_vus = 90
warmup = "1s"
duration = "{duration}"
"#
    )
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A run whose generator was held up by other tests says so, and is a run all the same.
fn is_measured(code: Option<i32>) -> bool {
    matches!(code, Some(0 | 4))
}

#[test]
fn shards_that_meet_make_one_run() {
    let place = Place::new("3s");
    // One comes before there is a meeting point, one after.
    let first = place.shard("s.toml", "2/3", &[]);
    let host = place.shard("s.toml", "0/3", &[]);
    let last = place.shard("s.toml", "1/3", &[]);
    let (code, said) = host.ended();
    assert!(is_measured(code), "{said}");
    for guest in [first, last] {
        let (code, said) = guest.ended();
        assert_eq!(code, Some(0), "{said}");
    }
    let all = place.report("0-3").expect("a report");
    assert!(all.closure.holds(), "{:?}", all.closure);
    // 40/s for 3 s, however they are dealt out.
    assert_eq!(all.totals.starts.scheduled, 120);
    let numbers: Vec<_> = all.shards.iter().map(|it| (it.index, it.lost)).collect();
    assert_eq!(numbers, [(0, false), (1, false), (2, false)]);
    let parts = ["1-3", "2-3"].map(|it| place.report(it).expect("a report"));
    let started: Vec<_> = all.shards.iter().map(|it| it.started).collect();
    assert_eq!(started[1], parts[0].totals.starts.started);
    assert_eq!(started.iter().sum::<u64>(), all.totals.starts.started);
    assert!(all.shards[0].clock.is_none() && all.shards[1].clock.is_some());
    let runs = [&all.shards[0].run, &parts[0].shard.as_ref().unwrap().run];
    assert_eq!(runs[0], runs[1]);
    // Everything that any of them has stored is deleted, and nothing of the load failed because of it.
    assert_eq!(all.totals.exchanges.failed, 0, "{:?}", all.failures);
    assert!(
        all.notes.iter().all(|it| !it.contains("clean-up")),
        "{:?}",
        all.notes
    );
    place.assert_clean();
}

#[test]
fn a_shard_that_is_killed_is_counted_as_lost() {
    for (allowed, valid) in [("1%", false), ("40%", true)] {
        let place = Place::new("6s");
        let host = place.shard("s.toml", "0/3", &["--allow-lost", allowed]);
        let one = place.shard("s.toml", "1/3", &[]);
        let other = place.shard("s.toml", "2/3", &[]);
        place.wait_running();
        one.signal("KILL");
        let (code, said) = host.ended();
        assert!(is_measured(code), "{said}");
        assert_eq!(other.ended().0, Some(0));
        let all = place.report("0-3").expect("a report");
        assert!(all.closure.holds(), "{:?}", all.closure);
        assert_eq!(all.totals.starts.scheduled, 240);
        // Every third arrival was for it; its report never came.
        let lost = all.journeys.iter();
        let lost: u64 = lost
            .map(|it| it.counts.drops.of(DropReason::LostShard))
            .sum();
        assert_eq!(lost, 80);
        assert!(all.shards[1].lost && !all.shards[2].lost);
        let mut reasons = all.generator.health.reasons.iter();
        let reason = reasons.find(|it| it.signal == Signal::LostShards);
        let level = reason.expect("a reason").level;
        assert_eq!(level == regstorm::health::Level::Suspect, valid);
        if !valid {
            assert_eq!(
                (code, all.verdict),
                (Some(4), RunVerdict::Invalid),
                "{said}"
            );
        }
        assert!(said.contains("shard 1 was lost"), "{said}");
    }
}

#[test]
fn a_shard_that_stands_still_is_lost_and_is_not_taken_back() {
    let place = Place::new("9s");
    let host = place.shard("s.toml", "0/2", &[]);
    let guest = place.shard("s.toml", "1/2", &[]);
    place.wait_running();
    guest.signal("STOP");
    let (code, said) = host.ended();
    assert_eq!(code, Some(4), "{said}");
    assert!(
        said.contains("shard 1 was lost: nothing was heard of it for 5 s"),
        "{said}"
    );
    guest.signal("CONT");
    let (code, said) = guest.ended();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("the first shard is lost"), "{said}");
    assert!(place.report("1-2").is_some(), "what it measured is written");
}

#[test]
fn a_shard_without_the_first_ends_and_keeps_its_report() {
    let place = Place::new("10m");
    let host = place.shard("s.toml", "0/2", &[]);
    let guest = place.shard("s.toml", "1/2", &[]);
    place.wait_running();
    host.signal("KILL");
    let (code, said) = guest.ended();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("the first shard is lost"), "{said}");
    let part = place.report("1-2").expect("a report");
    assert!(part.closure.holds());
    assert!(part.totals.starts.started > 0);
    assert!(part.stored.is_some(), "clean-up needs it");
}

#[test]
fn the_first_shard_stops_all_and_one_that_is_stopped_owes_the_rest() {
    let place = Place::new("10m");
    let host = place.shard("s.toml", "0/3", &["--allow-lost", "50%"]);
    let guest = place.shard("s.toml", "1/3", &[]);
    let stopped = place.shard("s.toml", "2/3", &[]);
    place.wait_running();
    stopped.signal("TERM");
    let (code, said) = stopped.ended();
    assert_eq!(code, Some(130), "{said}");
    host.signal("INT");
    let (code, said) = host.ended();
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(guest.ended().0, Some(0));
    let all = place.report("0-3").expect("a report");
    assert!(all.closure.holds(), "{:?}", all.closure);
    assert!(said.contains("shard 2 was lost: it was stopped"), "{said}");
    assert!(all.shards[2].lost && all.shards[2].started > 0);
    place.assert_clean();
}

/// Each iteration that a load counts is there once, whichever shard had it, and whichever was stopped.
#[test]
fn a_shard_that_is_stopped_owes_what_is_left_of_a_load_that_counts() {
    let place = Place::new("1s");
    let text = scenario(&place.registry.url(), "1s");
    let (text, _) = text.split_once("[[load]]").expect("a load");
    let loads = r#"
[[load]]
mix = { pull = 3, push = 1 }
executor = "shared-iterations"
iterations = 300
vus = 6
max_duration = "10m"

[[load]]
journey = "pull"
executor = "per-vu-iterations"
iterations = 50
vus = 6
max_duration = "10m"
"#;
    let text = text.replace(
        "images = \"web\"",
        "images = \"web\"\nthink_time = \"100ms\"",
    );
    std::fs::write(place.dir.path().join("s.toml"), text + loads).expect("a file");
    let host = place.shard("s.toml", "0/3", &["--allow-lost", "50%"]);
    let guest = place.shard("s.toml", "1/3", &[]);
    let stopped = place.shard("s.toml", "2/3", &[]);
    place.wait_running();
    stopped.signal("TERM");
    let (code, said) = stopped.ended();
    assert_eq!(code, Some(130), "{said}");
    let (code, said) = host.ended();
    assert!(is_measured(code), "{said}");
    assert_eq!(guest.ended().0, Some(0));
    let all = place.report("0-3").expect("a report");
    assert!(all.closure.holds(), "{:?}", all.closure);
    assert!(all.shards[2].lost && all.shards[2].started > 0);
    let starts = all.totals.starts;
    assert_eq!(starts.scheduled, 300 + 6 * 50);
    assert!(starts.dropped > 0, "{starts:?}");
    assert!(starts.dropped < 100 + 2 * 50, "{starts:?}");
    let drops = all.journeys.iter().map(|it| &it.counts.drops);
    let lost: u64 = drops.map(|it| it.of(DropReason::LostShard)).sum();
    assert_eq!(lost, starts.dropped);
    place.assert_clean();
}

#[test]
fn who_does_not_fit_is_refused_and_the_others_go_on() {
    let place = Place::new("2s");
    let host = place.shard("s.toml", "0/2", &[]);
    for (scenario, shard, more, words) in [
        ("other.toml", "1/2", vec![], "the plans differ"),
        ("s.toml", "1/3", vec![], "the first shard is 0/2"),
        (
            "s.toml",
            "1/2",
            vec!["--meet-token-file", "wrong"],
            "the tokens differ",
        ),
    ] {
        let more: Vec<&str> = more;
        let guest = place.shard_with(scenario, shard, &more);
        let (code, said) = guest.ended();
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!said.contains(TOKEN), "{said}");
    }
    strangers(&place.address);
    // The same shard twice: the newer one counts.
    let older = place.shard("s.toml", "1/2", &[]);
    let newer = place.shard("s.toml", "1/2", &[]);
    let (code, said) = host.ended();
    assert!(is_measured(code), "{said}");
    let codes = [older, newer].map(|it| it.ended().0);
    assert!(codes.contains(&Some(0)), "{codes:?}");
    let late = place.shard("s.toml", "1/2", &["--meet-timeout", "1s"]);
    let (code, said) = late.ended();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("does not respond"), "{said}");
}

/// A way to the meeting point that takes its time, in each direction as long as is said.
fn slow_way(to: &str, there: Duration, back: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let to = to.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let near = stream.expect("a connection");
            // The host may not be there yet: whoever came tries again.
            let Ok(far) = TcpStream::connect(&to) else {
                continue;
            };
            for (from, to, delay) in [(&near, &far, there), (&far, &near, back)] {
                let from = from.try_clone().expect("a socket");
                let to = to.try_clone().expect("a socket");
                to.set_nodelay(true).expect("a socket");
                thread::spawn(move || carry(from, to, delay));
            }
        }
    });
    address
}

/// Carries what comes, each piece as late as the last.
#[expect(
    clippy::disallowed_methods,
    reason = "a test that makes a slow network"
)]
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (send, pieces) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        for (at, piece) in pieces {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let piece = (Instant::now() + delay, buffer[..read].to_vec());
        if send.send(piece).is_err() {
            return;
        }
    }
}

/// On one machine both clocks are the same, so that it is known how far apart two shards began. What the report says of that is no
/// less, whichever way takes longer.
#[test]
fn shards_begin_together_as_well_as_the_clocks_are_known() {
    let ms = Duration::from_millis;
    for (there, back) in [
        (ms(0), ms(0)),
        (ms(20), ms(20)),
        (ms(60), ms(0)),
        (ms(0), ms(60)),
    ] {
        let place = Place::new("2s");
        let way = slow_way(&place.address, there, back);
        let host = place.shard("s.toml", "0/2", &[]);
        let guest = place.shard_at(&way, "s.toml", "1/2");
        let (code, said) = host.ended();
        assert!(is_measured(code), "{said}");
        let (code, said) = guest.ended();
        assert_eq!(code, Some(0), "{said}");
        let all = place.report("0-2").expect("a report");
        let clock = all.shards[1].clock.expect("it met the first");
        let trip = u64::try_from((there + back).as_micros()).expect("a short time");
        assert!(clock.round_trip_us >= trip, "{clock:?}");
        assert!(clock.error_us >= trip / 2, "{clock:?}");
        let part = place.report("1-2").expect("a report");
        let opened = [&all.window_opened, &part.window_opened].map(|it| micros(it));
        let apart = opened[0].abs_diff(opened[1]);
        // The wall clock is read to the microsecond, once in each process.
        assert!(apart <= clock.error_us + 50, "{apart} {clock:?}");
        // Half of the difference of the ways, which nobody on it can know.
        let unknown = u64::try_from(there.abs_diff(back).as_micros() / 2).expect("a short time");
        assert!(apart + clock.error_us >= unknown, "{apart} {clock:?}");
    }
}

fn micros(time: &str) -> u64 {
    let time = humantime::parse_rfc3339(time).expect("a time");
    let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH);
    u64::try_from(since.expect("after 1970").as_micros()).expect("a time of this century")
}

/// Some that say nothing, some that say what nobody understands, some that announce more than there is memory.
fn strangers(address: &str) {
    let mut open = Vec::new();
    for number in 0..200_usize {
        let Ok(mut stream) = TcpStream::connect(address) else {
            continue;
        };
        let words: &[u8] = match number % 5 {
            0 => b"",
            3 => b"\x16\x03\x01\x40\x00\x01",
            1 => b"GET / HTTP/1.1\r\nHost: meeting\r\n\r\n",
            2 => b"\xff\xff\xff\xff{",
            _ => b"\0\0\0\x02{}",
        };
        let _ = stream.write_all(words);
        open.push(stream);
    }
}

impl Place {
    /// As [`shard`](Self::shard), with another token.
    fn shard_with(&self, scenario: &str, shard: &str, more: &[&str]) -> Shard {
        if more.is_empty() {
            return self.shard(scenario, shard, more);
        }
        let child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(["run", scenario, "--shard", shard, "--meet", &self.address])
            .args(more)
            .current_dir(self.dir.path())
            .env("XDG_STATE_HOME", self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Shard {
            child,
            report: String::new(),
        }
    }
}

#[test]
fn a_meeting_that_does_not_come_about_says_why() {
    let place = Place::new("2s");
    let (code, said) = place
        .shard("s.toml", "0/4", &["--meet-timeout", "1s"])
        .ended();
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("shards 1, 2, 3 did not come in time"),
        "{said}"
    );
    let open = ["run", "s.toml", "--shard", "0/2", "--meet", "0.0.0.0:0"];
    let short = [
        "run",
        "s.toml",
        "--shard",
        "0/2",
        "--meet",
        "127.0.0.1:0",
        "--meet-token-file",
        "short",
    ];
    let none = [
        "run",
        "s.toml",
        "--shard",
        "0/2",
        "--meet",
        "127.0.0.1:0",
        "--meet-token-file",
        "none",
    ];
    std::fs::write(place.dir.path().join("short"), "guess me").expect("a file");
    for (arguments, words) in [
        (&open[..], "there is no token"),
        (&short[..], "can be guessed"),
        (&none[..], "cannot read the token in none"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(arguments)
            .current_dir(place.dir.path())
            .env_remove("REGSTORM_MEET_TOKEN")
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    // A target that is not there ends all of them.
    let dead = scenario(&format!("http://127.0.0.1:{}", free_port()), "2s");
    std::fs::write(place.dir.path().join("dead.toml"), dead).expect("a file");
    let host = place.shard("dead.toml", "0/2", &[]);
    let guest = place.shard("dead.toml", "1/2", &[]);
    for shard in [host, guest] {
        let (code, said) = shard.ended();
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains("the target is not ready"), "{said}");
    }
}

/// What a Job of Kubernetes relies on: the first shard ends before the others, which end at its signal.
#[test]
fn a_shard_stays_when_it_is_done_until_a_signal() {
    let place = Place::new("1s");
    let mut other = place.shard("s.toml", "1/2", &["--meet-linger", "24h"]);
    let first = place.shard("s.toml", "0/2", &["--meet-linger", "24h"]);
    let (code, said) = first.ended();
    assert!(is_measured(code), "{said}");
    // It has written its report before it stays.
    wait_for(|| place.report("1-2"));
    assert_eq!(other.child.try_wait().expect("a child"), None);
    other.signal("TERM");
    let (code, said) = other.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("this shard is done; it stays for"), "{said}");
}
