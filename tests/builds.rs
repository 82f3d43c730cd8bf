//! Two builds, compared as a user does it: `ab` against two live registries, `compare` on what it stored. A binary of its
//! own, and one test at a time: whatever runs beside a comparison is noise in it. What a comparison decides is asserted where
//! no chance of a machine's noise decides otherwise, or tried until the machine is quiet; its level is proved by simulation
//! (`tests/it/sessions.rs`).

/// Comparisons that have a time.
#[path = "builds/budget.rs"]
mod budget;
/// Whether the machine was quiet.
mod machine;
/// Processor time of the target.
#[path = "builds/processor_time.rs"]
mod processor_time;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Registry, Running, Settings};
use regstorm::measure::PackedHistogram;
use regstorm::result::{Comparison, ComparisonVerdict, Decision, Document, Method};
use regstorm::schedule::Side;
use tempfile::TempDir;

use machine::{Beside, Claimed, claim, tried};

/// Sixteen users who pull small images as fast as they can.
const PULL: &str = r#"name = "builds"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 2
layers = 2
layer_size = "4KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "constant-vus"
vus = 16
duration = "10s"
"#;

/// Five pairs of one short slice a side. The margin is far beyond the noise of so short a slice.
const SHORT: [&str; 3] = ["--slices=1", "--slice=300ms", "--settle=50ms"];

/// The same with room for twice the forty pulls that a median takes of the slower registry, also on a machine that is slow.
const DECIDING: [&str; 3] = ["--slices=1", "--slice=600ms", "--settle=50ms"];

const GATE: &str = "pull.response_time p(50)=30%";

/// No number of short pairs shows so little, nor that it is less.
const NEVER: &str = "--gate=pull.response_time p(50)=0.0001%";

/// How often a comparison is made when the machine is not quiet. Each takes some five seconds.
const TRIES: u32 = 4;

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    // A test that failed has said so itself.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A registry whose every answer takes so long.
fn registry(delay: u64) -> Running {
    let delay = FaultKind::Delay(Duration::from_millis(delay));
    let settings = Settings {
        faults: vec![Fault::everywhere(delay)],
        ..Settings::default()
    };
    Registry::start(settings).expect("a registry on a free port")
}

struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new(scenario: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("test.toml"), scenario).expect("a file");
        Self { dir }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn regstorm(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    fn ab(&self, base: &str, candidate: &str, more: &[&str]) -> Command {
        let mut command = self.ab_whole(base, candidate, more);
        command.args(SHORT);
        command
    }

    /// Each slice is a whole run.
    fn ab_whole(&self, base: &str, candidate: &str, more: &[&str]) -> Command {
        let mut command = self.regstorm(&["ab", "test.toml", "--base", base]);
        command
            .args(["--candidate", candidate, "--pairs=5", "--gate", GATE])
            .args(["--order-seed=1", "--out=comparison.json"])
            .args(more);
        command
    }

    /// As many pairs as these arguments ask for.
    fn within(&self, base: &str, candidate: &str, more: &[&str]) -> Command {
        let mut command = self.regstorm(&["ab", "test.toml", "--base", base]);
        command
            .args(["--candidate", candidate])
            .args(["--order-seed=1", "--out=comparison.json"])
            .args(more);
        command
    }

    fn comparison(&self) -> Comparison {
        Comparison::load(&self.path("comparison.json")).expect("a comparison")
    }
}

/// Made anew until it ends with that code, unless the machine is never quiet.
fn ends(mut make: impl FnMut() -> Command, code: i32) -> Option<String> {
    tried(TRIES, Beside::Nobody, || {
        let output = make().output().expect("the program runs");
        ended_with(&output, code)
    })
}

fn ended_with(output: &Output, code: i32) -> Claimed<String> {
    let shown = shown(output);
    let is = output.status.code();
    claim!(is == Some(code), "{is:?} and not {code}: {shown}");
    Ok(shown)
}

#[track_caller]
fn ended(mut command: Command, code: i32) -> String {
    let output = command.output().expect("the program runs");
    let shown = shown(&output);
    assert_eq!(output.status.code(), Some(code), "{shown}");
    shown
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_slower_build_is_a_regression_live_and_from_its_stored_reports() {
    let _alone = alone();
    let (fast, slow) = (registry(20), registry(40));
    let bench = Bench::new(PULL);
    let compared = tried(TRIES, Beside::Nobody, || {
        // Reports of another session would stand among these.
        let _ = fs::remove_dir_all(bench.path("reports"));
        let mut ab = bench.ab_whole(&fast.url(), &slow.url(), &["--reports", "reports"]);
        let output = ab.args(DECIDING).output().expect("the program runs");
        let said = ended_with(&output, 1)?;
        // Two waits of 20 ms one after the other became two of 40 ms; the client's own share is not doubled.
        let change = bench.comparison().metrics[0].change.expect("a change");
        claim!((0.3..1.2).contains(&change), "a change of {change}");
        Ok(said)
    });
    let Some(said) = compared else { return };
    assert!(said.contains("REGRESSION"), "{said}");
    assert!(said.contains("pull.response_time p(50)"), "{said}");
    let live = bench.comparison();
    assert_eq!(live.verdict, ComparisonVerdict::Regression);
    assert_eq!(live.design.method, Method::Paired);
    assert_eq!(live.design.orders.len(), 5);
    let metric = &live.metrics[0];
    assert_eq!(metric.decision, Decision::Regression);
    assert_eq!(metric.pairs.len(), 5);
    // Both sides are there whole: all slices of all pairs.
    let window = |it: &Document| it.window_us;
    assert_eq!(window(&live.base), 5 * 600_000);
    assert_eq!(window(&live.candidate), 5 * 600_000);
    assert!(live.base.closure.holds() && live.candidate.closure.holds());
    for side in [&live.base, &live.candidate] {
        let pull = &side.journeys[0];
        let ok = pull.counts.outcomes.ok;
        assert_eq!(pull.latencies.response_time.count(), ok);
        let metric = "pull.response_time".parse().expect("a metric");
        let series = side.latency_over_time(&metric);
        let windows = &series.expect("windows of the journey").windows;
        let in_windows: u64 = windows.iter().map(PackedHistogram::count).sum();
        assert_eq!(in_windows, ok);
    }

    // The stored reports are the same pairs, in whatever order they are named.
    let files = |side: Side| {
        let names = (1..=5)
            .rev()
            .map(|it| format!("reports/pair-{it:03}-{}.json", side.name()));
        names.collect::<Vec<_>>()
    };
    let mut compare = bench.regstorm(&["compare", "--gate", GATE, "--out", "stored.json"]);
    compare
        .args(files(Side::Base))
        .arg("--")
        .args(files(Side::Candidate));
    ended(compare, 1);
    let stored = Comparison::load(&bench.path("stored.json")).expect("a comparison");
    assert_eq!(stored.design.method, Method::Paired);
    assert_eq!(stored.design.orders, live.design.orders);
    assert_eq!(stored.metrics[0].pairs, metric.pairs);
    assert_eq!(stored.metrics[0].change, metric.change);

    // On the wrong sides they are refused: the verdict would be the wrong way round.
    let mut compare = bench.regstorm(&["compare"]);
    compare
        .args(files(Side::Candidate))
        .arg("--")
        .args(files(Side::Base));
    let said = ended(compare, 2);
    assert!(said.contains("made as the candidate"), "{said}");

    // Without partners they are two groups, and one each is too little to fail a build by.
    let mut compare = bench.regstorm(&["compare", "--gate", GATE, "--out", "groups.json"]);
    compare
        .args(files(Side::Base))
        .arg("--")
        .args(&files(Side::Candidate)[..4]);
    ended(compare, 3);
    let groups = Comparison::load(&bench.path("groups.json")).expect("a comparison");
    assert_eq!(groups.design.method, Method::Unpaired);
    assert!(
        groups.metrics[0]
            .why
            .as_ref()
            .is_some_and(|it| it.contains("too few runs"))
    );
    let mut compare = bench.regstorm(&["compare", "--gate", GATE]);
    compare.args([&files(Side::Base)[0], &files(Side::Candidate)[1]]);
    let said = ended(compare, 3);
    assert!(said.contains("one run each"), "{said}");
}

#[test]
fn a_faster_build_is_an_improvement_and_passes() {
    let _alone = alone();
    let (fast, slow) = (registry(20), registry(40));
    let bench = Bench::new(PULL);
    let compared = tried(TRIES, Beside::Nobody, || {
        let mut ab = bench.ab_whole(&slow.url(), &fast.url(), &[]);
        let output = ab.args(DECIDING).output().expect("the program runs");
        let said = ended_with(&output, 0)?;
        // A pass that is no improvement is what noise makes of one.
        claim!(said.contains("improvement"), "{said}");
        Ok(())
    });
    if compared.is_none() {
        return;
    }
    let comparison = bench.comparison();
    assert_eq!(comparison.verdict, ComparisonVerdict::Pass);
    assert_eq!(comparison.metrics[0].decision, Decision::Improvement);
    assert!(comparison.metrics[0].change.is_some_and(|it| it < -0.23));
}

/// Pushes, too: what one side pushed is new to the other, though both are one registry.
///
/// An alarm takes five differences whose mean is 30% or more (0.26 in logarithms). Did pairs differ with a standard deviation of
/// 10%, several times what they do on a quiet machine, then that mean would be 5.8 of its own deviations away: twenty
/// comparisons raise an alarm by chance less than once in ten million times.
#[test]
fn one_build_against_itself_raises_no_alarm() {
    let _alone = alone();
    let same = registry(20);
    let push = PULL.replace(
        "[journey.pull]\naction = \"pull\"",
        "[journey.pull]\naction = \"push\"",
    );
    let pull = Bench::new(PULL);
    let push = Bench::new(&push);
    for number in 0..20 {
        let bench = if number % 4 == 0 { &push } else { &pull };
        let seed = format!("--set=seed={number}");
        let _ = tried(TRIES, Beside::Nobody, || {
            let mut ab = bench.ab(&same.url(), &same.url(), &[&seed]);
            let output = ab.output().expect("it runs");
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 1 | 3 | 4)), "{}", shown(&output));
            let comparison = bench.comparison();
            let sides = [&comparison.base, &comparison.candidate];
            let failed = sides.map(|it| it.totals.exchanges.failed);
            assert_eq!(failed, [0, 0], "{:?}", comparison.base.failures);
            claim!(code != Some(1), "an alarm: {}", shown(&output));
            Ok(())
        });
    }
}

/// Not a regression, though the candidate is twice as slow: two users cannot start 400 pulls a second.
#[test]
fn a_generator_that_cannot_keep_up_makes_it_invalid() {
    let _alone = alone();
    let (fast, slow) = (registry(20), registry(40));
    // Users that pause are missing by the plan's doing. Those that wait for the target would be missing by the target's.
    let open = PULL
        .replace("constant-vus", "constant-arrival-rate")
        .replace("vus = 16", "rate = 400\nmax_vus = 2")
        .replace(
            "images = \"web\"",
            "images = \"web\"\nthink_time = \"400ms\"",
        );
    let bench = Bench::new(&open);
    let said = ended(bench.ab(&fast.url(), &slow.url(), &[]), 4);
    assert!(
        said.contains("INVALID") && said.contains("dropped"),
        "{said}"
    );
    let comparison = bench.comparison();
    assert_eq!(comparison.verdict, ComparisonVerdict::Invalid);
    assert!(!comparison.discarded.is_empty());
    // As the user says.
    ended(bench.ab(&fast.url(), &slow.url(), &["--invalid=pass"]), 0);
    ended(bench.ab(&fast.url(), &slow.url(), &["--invalid=fail"]), 1);
}

#[test]
fn what_is_open_ends_as_the_user_says() {
    let _alone = alone();
    let same = registry(20);
    let bench = Bench::new(PULL);
    // Sixteen users whose pulls take two waits of 20 ms make 120 in 300 ms at the most. p99.9 is known from 1,000: no pair
    // says anything of it, whatever the machine does.
    let open = "--gate=pull.response_time p(99.9)=5%";
    let with = |more: &str| bench.ab(&same.url(), &same.url(), &[open, more]);
    for (option, code) in [
        ("--reports=reports", 3),
        ("--inconclusive=pass", 0),
        ("--inconclusive=fail", 1),
    ] {
        if ends(|| with(option), code).is_none() {
            return;
        }
    }
    // The same from what the first of them stored.
    let stored = |more: &[&str]| {
        let mut compare = bench.regstorm(&["compare", open]);
        compare.args(more);
        for side in [Side::Base, Side::Candidate] {
            let name = |pair| format!("reports/pair-{pair:03}-{}.json", side.name());
            compare.args((1..=5).map(name));
            if side == Side::Base {
                compare.arg("--");
            }
        }
        compare
    };
    ended(stored(&[]), 3);
    ended(stored(&["--inconclusive=pass"]), 0);
    ended(stored(&["--inconclusive=fail"]), 1);
    let said = ended(with("--no-such-flag"), 2);
    assert!(said.contains("--no-such-flag"), "{said}");
}

#[test]
fn a_load_that_cannot_be_cut_is_run_whole() {
    let _alone = alone();
    let (fast, slow) = (registry(5), registry(40));
    let counted = PULL
        .replace("constant-vus", "per-vu-iterations")
        .replace("duration = \"10s\"", "iterations = 4");
    let bench = Bench::new(&counted);
    // Asked for slices, it says that there are none to be had, and sends nothing.
    let said = ended(bench.ab(&fast.url(), &slow.url(), &[]), 2);
    assert!(said.contains("cannot be cut"), "{said}");
    assert_eq!(fast.counts().requests, 0);
    let ab = || bench.ab_whole(&fast.url(), &slow.url(), &["--reports", "reports"]);
    if ends(ab, 1).is_none() {
        return;
    }
    let comparison = bench.comparison();
    assert_eq!(comparison.design.slice_us, None);
    // Sixteen users, four pulls each, five pairs.
    assert_eq!(comparison.base.totals.iterations.ok, 16 * 4 * 5);
    assert_eq!(comparison.candidate.totals.iterations.ok, 16 * 4 * 5);
}

/// A run that is a number of starts lasts as long as the registry lets it: the slower one has fewer of them in a second, and
/// is offered as many.
#[test]
fn a_rollout_that_takes_longer_is_a_regression_and_no_other_load() {
    let _alone = alone();
    let (fast, slow) = (registry(5), registry(60));
    let rollout = PULL
        .replace("constant-vus", "at-once")
        .replace("vus = 16", "vus = 40")
        .replace("duration = \"10s\"", "within = \"1s\"");
    let bench = Bench::new(&rollout);
    let ab = || bench.ab_whole(&fast.url(), &slow.url(), &[]);
    let Some(said) = ends(ab, 1) else { return };
    assert!(!said.contains("differs"), "{said}");
    let comparison = bench.comparison();
    assert_eq!(comparison.verdict, ComparisonVerdict::Regression);
    assert_eq!(comparison.base.totals.starts.scheduled, 5 * 40);
    assert!(comparison.candidate.window_us > comparison.base.window_us);
}

/// Pairs that are made again are kept apart from those that count.
#[test]
fn the_reports_of_discarded_pairs_are_kept() {
    let _alone = alone();
    let same = registry(20);
    let open = PULL
        .replace("constant-vus", "constant-arrival-rate")
        .replace("vus = 16", "rate = 400\nmax_vus = 2");
    let bench = Bench::new(&open);
    ended(
        bench.ab(&same.url(), &same.url(), &["--reports", "reports"]),
        4,
    );
    let discarded = bench.comparison().discarded.len();
    let kept = fs::read_dir(bench.path("reports/discarded")).expect("a directory");
    assert_eq!(kept.count(), 2 * discarded);
}

#[test]
fn stored_reports_that_prove_nothing_are_refused_or_told_as_defects() {
    let _alone = alone();
    let same = registry(1);
    let bench = Bench::new(PULL);
    let short = ["run", "test.toml", "--set=load.duration=300ms", "--target"];
    for name in ["one.json", "two.json"] {
        let mut run = bench.regstorm(&short);
        run.args([&same.url(), "--out", name]);
        // What follows says nothing of the generator, which a machine may have held up.
        let output = run.output().expect("the program runs");
        assert!(
            matches!(output.status.code(), Some(0 | 4)),
            "{}",
            shown(&output)
        );
    }
    let compare = |arguments: &[&str]| {
        let mut command = bench.regstorm(&["compare"]);
        command.args(arguments);
        command
    };
    let said = ended(compare(&["one.json", "one.json", "--", "two.json"]), 2);
    assert!(said.contains("one report twice"), "{said}");
    let said = ended(
        compare(&["one.json", "--", "two.json", "--gate=capacity"]),
        2,
    );
    assert!(said.contains("options go in front"), "{said}");
    // A format of one run, and two results on one output.
    let said = ended(compare(&["--csv", "x.csv", "one.json", "two.json"]), 2);
    assert!(said.contains("--csv is of one run"), "{said}");
    let said = ended(compare(&["--out=-", "--html=-", "one.json", "two.json"]), 2);
    assert!(said.contains("only one result"), "{said}");
    // Sums that do not close are a defect, also where an invalid comparison is to pass.
    let path = bench.path("two.json");
    let mut broken = Document::load(&path).expect("a report");
    broken.closure.sums[0].left += 1;
    broken.save(&path).expect("a file");
    ended(compare(&["--invalid=pass", "one.json", "two.json"]), 70);
}

#[test]
fn a_hook_runs_before_each_pair_and_its_failure_ends_the_comparison() {
    let _alone = alone();
    let same = registry(1);
    let bench = Bench::new(PULL);
    let hook =
        "echo $REGSTORM_PAIR $REGSTORM_BASE $REGSTORM_CANDIDATE >> hooks; test $REGSTORM_PAIR != 4";
    // Of two numbers of pairs the last counts. Of a thousand so many may be made again that the fourth is come to.
    let arguments = ["--before-pair", hook, "--pairs=1000"];
    let said = ended(bench.ab(&same.url(), &same.url(), &arguments), 5);
    assert!(said.contains("--before-pair: before pair 4"), "{said}");
    let told = fs::read_to_string(bench.path("hooks")).expect("what the hook wrote");
    let line = |pair: u32| format!("{pair} {0} {0}", same.url());
    // A pair that the machine spoiled is made again, with its hook.
    let mut told: Vec<_> = told.lines().collect();
    told.dedup();
    assert_eq!(told, (1..=4).map(line).collect::<Vec<_>>());
    // What was measured before is kept, and says that it is not the end.
    let comparison = bench.comparison();
    assert_eq!(comparison.design.base_runs, 3);
    assert_eq!(comparison.verdict, ComparisonVerdict::Inconclusive);
    let slow = ["--before-pair", "sleep 600", "--patience", "300ms"];
    let said = ended(bench.ab(&same.url(), &same.url(), &slow), 5);
    assert!(said.contains("not done after 300ms"), "{said}");
}

/// Ends what it started, however the test ends.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test waits for another process"
)]
fn wait_for(path: &Path) {
    for _ in 0..60_000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain for {}", path.display());
}

#[test]
fn an_interrupted_comparison_keeps_its_pairs() {
    let _alone = alone();
    let same = registry(1);
    for until in ["--pairs=1000", "--budget=1h"] {
        interrupted(&same, until);
    }
}

fn interrupted(same: &Running, until: &str) {
    let bench = Bench::new(PULL);
    let mut ab = bench.within(
        &same.url(),
        &same.url(),
        &["--reports=reports", until, NEVER],
    );
    ab.args(SHORT);
    let child = ab.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = Started(child.expect("the program runs"));
    wait_for(&bench.path("reports/pair-002-candidate.json"));
    let pid = child.0.id().to_string();
    let killed = Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    assert!(killed.success());
    assert_eq!(child.0.wait().expect("it ends").code(), Some(130));
    let comparison = bench.comparison();
    assert!(comparison.design.base_runs >= 2);
    assert_eq!(comparison.verdict, ComparisonVerdict::Inconclusive);
    assert!(
        comparison
            .reasons
            .iter()
            .any(|it| it.contains("interrupted"))
    );
}

#[test]
fn a_build_that_dies_ends_the_comparison_and_loses_nothing() {
    let _alone = alone();
    let same = registry(1);
    let bench = Bench::new(PULL);
    for until in ["--pairs=1000", "--budget=1h"] {
        died(&same, &bench, until);
    }
}

fn died(same: &Running, bench: &Bench, until: &str) {
    // Reports of another comparison would be waited for.
    let _ = fs::remove_dir_all(bench.path("reports"));
    let dying = Bench::new(PULL);
    let serve = dying
        .regstorm(&["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut serve = Started(serve.expect("a registry"));
    let url = {
        use std::io::{BufRead as _, BufReader};
        let lines = BufReader::new(serve.0.stdout.take().expect("its output")).lines();
        let mut found = lines.map_while(Result::ok).filter_map(|line| {
            let start = line.find("http://")?;
            let rest = &line[start..];
            let end = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
            Some(
                rest[..end]
                    .trim_end_matches("/v2/")
                    .trim_end_matches('/')
                    .to_owned(),
            )
        });
        found.next().expect("where it listens")
    };
    let mut ab = bench.within(&same.url(), &url, &["--reports=reports", until, NEVER]);
    ab.args(SHORT);
    let child = ab.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = Started(child.expect("the program runs"));
    wait_for(&bench.path("reports/pair-002-candidate.json"));
    drop(serve);
    assert_eq!(child.0.wait().expect("it ends").code(), Some(5));
    let comparison = bench.comparison();
    assert!(comparison.design.base_runs >= 2);
    assert_ne!(comparison.verdict, ComparisonVerdict::Pass);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    let _alone = alone();
    let same = registry(1);
    let bench = Bench::new(PULL);
    fs::write(
        bench.path("gates.toml"),
        "[[gate]]\nmetric = \"pull.response_time p(99)\"\nmargin = \"0%\"\nlimit = 3\n",
    )
    .expect("a file");
    for (arguments, said) in [
        (
            &["--gates", "gates.toml"][..],
            &["a margin is more than nothing", "unknown key `limit`"][..],
        ),
        (
            &["--gates", "nothing.toml"],
            &["cannot read the gates nothing.toml"],
        ),
        (
            &["--gate", "pull.response_time max"],
            &["cannot be compared"],
        ),
        (
            &["--gate", "push.response_time p(50)"],
            &["unknown journey or operation `push`"],
        ),
        (&["--pairs=4"], &["at least 5 pairs"]),
        (&["--patience=500years"], &["at most 24h"]),
        (&["--reports", "test.toml/x"], &["--reports"]),
        (&["--out", "no/such/place.json"], &["--out"]),
        (&["--bencher", "x.json"], &["--bencher is of one run"]),
        (&["--label", "a b=c"], &["--label"]),
    ] {
        let shown = ended(bench.ab(&same.url(), &same.url(), arguments), 2);
        for said in said {
            assert!(shown.contains(said), "{said}: {shown}");
        }
    }
    assert_eq!(same.counts().requests, 0);
}
