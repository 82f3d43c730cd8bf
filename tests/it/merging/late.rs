//! A first shard that has prepared the target and does not run: the others may, so that what it has prepared stays, and is known.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Point, Stall};
use regstorm::measure::DropReason;
use regstorm::oci::Operation;
use regstorm::result::Preparation;

use super::prepared::{cleaning_up, manifests, prepared_puts};
use super::{Shards, ended, since_1970};

/// Shard 0, which says what it does.
fn first(shards: &Shards, start: &str, out: &str) -> Child {
    let run = ["run", "one.toml", "--shard", "0/2"];
    shards.regstorm(&[&run[..], &["--start-at", start, "--out", out]].concat())
}

fn stay(shards: &Shards) -> (u64, u64) {
    let of = |operation, status| manifests(shards, operation, status);
    (
        of(Operation::ManifestPut, 201),
        of(Operation::ManifestDelete, 202),
    )
}

/// Shard 0 of two is not done with preparing when the load begins. `None` if the machine took as long to begin.
fn too_long(lead: u64) -> Option<(Shards, String)> {
    let shards = cleaning_up();
    let slow = FaultKind::Stall(Point::BeforeHead, Stall::For(Duration::from_secs(lead + 2)));
    let slow = Fault::on(Operation::ManifestPut, slow).window(0, Some(1));
    shards.registry.set_faults(vec![slow]).expect("it runs");
    let start = format!("@{}", since_1970() + lead);
    let other = shards.run(["one.toml", "1.json", "1/2"], &start, &[]);
    let (code, said) = ended(first(&shards, &start, "0.json"));
    assert_eq!(code, Some(5), "{said}");
    let late = "too late: the shards start together";
    assert!(said.contains(late), "{said}");
    let (code, said_by_other) = ended(other);
    if stay(&shards).0 == 0 || said_by_other.contains(late) {
        return None;
    }
    assert_eq!(code, Some(0), "{said_by_other}");
    Some((shards, said))
}

#[test]
fn a_first_shard_that_prepares_for_too_long_deletes_nothing_of_it() {
    let played = [4, 16, 45].into_iter().find_map(too_long);
    let (shards, said) = played.expect("a machine that begins within a minute");
    assert!(
        said.contains("left in the target, for the other shards: 1 image that"),
        "{said}"
    );
    assert_eq!(stay(&shards), (1, 0), "{said}");
    let left = Preparation::load(&shards.dir.path().join("0.json")).expect("what stays");
    assert_eq!(left.images, 1);

    // The other one began without the image: that it was not there is no failure of the registry.
    let lost = ["merge", "--allow-lost", "60%", "--scenario", "one.toml"];
    for (files, words) in [
        (
            &["0.json", "1.json"][..],
            "0.json: the target was prepared until",
        ),
        (&["0.json"], "there is no report of a shard"),
    ] {
        let (code, said) = ended(shards.regstorm(&[&lost[..], files].concat()));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let without = ["merge", "0.json", "1.json"];
    let (code, said) = ended(shards.regstorm(&without));
    assert_eq!(code, Some(2), "{said}");

    // The shards of the next start take it over, and it is not written over meanwhile.
    let again = ["run", "one.toml", "--shard", "0/2", "--start-at", "@99"];
    let again = [&again[..], &["--prepared", "0.json", "--out", "0.json"]].concat();
    let (code, said) = ended(shards.regstorm(&again));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("0.json"), "{said}");
    shards.together_with(
        &[("one.toml", "2.json", "0/2"), ("one.toml", "3.json", "1/2")],
        &["--prepared", "0.json"],
    );
    assert_eq!(stay(&shards), (1, 0));
    let (code, said) = ended(shards.regstorm(&["clean-up", "one.toml", "0.json", "2.json"]));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(stay(&shards), (1, 1), "{said}");
}

/// It is stopped when all is prepared and none has started.
#[test]
fn what_a_first_shard_has_prepared_that_was_stopped_is_part_of_the_merged_report() {
    let shards = cleaning_up();
    let start = format!("@{}", since_1970() + 600);
    let mut child = first(&shards, &start, "0.json");
    let said = BufReader::new(child.stderr.as_mut().expect("a pipe"));
    let mut lines = said.lines().map_while(Result::ok);
    assert!(lines.any(|it| it.contains("all shards start in")));
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.expect("kill").success());
    let (code, said) = ended(child);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(stay(&shards), (1, 0), "{said}");

    shards.together(&[("one.toml", "1.json", "1/2")]);
    let lost = ["merge", "--allow-lost", "60%", "--scenario", "one.toml"];
    let lost = [&lost[..], &["0.json", "1.json", "--out", "all.json"]].concat();
    let (code, said) = ended(shards.regstorm(&lost));
    assert!(matches!(code, Some(1 | 4)), "{said}");
    let all = shards.load("all.json");
    assert!(all.closure.holds(), "{:?}", all.closure);
    assert_eq!(prepared_puts(&all), 1);
    assert!(all.shards[0].lost && !all.shards[1].lost);
    assert_eq!(all.journeys[0].counts.drops.of(DropReason::LostShard), 100);
    assert_eq!(all.totals.exchanges.failed, 0);
}
