//! A shard that is killed, stands still or is cut off, in each period of a run: how all of them end, and what they leave.
//!
//! The registry holds back what a period waits for, so that it lasts until the shard is lost.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use regstorm::embedded::{Running, Settings};
use regstorm::measure::{DropReason, Period};
use regstorm::oci::Operation;
use regstorm::result::Document;
use tokio::time::Instant;

use crate::gate::{Gate, Held};
use crate::support::{registry, wait_for};

mod meeting;

/// What happens to a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// `kill -9`
    Killed,
    /// SIGSTOP, and SIGCONT once the others have noticed.
    Stopped,
    /// No byte passes between it and the others; the target can be reached.
    CutOff,
}

const FAULTS: [Fault; 3] = [Fault::Killed, Fault::Stopped, Fault::CutOff];

/// Arrivals of all shards in a second.
const RATE: f64 = 20.0;

/// A run in shards, of which one will be lost.
struct Run {
    dir: tempfile::TempDir,
    registry: Running,
    target: Gate,
    /// The way of the shards to the meeting point that `cut` cuts.
    way: Gate,
    shards: Vec<Shard>,
}

struct Shard {
    child: Child,
    number: usize,
}

impl Run {
    /// Starts so many shards. The way is that of shard 1, or of all if it is the first that will be cut off.
    fn start(count: usize, all_cut: bool, held: Held, load: &str) -> Self {
        let registry = registry(Settings::default());
        let target = Gate::open(registry.url().trim_start_matches("http://").to_owned());
        target.hold(held);
        let dir = tempfile::tempdir().expect("a directory");
        let text = SCENARIO
            .replace("URL", &format!("http://{}", target.address))
            .replace("LOAD", load);
        fs::write(dir.path().join("s.toml"), text).expect("a file");
        let first = shard(dir.path(), (0, count), "127.0.0.1:0");
        let meeting = wait_for(|| {
            let said = fs::read_to_string(dir.path().join("0.said")).expect("text");
            let (_, rest) = said.split_once("meeting  at ")?;
            Some(rest.split_once(": ")?.0.to_owned())
        });
        let way = Gate::open(meeting.clone());
        let mut shards = vec![first];
        for number in 1..count {
            let is_cut = all_cut || number == 1;
            let address = if is_cut { &way.address } else { &meeting };
            shards.push(shard(dir.path(), (number, count), address));
        }
        Self {
            dir,
            registry,
            target,
            way,
            shards,
        }
    }

    fn said(&self, number: usize) -> String {
        let path = self.dir.path().join(format!("{number}.said"));
        fs::read_to_string(path).expect("text")
    }

    fn report(&self, number: usize) -> Option<Document> {
        let path = self.dir.path().join(format!("{number}.json"));
        path.exists()
            .then(|| Document::load(&path).expect("a report"))
    }

    /// Returns the exit code of a shard. One that does not end is a failure.
    fn end(&mut self, number: usize) -> Option<i32> {
        let began = Instant::now();
        let status = wait_for(|| {
            let waited = began.elapsed().as_secs();
            assert!(waited < 120, "{number} goes on: {}", self.said(number));
            self.shards[number].child.try_wait().expect("a child")
        });
        status.code()
    }

    /// Lets a shard be lost.
    fn lose(&self, number: usize, fault: Fault) {
        match fault {
            Fault::Killed => self.shards[number].signal("KILL"),
            Fault::Stopped => self.shards[number].signal("STOP"),
            Fault::CutOff => self.way.hold(Held::Everything),
        }
    }

    /// Lets what was stopped go on.
    fn recover(&self, number: usize, fault: Fault) {
        if fault == Fault::Stopped {
            self.shards[number].signal("CONT");
        }
    }

    fn answered(&self, operation: Operation, status: u16) -> u64 {
        let counts = self.registry.counts();
        let key = (Some(operation), status);
        counts.exchanges.get(&key).copied().unwrap_or(0)
    }

    /// Manifests that were stored and are still there.
    fn left(&self) -> u64 {
        self.answered(Operation::ManifestPut, 201) - self.answered(Operation::ManifestDelete, 202)
    }
}

/// Starts a shard.
fn shard(dir: &Path, (number, count): (usize, usize), address: &str) -> Shard {
    let path = |name: &str| dir.join(format!("{number}.{name}"));
    let file = |name| File::create(path(name)).expect("a file");
    let child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["run", "s.toml", "--shard", &format!("{number}/{count}")])
        .args(["--meet", address, "--out"])
        .arg(path("json"))
        .current_dir(dir)
        .env("XDG_STATE_HOME", dir)
        .env_remove("REGSTORM_MEET_TOKEN")
        .stdin(Stdio::null())
        .stdout(file("out"))
        .stderr(file("said"))
        .spawn()
        .expect("the program starts");
    Shard { child, number }
}

impl Shard {
    fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(done.expect("kill").success(), "{}", self.number);
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SCENARIO: &str = r#"
name = "losses"
seed = 5

[target]
url = "URL"

[prepare]
clean_up = "all"

[images.web]
source = "synthetic"
count = 3
layers = 1
layer_size = "1KiB"

[journey.pull]
action = "pull"
images = "web"

[journey.push]
action = "push"
images = "web"
repository = "pushed"
unique = true

[[load]]
mix = { pull = 1, push = 1 }
LOAD
"#;

/// A load that lasts until it is stopped, in its warm-up or in its window.
fn endless(period: Period) -> String {
    let warmup = match period {
        Period::WarmUp => "10m",
        _ => "0s",
    };
    format!(
        "executor = \"constant-arrival-rate\"\nrate = {RATE}\nmax_vus = 90\nduration = \"10m\"\nwarmup = \"{warmup}\""
    )
}

/// Three of each, as fast as they go.
const SHORT: &str = "executor = \"per-vu-iterations\"\nvus = 3\niterations = 6";

/// Plays a case with each fault, all at once: each waits for the most part.
fn each_fault(play: fn(Fault)) {
    thread::scope(|scope| {
        for fault in FAULTS {
            scope.spawn(move || play(fault));
        }
    });
}

#[test]
fn preparing_ends_when_another_shard_is_lost() {
    each_fault(|fault| {
        let mut run = Run::start(3, false, Held::Requests(b"PUT "), SHORT);
        wait_for(|| run.target.is_holding().then_some(()));
        run.lose(1, fault);
        // The first one would seed for ever.
        assert_eq!(run.end(0), Some(5), "{fault:?}: {}", run.said(0));
        let lost = "shard 1 was lost before the load";
        assert!(run.said(0).contains(lost), "{fault:?}: {}", run.said(0));
        assert_eq!(run.end(2), Some(5), "{fault:?}: {}", run.said(2));
        assert!(run.said(2).contains(lost), "{fault:?}: {}", run.said(2));
        run.recover(1, fault);
        if fault != Fault::Killed {
            assert_eq!(run.end(1), Some(5), "{fault:?}: {}", run.said(1));
            let lost = "the first shard is lost";
            assert!(run.said(1).contains(lost), "{fault:?}: {}", run.said(1));
        }
        assert_eq!(run.left(), 0, "{fault:?}");
        assert!((0..3).all(|it| run.report(it).is_none()));
    });
}

#[test]
fn preparing_ends_when_the_first_shard_is_lost() {
    each_fault(|fault| {
        let mut run = Run::start(2, true, Held::Requests(b"PUT "), SHORT);
        wait_for(|| run.target.is_holding().then_some(()));
        run.lose(0, fault);
        assert_eq!(run.end(1), Some(5), "{fault:?}: {}", run.said(1));
        let lost = "the first shard is lost";
        assert!(run.said(1).contains(lost), "{fault:?}: {}", run.said(1));
        run.recover(0, fault);
        if fault != Fault::Killed {
            assert_eq!(run.end(0), Some(5), "{fault:?}: {}", run.said(0));
            let lost = "shard 1 was lost before the load";
            assert!(run.said(0).contains(lost), "{fault:?}: {}", run.said(0));
            assert_eq!(run.left(), 0, "{fault:?}");
        }
        assert!((0..2).all(|it| run.report(it).is_none()));
    });
}

#[test]
fn another_shard_is_lost_in_the_warm_up() {
    each_fault(|fault| without_another(fault, Period::WarmUp));
}

#[test]
fn another_shard_is_lost_while_it_measures() {
    each_fault(|fault| without_another(fault, Period::Measure));
}

#[test]
fn the_first_shard_is_lost_in_the_warm_up() {
    each_fault(|fault| without_the_first(fault, Period::WarmUp));
}

#[test]
fn the_first_shard_is_lost_while_it_measures() {
    each_fault(|fault| without_the_first(fault, Period::Measure));
}

/// The load goes on without one of the others: that is said at once, and what it should have sent is counted.
fn without_another(fault: Fault, period: Period) {
    let began = Instant::now();
    let mut run = Run::start(3, false, Held::Nothing, &endless(period));
    wait_for(|| (run.answered(Operation::ManifestGet, 200) > 10).then_some(()));
    run.lose(1, fault);
    wait_for(|| run.said(0).contains("lost     shard 1: ").then_some(()));
    run.recover(1, fault);
    if fault != Fault::Killed {
        assert_eq!(run.end(1), Some(130), "{fault:?}: {}", run.said(1));
        let part = run.report(1).expect("what it measured is written");
        assert!(part.closure.holds(), "{fault:?}");
        // Nothing was deleted that it still pulled.
        assert_eq!(part.totals.exchanges.failed, 0, "{fault:?}");
    }
    run.shards[0].signal("INT");
    assert_eq!(run.end(0), Some(130), "{fault:?}: {}", run.said(0));
    let longest = began.elapsed().as_secs_f64();
    assert_eq!(run.end(2), Some(0), "{fault:?}: {}", run.said(2));
    let all = run.report(0).expect("a report");
    assert!(all.closure.holds(), "{fault:?}: {:?}", all.closure);
    let lost: Vec<bool> = all.shards.iter().map(|it| it.lost).collect();
    assert_eq!(lost, [false, true, false], "{fault:?}");
    // All are on this machine, the lost one, too.
    let hosts = all.shards.iter().map(|it| &it.host);
    assert!(
        hosts
            .clone()
            .all(|it| it.is_some() && *it == all.shards[0].host)
    );
    assert_eq!(all.totals.exchanges.failed, 0, "{fault:?}");
    // A third of the arrivals until the run was stopped, and none of those that were to come.
    let dropped = if period == Period::WarmUp {
        let mut periods = all.periods.iter();
        let warmup = periods.find(|it| it.period == Period::WarmUp);
        warmup.expect("a warm-up").totals.starts.dropped
    } else {
        let journeys = all.journeys.iter();
        let drops = journeys.map(|it| it.counts.drops.of(DropReason::LostShard));
        drops.sum()
    };
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let dropped = dropped as f64;
    assert!(dropped > 0.0, "{fault:?}");
    assert!(
        dropped <= longest * RATE / 3.0 + 1.0,
        "{fault:?}: {dropped} of {longest} s"
    );
    // What the lost one has pushed, or may have, it alone knows.
    if fault == Fault::Killed {
        return;
    }
    let part = run.report(1).expect("a report");
    let pushed = part.stored.map_or(0, |it| {
        let iterations = it.iterations.iter().flat_map(|it| &it.numbers);
        iterations.map(|(_, count)| count).sum()
    });
    assert!(run.left() <= pushed, "{fault:?}: {} {pushed}", run.left());
}

/// Without the first one the others stop, and their reports are written.
fn without_the_first(fault: Fault, period: Period) {
    let mut run = Run::start(2, true, Held::Nothing, &endless(period));
    wait_for(|| (run.answered(Operation::ManifestGet, 200) > 10).then_some(()));
    run.lose(0, fault);
    assert_eq!(run.end(1), Some(130), "{fault:?}: {}", run.said(1));
    let lost = "the first shard is lost";
    assert!(run.said(1).contains(lost), "{fault:?}: {}", run.said(1));
    let part = run.report(1).expect("a report");
    assert!(part.closure.holds(), "{fault:?}");
    assert_eq!(part.totals.exchanges.failed, 0, "{fault:?}");
    assert!(part.stored.is_some(), "{fault:?}: clean-up needs it");
    if fault == Fault::Killed {
        assert_eq!(run.report(0), None);
        return;
    }
    run.recover(0, fault);
    // It has lost all others, and goes on.
    wait_for(|| run.said(0).contains("lost     shard 1: ").then_some(()));
    run.shards[0].signal("INT");
    assert_eq!(run.end(0), Some(130), "{fault:?}: {}", run.said(0));
    let all = run.report(0).expect("a report");
    assert!(all.closure.holds(), "{fault:?}: {:?}", all.closure);
    assert!(all.shards[1].lost, "{fault:?}");
}

/// The others have ended with their reports handed over before anything is deleted: none of them can be lost then.
#[test]
fn the_first_shard_is_lost_while_it_cleans_up() {
    each_fault(|fault| {
        let mut run = Run::start(3, true, Held::Requests(b"DELETE "), SHORT);
        wait_for(|| run.target.is_holding().then_some(()));
        for other in [1, 2] {
            assert_eq!(run.end(other), Some(0), "{fault:?}: {}", run.said(other));
        }
        run.lose(0, fault);
        if fault == Fault::Killed {
            assert_eq!(run.end(0), None);
            // It has the report of all before it deletes anything, and with it all can be deleted.
            let all = run.report(0).expect("what all have measured");
            assert!(all.closure.holds(), "{:?}", all.closure);
            assert!(all.shards.len() == 3 && all.shards.iter().all(|it| !it.lost));
            assert_eq!(all.totals.iterations.ok, 18);
            assert!(
                all.notes
                    .iter()
                    .any(|it| it.contains("clean-up had not ended"))
            );
            run.target.hold(Held::Nothing);
            let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
                .args(["clean-up", "s.toml", "0.json"])
                .current_dir(run.dir.path())
                .output()
                .expect("the program runs");
            assert!(output.status.success(), "{output:?}");
            // What was held back may be deleting, too.
            wait_for(|| (run.left() == 0).then_some(()));
            return;
        }
        run.recover(0, fault);
        run.target.hold(Held::Nothing);
        // Its numbers may be no good on a busy machine.
        let code = run.end(0);
        assert!(matches!(code, Some(0 | 4)), "{fault:?}: {}", run.said(0));
        let all = run.report(0).expect("a report");
        assert!(all.closure.holds(), "{fault:?}: {:?}", all.closure);
        assert!(all.shards.iter().all(|it| !it.lost), "{fault:?}");
        assert_eq!(all.totals.exchanges.failed, 0, "{fault:?}");
        assert!(all.stored.is_none() && !all.notes.iter().any(|it| it.contains("clean-up")));
        assert_eq!(run.left(), 0, "{fault:?}");
    });
}
