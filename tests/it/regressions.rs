//! The scenarios that reproduce published defects: each says what it is for, runs, and finds nothing wrong with a registry that is well.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use regstorm::result::Document;
use regstorm::scenario::library::{self, Entry, REGRESSIONS};
use regstorm::verdict::Status;

fn regressions() -> impl Iterator<Item = &'static Entry> {
    let all = library::SCENARIOS.iter();
    all.filter(|it| it.directory == REGRESSIONS)
}

/// What makes each of them short. What is said of loads holds for all of them.
fn shorter(entry: &Entry) -> Vec<String> {
    let mut set = Vec::new();
    let scenario = entry.scenario().expect("a scenario");
    for (place, load) in entry.text.split("[[load]]").skip(1).enumerate() {
        set.push(format!("load.{place}.graceful_stop=5s"));
        if load.contains("\nduration = ") {
            set.push(format!("load.{place}.duration=500ms"));
        }
        for (stage, _) in load.matches("{ name = ").enumerate() {
            set.push(format!("load.{place}.stages.{stage}.duration=150ms"));
        }
    }
    for (place, _) in scenario.hooks.iter().enumerate() {
        set.push(format!("hook.{place}.at=100ms"));
        set.push(format!("hook.{place}.command=[\"true\"]"));
    }
    let smaller: &[&str] = match entry.name {
        "catalog-walk" => &["images.many.count=60"],
        "tag-list-storm" => &["journey.lister.tags=110"],
        "retention-delete" => &["journey.tags.tags=50"],
        "tag-poll-storm" => &["images.services.count=4", "journey.list.tags=50"],
        "many-components" => &["images.many.count=50"],
        "many-small-layers" => &["images.deep.layers=20"],
        "hot-repository" => &["images.fifty.count=10"],
        "push-herd" => &["load.0.vus=30"],
        // Each upload takes a second and a half.
        "slow-upload-token" => &["load.0.duration=2s"],
        _ => &[],
    };
    set.extend(smaller.iter().map(|it| (*it).to_owned()));
    set
}

fn run(entry: &Entry, dir: &Path) {
    let report = dir.join(format!("{}.json", entry.name));
    let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    command
        .args([
            "run",
            &format!("@{}", entry.name),
            "--allow-hooks",
            "--quiet",
            "--out",
        ])
        .arg(&report)
        .current_dir(dir)
        .stdin(Stdio::null());
    for set in shorter(entry) {
        command.args(["--set", &set]);
    }
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let name = entry.name;
    // So short a run may have too few samples for its thresholds, and a busy machine may be too slow for it.
    let code = output.status.code();
    assert!(
        matches!(code, Some(0 | 1 | 3 | 4)),
        "{name}: {code:?} {said}"
    );
    let report = Document::load(&report).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(report.closure.holds(), "{name}: {:?}", report.closure);
    assert!(report.totals.iterations.ok > 0, "{name}: {said}");
    let failures = &report.failures;
    assert!(
        failures.iterations.is_empty(),
        "{name}: {:?}",
        failures.iterations
    );
    for journey in &report.journeys {
        assert!(
            journey.counts.outcomes.ended() > 0,
            "{name}: {}",
            journey.name
        );
    }
    let hooks = report.hooks.iter().map(|it| &it.record);
    assert!(hooks.clone().all(|it| it.counts.ok == 1), "{name}");
}

#[test]
fn every_one_of_them_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    // One needs a cache, see below.
    let all: Vec<&Entry> = regressions().filter(|it| it.name != STAMPEDE).collect();
    let cores = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for part in 0..cores {
            let (all, dir) = (&all, dir.path());
            scope.spawn(move || {
                for entry in all.iter().skip(part).step_by(cores) {
                    run(entry, dir);
                }
            });
        }
    });
}

const STAMPEDE: &str = "proxy-stampede";

/// Without a cache between, what is fetched from the upstream is what the clients fetch: 21 clients of three images.
#[test]
fn the_upstream_counts_the_fetches_of_each_blob() {
    let dir = tempfile::tempdir().expect("a directory");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
    let url = format!("http://{address}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    command
        .args([
            "run",
            "@proxy-stampede",
            "--out",
            "r.json",
            "--markdown",
            "r.md",
            "--target",
            &url,
        ])
        .args([
            "--set",
            "load.0.start_time=0s",
            "--set",
            "load.1.start_time=0s",
        ])
        .args([
            "--set",
            "load.2.start_time=0s",
            "--set",
            "images.one.layer_size=1KiB",
        ])
        .args([
            "--set",
            "images.four.layer_size=1KiB",
            "--set",
            "images.sixteen.layer_size=1KiB",
        ])
        .env("UPSTREAM", &address)
        .current_dir(dir.path())
        .stdin(Stdio::null());
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // One fetch of each blob is what a cache is for.
    assert!(matches!(output.status.code(), Some(1 | 4)), "{said}");
    let report = Document::load(&dir.path().join("r.json")).expect("a report");
    let statuses: Vec<_> = report.thresholds.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Status::Pass, Status::Fail]);
    assert_eq!(report.thresholds[1].observed_text, "7");
    let upstream = report.upstream.expect("the upstream");
    // Four layers and a config of each of three images, by 1, 4 and 16 clients.
    assert_eq!((upstream.blobs, upstream.fetches), (15, 5 * (1 + 4 + 16)));
    assert_eq!((upstream.most, upstream.more_than_once), (16, 10));
    assert_eq!(upstream.fetches_per_blob, Some(7.0));
    let told = "105 fetches of 15 blobs: 7 for each, at most 16 of one; 10 blobs more than once";
    assert!(String::from_utf8_lossy(&output.stdout).contains(told));
}

#[test]
fn an_upstream_needs_a_cache_before_it_that_is_only_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let check = |set: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
        command
            .args(["check", "@proxy-stampede"])
            .current_dir(dir.path());
        for set in set {
            command.args(["--set", set]);
        }
        let output = command.output().expect("the program runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for (set, wanted) in [
        (&["target.url=\"embedded\""][..], "has no upstream"),
        (&["prepare.clean_up=\"all\""], "deletes nothing"),
        (
            &["journey.one={ action = \"push\", images = \"one\" }"],
            "journey `one` stores something",
        ),
        (&["upstream.listen=\"here\""], "upstream.listen"),
    ] {
        let (code, said) = check(set);
        assert_eq!(code, Some(2), "{set:?} {said}");
        assert!(said.contains(wanted), "{set:?} {said}");
    }
    assert_eq!(check(&[]).0, Some(0));
}

#[test]
fn each_says_what_it_would_have_caught_where_to_look_and_how_to_scale() {
    for entry in regressions() {
        let text = entry.text;
        assert!(text.starts_with("# "), "{}", entry.name);
        for words in [
            "# Would have caught: ",
            "# What to look at: ",
            "# Scale up: ",
        ] {
            assert!(text.contains(words), "{}: {words}", entry.name);
        }
    }
}

/// The page has a row for each defect and names the scenario that would have shown it; each defect is named in that scenario, too.
#[test]
fn the_page_and_the_scenarios_name_the_same_defects() {
    let page = include_str!("../../docs/guide/regressions.md");
    let rows = page.lines().filter_map(|row| row.strip_prefix("| "));
    let mut numbers = BTreeSet::new();
    let mut named = BTreeSet::new();
    for cells in rows.map(|row| row.split(" | ").collect::<Vec<_>>()) {
        let [number, defects, scenarios, ..] = cells[..] else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        numbers.insert(number);
        let scenarios = scenarios.split("`@").skip(1);
        let scenarios: Vec<&str> = scenarios.filter_map(|it| it.split('`').next()).collect();
        assert!(!scenarios.is_empty(), "{number}");
        for name in scenarios {
            let entry = library::find(library::SCENARIOS, name);
            let entry = entry.unwrap_or_else(|| panic!("{number}: no @{name}"));
            // `distribution#3678`: the number stands in the scenario, whatever stands before it.
            for defect in defects.split(", ") {
                let (_, digits) = defect.split_once('#').expect("a number of an issue");
                let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
                assert!(
                    entry.text.contains(&digits),
                    "{number}: {name} lacks {defect}"
                );
            }
            named.insert(name.to_owned());
        }
    }
    assert_eq!(numbers, (1..=31).collect());
    let all: BTreeSet<String> = regressions().map(|it| it.name.to_owned()).collect();
    assert_eq!(named, all);
}
