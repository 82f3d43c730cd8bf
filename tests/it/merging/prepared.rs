//! A target that is prepared once, before shards that start by the clock.

use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::result::Document;

use super::{Shards, ended};

/// Scenarios of which `one.toml` cleans up, against a registry.
pub(super) fn cleaning_up() -> Shards {
    let shards = Shards::new();
    let path = shards.dir.path().join("one.toml");
    let one = std::fs::read_to_string(&path).expect("text");
    let one = one.replace(
        "[images.web]",
        "[prepare]\nclean_up = \"all\"\n[images.web]",
    );
    std::fs::write(&path, one).expect("a file");
    shards
}

/// A target that was prepared by the program for `one.toml`, which cleans up; `prepared.json` says so. It has one image of one layer.
fn prepared() -> Shards {
    let shards = cleaning_up();
    let (code, said) = ended(shards.regstorm(&PREPARE));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("prepared  1 image, "), "{said}");
    assert_eq!(manifests(&shards, Operation::ManifestPut, 201), 1);
    shards
}

const PREPARE: [&str; 4] = ["prepare", "one.toml", "--out", "prepared.json"];

/// The options of a shard that is late.
const LATE: [&str; 6] = ["--shard", "0/2", "--start-at", "@99", "--out", "late.json"];

/// How many requests of that kind the registry has responded to so.
pub(super) fn manifests(shards: &Shards, operation: Operation, status: u16) -> u64 {
    let counts = shards.registry.counts();
    let count = counts.exchanges.get(&(Some(operation), status));
    count.copied().unwrap_or(0)
}

/// How many manifests were put before the load, as a report has it.
pub(super) fn prepared_puts(report: &Document) -> u64 {
    let mut periods = report.periods.iter();
    let prepare = periods.find(|it| it.period == Period::Prepare);
    let mut operations = prepare.expect("a period").operations.operations();
    let put = operations.find(|(it, _)| *it == Operation::ManifestPut);
    put.map_or(0, |(_, tally)| tally.outcomes.ok)
}

/// Shard 0 seeds nothing, and its report has what was done as if it had.
#[test]
fn shards_take_over_a_target_that_was_prepared_before() {
    let shards = prepared();
    shards.together_with(
        &[("one.toml", "0.json", "0/2"), ("one.toml", "1.json", "1/2")],
        &["--prepared", "prepared.json"],
    );
    assert_eq!(
        manifests(&shards, Operation::ManifestPut, 201),
        1,
        "nothing was seeded again"
    );
    let reports = ["0.json", "1.json"].map(|it| shards.load(it));
    let stored = reports[0].stored.as_ref().expect("what was prepared");
    let seeded = stored.seeded.iter().map(|it| it.manifests.len());
    assert_eq!(seeded.sum::<usize>(), 1);
    assert_eq!(reports[1].stored, None);
    assert_eq!(reports.each_ref().map(prepared_puts), [1, 0]);
    for report in &reports {
        assert!(report.closure.holds(), "{:?}", report.closure);
    }
    let notes = &reports[0].notes;
    assert!(
        notes
            .iter()
            .any(|it| it.starts_with("the target was prepared before, on ")),
        "{notes:?}"
    );
    let (code, said) = ended(shards.regstorm(&["merge", "0.json", "1.json", "--out", "all.json"]));
    assert!(matches!(code, Some(0 | 4)), "{said}");
    let all = shards.load("all.json");
    assert!(
        all.closure.holds() && prepared_puts(&all) == 1,
        "{:?}",
        all.closure
    );

    // All that is known of it twice is deleted once.
    let clean_up = ["clean-up", "one.toml", "prepared.json", "0.json", "1.json"];
    let (code, said) = ended(shards.regstorm(&clean_up));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        manifests(&shards, Operation::ManifestDelete, 202),
        1,
        "{said}"
    );
    // Without a run there is the file alone.
    let again = ["prepare", "one.toml", "--out", "again.json", "--quiet"];
    assert_eq!(ended(shards.regstorm(&again)), (Some(0), String::new()));
    let clean_up = ["clean-up", "one.toml", "again.json"];
    let (code, said) = ended(shards.regstorm(&clean_up));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        manifests(&shards, Operation::ManifestDelete, 202),
        2,
        "{said}"
    );
}

#[test]
fn what_was_prepared_for_something_else_is_refused_and_stays() {
    let shards = prepared();
    let sent = shards.registry.counts().requests;
    // What it says is all that is known of what has to be deleted.
    let (code, said) = ended(shards.regstorm(&PREPARE));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--out: prepared.json exists"), "{said}");
    // Of another scenario, or of another target, it is of no use.
    for (arguments, words) in [
        (
            ["other.toml", "prepared.json", "http://127.0.0.1:1"],
            "for another scenario",
        ),
        (
            ["one.toml", "prepared.json", "http://127.0.0.1:1"],
            "the target that was prepared is http://127.0.0.1:",
        ),
        (
            ["one.toml", "none.json", "http://127.0.0.1:1"],
            "--prepared",
        ),
        (
            ["one.toml", "one.toml", "http://127.0.0.1:1"],
            "one.toml is not a report",
        ),
    ] {
        let [scenario, prepared, target] = arguments;
        let run = ["run", scenario, "--target", target, "--prepared", prepared];
        let (code, said) = ended(shards.regstorm(&[&run[..], &LATE].concat()));
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let alone = ["run", "one.toml", "--prepared", "prepared.json"];
    assert_eq!(ended(shards.regstorm(&alone)).0, Some(2));
    assert_eq!(shards.registry.counts().requests, sent);
    // One that is late leaves to the others what was prepared for all.
    let late = ["run", "one.toml", "--prepared", "prepared.json"];
    let (code, said) = ended(shards.regstorm(&[&late[..], &LATE].concat()));
    assert_eq!(code, Some(5), "{said}");
    assert_eq!(manifests(&shards, Operation::ManifestDelete, 202), 0);
    assert!(!shards.dir.path().join("late.json").exists());
}

#[test]
fn what_cannot_be_prepared_is_refused_and_nothing_is_no_mistake() {
    let shards = Shards::new();
    let one = std::fs::read_to_string(shards.dir.path().join("one.toml")).expect("text");
    let push = one.replace("action = \"pull\"", "action = \"push\"");
    std::fs::write(shards.dir.path().join("push.toml"), push).expect("a file");
    let prepare = |scenario: &str, more: &[&str]| {
        let command = ["prepare", scenario, "--out", "p.json"];
        ended(shards.regstorm(&[&command[..], more].concat()))
    };
    for (scenario, more, code, words) in [
        (
            "one.toml",
            vec!["--target", "embedded"],
            2,
            "the target is the embedded registry",
        ),
        (
            "one.toml",
            vec!["--target", "http://127.0.0.1:1"],
            5,
            "the target is not ready",
        ),
        ("none.toml", vec![], 2, "cannot read the scenario none.toml"),
        ("push.toml", vec![], 0, "prepared  nothing"),
    ] {
        let (ended, said) = prepare(scenario, &more);
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(shards.dir.path().join("p.json").exists(), code == 0);
    }
    let (code, said) = ended(shards.regstorm(&["prepare", "one.toml", "--out", "no/p.json"]));
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(ended(shards.regstorm(&["prepare", "one.toml"])).0, Some(2));
}
