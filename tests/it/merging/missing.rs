//! Shards without a report: what they should have sent is dropped, by the scenario.

use std::process::Child;

use regstorm::health::{Level, Signal};
use regstorm::measure::DropReason;
use regstorm::result::RunVerdict;

use super::{Shards, ended};

/// Shards 0 and 1 of 3: of the 200 iterations that 4 users share, shard 2 has every third from number 2 on.
fn two_of_three() -> Shards {
    let shards = Shards::new();
    shards.together(&[("one.toml", "0.json", "0/3"), ("one.toml", "1.json", "1/3")]);
    shards
}

const BOTH: [&str; 2] = ["0.json", "1.json"];

fn merge(shards: &Shards, allowed: &str, scenario: &str, more: &[&str]) -> Child {
    let option = ["merge", "--allow-lost", allowed, "--scenario", scenario];
    shards.regstorm(&[&option[..], &["--out", "all.json"], more].concat())
}

#[test]
fn what_a_shard_without_a_report_owes_is_dropped() {
    let shards = two_of_three();
    for (allowed, files, share, valid) in [
        ("40%", &BOTH[..], 66, true),
        ("10%", &BOTH, 66, false),
        ("70%", &BOTH[..1], 133, true),
        ("70%", &BOTH[1..], 133, true),
    ] {
        let (code, said) = ended(merge(&shards, allowed, "one.toml", files));
        let all = shards.load("all.json");
        assert!(all.closure.holds(), "{:?}", all.closure);
        let pull = &all.journeys[0].counts;
        // The users keep a pace, which a busy machine may let pass.
        let passed = pull.drops.of(DropReason::Overrun);
        assert_eq!(all.totals.starts.scheduled, 200 + passed, "{said}");
        assert_eq!(pull.drops.of(DropReason::LostShard), share);
        assert_eq!(pull.starts.started, 200 - share);
        // As long as the others measured: the plan would allow them much more.
        let parts = files.iter().map(|it| shards.load(it).window_us).max();
        let parts = parts.expect("a report");
        assert!(
            (parts..parts + 1_000_000).contains(&all.window_us),
            "{parts} {}",
            all.window_us
        );
        let lost: Vec<_> = all.shards.iter().map(|it| it.lost).collect();
        assert_eq!(lost.iter().filter(|it| **it).count(), 3 - files.len());
        assert!(lost[2], "{lost:?}");
        assert!(
            said.contains("shard 2 was lost: there is no report of it"),
            "{said}"
        );
        let mut reasons = all.generator.health.reasons.iter();
        let reason = reasons
            .find(|it| it.signal == Signal::LostShards)
            .expect("a reason");
        assert_eq!(reason.level == Level::Suspect, valid);
        // Fewer than the 150 that the threshold wants are left of one shard.
        let wanted = match all.verdict {
            RunVerdict::Invalid => 4,
            RunVerdict::Fail => 1,
            _ => 0,
        };
        assert_eq!(code, Some(wanted), "{said}");
        assert!(valid || wanted == 4, "{said}");
    }
}

#[test]
fn another_scenario_does_not_say_what_a_shard_owes() {
    let shards = two_of_three();
    for (allowed, scenario, set, words) in [
        (
            "40%",
            "one.toml",
            "threshold.0.expect=count >= 151",
            "the thresholds differ",
        ),
        ("40%", "one.toml", "seed=8", "of another scenario"),
        (
            "40%",
            "one.toml",
            "load.0.iterations=201",
            "the reports are of another scenario",
        ),
        (
            "40%",
            "other.toml",
            "seed=42",
            "the reports are of another scenario",
        ),
        (
            "40%",
            "none.toml",
            "seed=42",
            "cannot read the scenario none.toml",
        ),
        ("4", "one.toml", "seed=42", "write it as 5%"),
    ] {
        let more = [&BOTH[..], &["--set", set]].concat();
        let (code, said) = ended(merge(&shards, allowed, scenario, &more));
        assert_eq!(code, Some(2), "{set}: {said}");
        assert!(said.contains(words), "{set}: {said}");
    }
    for (option, value, words) in [
        ("--allow-lost", "40%", "--scenario"),
        ("--scenario", "one.toml", "--allow-lost"),
    ] {
        let (code, said) = ended(shards.regstorm(&["merge", option, value, "0.json", "1.json"]));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    assert!(!shards.dir.path().join("all.json").exists());
}
