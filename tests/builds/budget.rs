//! `ab --budget` as a user meets it: when it ends, and what it says of the time.

use std::fs;
use std::process::{Command, Stdio};

use regstorm::result::{BudgetEnd, ComparisonVerdict, Decision};

use super::machine::{Beside, claim, tried};
use super::{
    Bench, DECIDING, GATE, NEVER, PULL, SHORT, TRIES, alone, ended, ends, registry, shown, wait_for,
};

/// Sixty seconds have room for more than forty pairs; twice as slow is plain from the first look on.
#[test]
fn a_plain_regression_ends_it_early() {
    let _alone = alone();
    let (fast, slow) = (registry(20), registry(40));
    let bench = Bench::new(PULL);
    let ab = || {
        let mut ab = bench.within(&fast.url(), &slow.url(), &["--budget=60s", "--gate", GATE]);
        ab.args(DECIDING);
        ab
    };
    let Some(said) = ends(ab, 1) else { return };
    assert!(
        said.contains("REGRESSION") && said.contains("budget of 60 s: decided"),
        "{said}"
    );
    let comparison = bench.comparison();
    let budget = comparison.design.budget.expect("a budget");
    assert_eq!(budget.ended, BudgetEnd::Decided);
    assert_eq!(budget.budget_us, 60_000_000);
    assert!(budget.took_us < budget.budget_us, "{budget:?}");
    // The last look is that of the verdict, and the first that finds anything has five pairs.
    let pairs = comparison.design.base_runs;
    assert!(pairs >= 5);
    assert_eq!(comparison.design.looks.last(), Some(&pairs));
    assert_eq!(comparison.metrics[0].decision, Decision::Regression);
    assert_eq!(comparison.metrics[0].more_pairs, None);
}

#[test]
fn equal_builds_pass_by_a_wide_margin() {
    let _alone = alone();
    let same = registry(20);
    let bench = Bench::new(PULL);
    let ab = || {
        let mut ab = bench.within(&same.url(), &same.url(), &["--budget=30s", "--gate", GATE]);
        ab.args(SHORT);
        ab
    };
    if ends(ab, 0).is_none() {
        return;
    }
    let comparison = bench.comparison();
    assert_eq!(comparison.verdict, ComparisonVerdict::Pass);
    let budget = comparison.design.budget.expect("a budget");
    assert_eq!(budget.ended, BudgetEnd::Decided);
}

/// A margin far below the noise. By chance a look finds equal builds different in one of ten comparisons at the most: six of six
/// do so less than once in a million times.
#[test]
fn what_is_undecided_says_how_much_longer_it_would_take() {
    let _alone = alone();
    let same = registry(20);
    let bench = Bench::new(PULL);
    let undecided = || {
        let mut ab = bench.within(&same.url(), &same.url(), &["--budget=6s", NEVER]);
        ab.args(SHORT);
        let output = ab.output().expect("the program runs");
        let said = shown(&output);
        assert!(
            matches!(output.status.code(), Some(0 | 1 | 3 | 4)),
            "{said}"
        );
        (output.status.code() == Some(3)).then_some(said)
    };
    let said = (0..6)
        .find_map(|_| undecided())
        .expect("one of six is undecided");
    assert!(said.contains("INCONCLUSIVE"), "{said}");
    let comparison = bench.comparison();
    let budget = comparison.design.budget.expect("a budget");
    assert!(
        matches!(
            budget.ended,
            BudgetEnd::Spent | BudgetEnd::Futile | BudgetEnd::TooShort
        ),
        "{budget:?}"
    );
    let metric = &comparison.metrics[0];
    if let Some(pairs) = metric.more_pairs {
        // So many pairs of the time that a pair took.
        let pair = budget.pair_us.expect("a time");
        assert_eq!(metric.more_us, Some(u64::from(pairs) * pair));
        assert!(said.contains("would decide it"), "{said}");
    }
}

/// A pull takes two waits of a quarter of a second, one after the other, and a little more: the first
/// pair shows that slices of 3 s are not ten times as long.
#[test]
fn slices_become_longer_where_iterations_are_long() {
    let _alone = alone();
    let same = registry(250);
    let bench = Bench::new(PULL);
    let _ = tried(TRIES, Beside::Nobody, || {
        // A pair in which the generator was the limit is discarded, too, and for that.
        let _ = fs::remove_dir_all(bench.path("reports"));
        let mut ab = bench.regstorm(&["ab", "test.toml", "--budget=5m", "--out=comparison.json"]);
        ab.args(["--base", &same.url(), "--candidate", &same.url()]);
        ab.args(["--reports=reports", "--gate", GATE]);
        let child = ab.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.expect("the program runs");
        wait_for(&bench.path("reports/discarded/001-candidate.json"));
        let pid = child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.expect("kill").success());
        let output = child.wait_with_output().expect("it ends");
        let said = shown(&output);
        assert_eq!(output.status.code(), Some(130), "{said}");
        // 6 s on a quiet machine.
        let told = "instead of 3 s: half of the iterations took";
        claim!(
            said.contains("slices are now ") && said.contains(told),
            "{said}"
        );
        Ok(())
    });
}

#[test]
fn a_time_that_cannot_be_is_told_at_once() {
    let _alone = alone();
    let same = registry(1);
    let bench = Bench::new(PULL);
    for (arguments, said) in [
        (&["--budget=0s"][..], "--budget: 0 µs is too short"),
        (&["--budget=1s"], "five"),
        (&["--budget=-5m"], "--budget"),
        (&["--budget=365d"], "--budget: at most 24h"),
        (&["--budget=5m", "--pairs=6"], "cannot be used with"),
        (&["--budget=5m", "--looks=6,10"], "cannot be used with"),
        (&["--budget=60s", "--slice=10s"], "--slice"),
    ] {
        let mut ab = bench.regstorm(&["ab", "test.toml", "--base", &same.url()]);
        ab.args(["--candidate", &same.url()]).args(arguments);
        let shown = ended(ab, 2);
        assert!(shown.contains(said), "{said}: {shown}");
    }
    // A load that cannot be cut: its warm-up and its window, ten times.
    let stages = PULL.replace(
        "executor = \"constant-vus\"\nvus = 16\nduration = \"10s\"",
        "executor = \"ramping-vus\"\nstages = [{ name = \"up\", duration = \"60s\", target = 4 }]",
    );
    let whole = Bench::new(&stages);
    let mut ab = whole.regstorm(&["ab", "test.toml", "--base", &same.url(), "--budget=5m"]);
    ab.args(["--candidate", &same.url()]);
    let shown = ended(ab, 2);
    assert!(
        shown.contains("10:00 min") && shown.contains("cannot be cut"),
        "{shown}"
    );
    assert_eq!(same.counts().requests, 0);
}
