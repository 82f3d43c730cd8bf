//! What a run comes to, as a user sees it: exit codes, the lines that say why, and what the report keeps.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regstorm::embedded::{Fault, FaultKind, Lengths, Running, Settings};
use regstorm::health::{Signal, Verdict};
use regstorm::measure::{DropCause, Period};
use regstorm::oci::Operation;
use regstorm::result::{Document, RunVerdict};

use crate::machine::{Beside, claim, tried};
use crate::support::{plan, registry, settled};

/// How often a run is made while the machine holds the generator up.
const TRIES: u32 = 5;

/// Pulls of one tiny layer, a load, and what is expected of it.
fn scenario(load: &str, thresholds: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\nparallel = 1\n\
         [[load]]\njourney = \"pull\"\n{load}\n{thresholds}"
    )
}

fn threshold(metric: &str, expect: &str, more: &str) -> String {
    format!("[[threshold]]\nmetric = \"{metric}\"\nexpect = \"{expect}\"\n{more}\n")
}

/// What the program says and stores of a scenario.
struct Ran {
    code: Option<i32>,
    shown: String,
    report: Document,
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    command
        .args(["run", "test.toml", "--out", "report.json"])
        .current_dir(dir)
        .env("XDG_STATE_HOME", dir)
        .stdin(Stdio::null());
    command
}

fn run(toml: &str, arguments: &[&str]) -> Ran {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), toml).expect("a file");
    let output: Output = command(dir.path())
        .args(arguments)
        .output()
        .expect("the program runs");
    let shown = String::from_utf8(output.stdout).expect("text");
    let said = String::from_utf8(output.stderr).expect("text");
    let report = Document::load(&dir.path().join("report.json"));
    Ran {
        code: output.status.code(),
        report: report.unwrap_or_else(|error| panic!("{error}: {shown}{said}")),
        shown,
    }
}

/// The same, made again when the machine held the generator up, which makes any run invalid; nothing when it always did.
fn run_valid(toml: &str, arguments: &[&str]) -> Option<Ran> {
    tried(TRIES, Beside::Tests, || {
        let ran = run(toml, arguments);
        claim!(ran.code != Some(4), "{}", ran.shown);
        Ok(ran)
    })
}

const TWENTY: &str = "executor = \"shared-iterations\"\nvus = 2\niterations = 200";

#[test]
fn thresholds_decide_the_exit_code() {
    let holds = threshold("pull.errors", "rate < 1%", "");
    let broken = threshold("manifest-get.requests", "count < 200", "");
    let open = threshold("pull.response_time", "p(99.9) < 1h", "");
    let many = threshold("pull.response_time", "med < 59m", "min_samples = 201");
    for (thresholds, code, verdict, word) in [
        (
            holds.clone(),
            0,
            RunVerdict::Pass,
            "PASS   1 of 1 thresholds hold",
        ),
        (
            holds.clone() + &broken,
            1,
            RunVerdict::Fail,
            "FAIL   1 of 2 thresholds broken",
        ),
        (
            holds.clone() + &many,
            3,
            RunVerdict::Inconclusive,
            "1 of 2 thresholds cannot be decided",
        ),
        (
            broken + &many,
            1,
            RunVerdict::Fail,
            "FAIL   1 of 2 thresholds broken",
        ),
    ] {
        let Some(ran) = run_valid(&scenario(TWENTY, &thresholds), &[]) else {
            return;
        };
        assert_eq!(ran.code, Some(code), "{}", ran.shown);
        assert_eq!(ran.report.verdict, verdict);
        assert!(ran.shown.contains(word), "{}", ran.shown);
        assert!(ran.report.closure.holds());
    }
    // A limit that the histogram cannot tell from its end is refused before anything is sent.
    let dir = tempfile::tempdir().expect("a directory");
    let text = scenario(TWENTY, &open);
    std::fs::write(dir.path().join("test.toml"), text).expect("a file");
    let output = command(dir.path()).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_breach_ends_the_run_when_it_is_asked_to() {
    // Every answer takes 50 ms: 20 pulls a second break the limit, with 10 samples after half a second.
    let slow = FaultKind::DrawnDelay(
        Lengths::uniform(
            std::time::Duration::from_millis(50),
            std::time::Duration::from_millis(51),
        )
        .expect("a range"),
    );
    let registry = registry(Settings {
        faults: vec![Fault::everywhere(slow)],
        ..Settings::default()
    });
    let load = "executor = \"constant-arrival-rate\"\nrate = 20\nduration = \"5m\"\nmax_vus = 50\ngraceful_stop = \"5s\"";
    let limit = threshold(
        "pull.response_time",
        "med < 20ms",
        "min_samples = 10\nabort_on_fail = true\ndelay_abort_eval = \"1s\"",
    );
    let ran = run_valid(&scenario(load, &limit), &["--target", &registry.url()]);
    let Some(ran) = ran else { return };
    assert_eq!(ran.code, Some(1), "{}", ran.shown);
    assert!(!ran.report.interrupted, "nobody pressed Ctrl-C");
    assert!(ran.report.thresholds[0].ended_run);
    let window = ran.report.window();
    // Five minutes were planned; it ended after the delay.
    assert!(window >= std::time::Duration::from_secs(1), "{window:?}");
    assert!(window < std::time::Duration::from_mins(4), "{window:?}");
    assert!(ran.shown.contains("ended the run"), "{}", ran.shown);
    assert!(ran.report.closure.holds());
}

/// Two users for 20 arrivals a second that take 0.6 s each: 18 are due, of which four begin, or fewer. So few, and in so
/// short a time, that of the generator only dropped starts are judged.
const TOO_MUCH: &str = "executor = \"constant-arrival-rate\"\nrate = 20\nduration = \"900ms\"\nmax_vus = 2\ngraceful_stop = \"50s\"";

/// A run in which the generator was never so late that it took the blame itself; `None` where the machine is too busy.
fn undisturbed(mut run: impl FnMut() -> Ran) -> Option<Ran> {
    let alone = |ran: &Ran| {
        let causes = &ran.report.journeys[0].counts.drop_causes;
        causes.iter().map(|it| it.0).eq([DropCause::Target])
    };
    (0..20).map(|_| run()).find(alone)
}

#[test]
fn a_target_that_does_not_keep_up_is_a_finding_and_no_invalid_run() {
    let slow = FaultKind::Delay(std::time::Duration::from_millis(200));
    let registry = registry(Settings {
        faults: vec![Fault::everywhere(slow)],
        ..Settings::default()
    });
    for (metric, expect, code, word) in [
        // The ones that began are too slow already, whatever the others would have been.
        ("pull.response_time", "max < 500ms", 1, "FAIL   1 of 1"),
        ("pull.dropped", "count == 0", 1, "FAIL   1 of 1"),
        // That depends on those that never began.
        (
            "pull.response_time",
            "max < 59m",
            3,
            "INCONCLUSIVE   1 of 1",
        ),
        // So few iterations pass for nothing.
        (
            "pull.errors",
            "rate < 1%",
            3,
            "planned starts were dropped, and no threshold accounts for them",
        ),
        // Both floor and ceiling keep it: the fewest are half of all.
        ("pull.dropped", "rate > 50%", 0, "PASS   1 of 1"),
    ] {
        let toml = scenario(TOO_MUCH, &threshold(metric, expect, ""));
        let Some(ran) = undisturbed(|| run(&toml, &["--target", &registry.url()])) else {
            return;
        };
        assert_eq!(ran.code, Some(code), "{expect}: {}", ran.shown);
        assert!(ran.shown.contains(word), "{expect}: {}", ran.shown);
        assert_ne!(ran.report.generator.health.verdict(), Verdict::Invalid);
        let reasons = &ran.report.generator.health.reasons;
        assert!(
            reasons
                .iter()
                .any(|it| it.signal == Signal::DroppedByTarget)
        );
        assert!(
            !ran.shown.contains("generator was the limit"),
            "{}",
            ran.shown
        );
        assert_eq!(ran.report.totals.starts.scheduled, 18);
        assert!(ran.report.totals.starts.dropped >= 14);
        assert!(ran.report.closure.holds());
    }
    // The same without a limit: nothing is judged, and the word for that is no PASS.
    let ran = undisturbed(|| run(&scenario(TOO_MUCH, ""), &["--target", &registry.url()]));
    let Some(ran) = ran else { return };
    assert_eq!(ran.code, Some(0), "{}", ran.shown);
    assert_eq!(ran.report.verdict, RunVerdict::NotJudged);
    let (started, dropped) = (
        ran.report.totals.starts.started,
        ran.report.totals.starts.dropped,
    );
    let said = format!(
        "NOT JUDGED   0 of {started} iterations failed, {dropped} dropped, nothing was judged"
    );
    assert!(ran.shown.contains(&said), "{said}: {}", ran.shown);
}

#[test]
fn too_few_users_for_their_think_time_make_a_run_invalid_and_say_so() {
    // 40 arrivals a second, after each of which a user thinks for a minute: there are 2.
    let load = "executor = \"constant-arrival-rate\"\nrate = 40\nduration = \"2500ms\"\nmax_vus = 2\ngraceful_stop = \"5s\"";
    // It would hold: latencies know nothing of what never began.
    let limit = threshold("pull.response_time", "max < 59m", "");
    let toml =
        scenario(load, &limit).replace("parallel = 1\n", "parallel = 1\nthink_time = \"1m\"\n");
    let ran = run(&toml, &[]);
    assert_eq!(ran.code, Some(4), "{}", ran.shown);
    assert_eq!(ran.report.verdict, RunVerdict::Invalid);
    assert_eq!(ran.report.generator.health.verdict(), Verdict::Invalid);
    assert!(ran.shown.contains("dropped-no-vu"), "{}", ran.shown);
    assert!(ran.shown.contains("INVALID"), "{}", ran.shown);
    assert_eq!(ran.report.totals.starts.scheduled, 100);
    assert!(ran.report.totals.starts.dropped > 50);
}

#[test]
fn more_than_the_machine_can_do_is_invalid_and_no_failure_of_the_target() {
    // No machine starts half a million pulls a second; what waits for a user waits for the generator here.
    let load = "executor = \"constant-arrival-rate\"\nrate = 500000\nduration = \"2500ms\"\nmax_vus = 64\non_no_vu = \"queue\"\n\
                max_queue = 1000\ngraceful_stop = \"100ms\"";
    let limit = threshold("pull.response_time", "p(99) < 1ms", "");
    let ran = run(&scenario(load, &limit), &[]);
    assert_eq!(ran.code, Some(4), "{}", ran.shown);
    let reasons = ran.shown.lines().filter(|line| line.contains("invalid: "));
    assert!(reasons.count() >= 1, "{}", ran.shown);
    assert!(
        ran.shown.contains("start-lag") || ran.shown.contains("dropped-queue-full"),
        "{}",
        ran.shown
    );
    assert!(ran.report.closure.holds());
}

#[test]
fn a_plan_without_room_for_its_connections_says_how_many_fit() {
    let dir = tempfile::tempdir().expect("a directory");
    let load = "executor = \"constant-vus\"\nvus = 500\nduration = \"1s\"";
    std::fs::write(dir.path().join("test.toml"), scenario(load, "")).expect("a file");
    let program = env!("CARGO_BIN_EXE_regstorm");
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -n 500 && exec {program} run test.toml"),
        ])
        .current_dir(dir.path())
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).expect("text");
    // 500 less 128 for everything else are 372, two for each connection to a registry in the same process.
    assert!(
        said.contains("500 connections") && said.contains("186 fit"),
        "{said}"
    );
    assert!(
        said.contains("ulimit -n") && said.contains("nothing was sent"),
        "{said}"
    );
}

#[test]
fn a_search_tells_the_capacity_and_every_trial() {
    // Two users and 20 ms for each of three answers: 33 pulls a second at the most. The cap on users breaks first.
    let slow = FaultKind::Delay(std::time::Duration::from_millis(20));
    let registry = registry(Settings {
        faults: vec![Fault::everywhere(slow)],
        ..Settings::default()
    });
    let load = "executor = \"capacity-search\"\nstart_rate = 4\nmax_vus = 2\nprecision = 0.5\nsettle = \"100ms\"\nhold = \"1s\"\n\
                confirm = \"1s\"\ngraceful_stop = \"5s\"";
    let limit = threshold("pull.response_time", "max < 30s", "");
    // A machine that is busy elsewhere may keep the generator from any rate, and then no trial says anything of the target.
    let searched = tried(TRIES, Beside::Tests, || {
        let ran = run(&scenario(load, &limit), &["--target", &registry.url()]);
        let search = ran.report.search.as_ref();
        let low = search.and_then(|it| it.confirmed.then_some(it.low_per_s?));
        let broke = search.and_then(|it| it.broke.as_deref());
        let found = ran.code == Some(0)
            && low.is_some_and(|it| it >= 4.0)
            && broke == Some("a virtual user is free (max_vus)");
        claim!(found, "{}", ran.shown);
        Ok(ran)
    });
    let Some(ran) = searched else { return };
    // It is a run of what was asked for, whatever rate was found: two builds have the same plan.
    let asked = plan(&scenario(load, &limit), &registry.url(), 2);
    assert_eq!(ran.report.plan.fingerprint, asked.fingerprint());
    audited(&ran.report, &registry);
    let search = ran.report.search.expect("a search");
    let (low, high) = (
        search.low_per_s.expect("a low"),
        search.high_per_s.expect("a high"),
    );
    assert!(search.confirmed);
    // No more than 2 users / 60 ms; the granularity of the registry's timer makes it a little less.
    assert!((4.0..33.4).contains(&low) && high > low, "{low} {high}");
    assert!(high / low <= 1.51, "{low} {high}");
    assert!(search.trials.len() >= 4);
    let failed: Vec<_> = search
        .trials
        .iter()
        .filter(|it| it.outcome == "fail")
        .collect();
    // A machine that is busy elsewhere may break a trial below, which is looked at again then.
    assert!(failed.iter().any(|it| it.rate_per_s > low));
    assert_eq!(
        search.broke.as_deref(),
        Some("a virtual user is free (max_vus)")
    );
    for said in ["trial", "confirm", "capacity", "between"] {
        assert!(ran.shown.contains(said), "{said}: {}", ran.shown);
    }
    assert!(ran.report.closure.holds());
}

/// Every exchange that the registry has answered is in the report: those of the trial that it tells, and of all others.
fn audited(report: &Document, registry: &Running) {
    let search = report.search.as_ref().expect("a search");
    let others = search.trials.iter().filter(|it| it.number != search.told);
    let others = others.flat_map(|it| &it.periods);
    let outside = report.periods.iter().chain(others);
    let outside = outside.flat_map(|it| it.operations.operations());
    let outside = outside.map(|(name, tally)| (name, &tally.statuses));
    let told = report.operations.iter();
    let told = told.map(|it| (it.name, &it.counts.statuses));
    let mut found: BTreeMap<(Operation, u16), u64> = BTreeMap::new();
    for (operation, statuses) in told.chain(outside) {
        for (status, count) in statuses.iter() {
            *found.entry((operation, status)).or_default() += count;
        }
    }
    let logged = settled(registry).exchanges;
    let logged: BTreeMap<_, _> = logged
        .into_iter()
        .map(|((operation, status), count)| ((operation.expect("of the API"), status), count))
        .collect();
    assert_eq!(found, logged);
    // No trial is empty, and the one that is told is told twice, with the same numbers.
    for trial in &search.trials {
        let measured = trial.periods.iter().find(|it| it.period == Period::Measure);
        let measured = measured.expect("a window");
        assert!(measured.totals.exchanges.ended() > 0, "{measured:?}");
        assert!(trial.sums_checked > 0 && trial.broken_sums.is_empty());
        if trial.number == search.told {
            assert_eq!(measured.totals.exchanges, report.totals.exchanges);
        }
    }
    let name = format!("trial {}: sums that close = sums", search.trials.len());
    assert!(report.closure.sums.iter().any(|it| it.name == name));
}
