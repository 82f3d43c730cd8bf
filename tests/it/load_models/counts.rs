//! How many iterations are due: the integral of the rate, whatever the number of workers, and in which stage.

use std::collections::{BTreeMap, BTreeSet};

use regstorm::embedded::RequestRecord;
use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::schedule::{Curve, Spacing};
use regstorm::units::Rate;

use super::{PULL, PUSH, SECOND, due, ms, play, recording, scenario};
use crate::support::{plan, registry, settled};

/// The number of workers must not matter.
const WORKERS: [usize; 3] = [1, 2, 5];

/// What is due waits for a user as long as it takes: nothing is dropped.
const WAITS: &str = "max_vus = 8\non_no_vu = \"queue\"";

/// The sums of the tracks by load.
fn by_load(due: &BTreeMap<(String, String, String), u64>) -> BTreeMap<&str, u64> {
    let mut loads = BTreeMap::new();
    for ((load, _, _), count) in due {
        *loads.entry(load.as_str()).or_insert(0) += count;
    }
    loads
}

#[test]
fn what_is_due_is_the_integral_of_the_rate() {
    let constant = format!(
        "journey = \"a\"\nexecutor = \"constant-arrival-rate\"\nrate = 200\nduration = \"600ms\"\n{WAITS}"
    );
    // Per minute, and with a rate that does not divide the time: 7.5 a second for 600 ms are 4.5, and the fifth is due
    // before the end.
    let slow = format!(
        "journey = \"b\"\nexecutor = \"constant-arrival-rate\"\nrate = 450\ntime_unit = \"1m\"\nduration = \"600ms\"\n{WAITS}"
    );
    let ramp = format!(
        "journey = \"c\"\nexecutor = \"ramping-arrival-rate\"\n{WAITS}\n\
         stages = [{{ name = \"up\", duration = \"300ms\", target = 200 }}, {{ name = \"hold\", duration = \"200ms\", target = 200 }}, {{ name = \"down\", duration = \"100ms\", target = 0 }}]"
    );
    let jump = format!(
        "journey = \"a\"\nexecutor = \"ramping-arrival-rate\"\nstart_rate = 100\n{WAITS}\n\
         stages = [{{ duration = \"200ms\", target = 100 }}, {{ duration = \"0s\", target = 50 }}, {{ duration = \"400ms\", target = 50 }}]"
    );
    let at_once = "journey = \"b\"\nexecutor = \"at-once\"\nvus = 25\nwithin = \"100ms\"";
    let chance = format!(
        "journey = \"c\"\nexecutor = \"constant-arrival-rate\"\nrate = 200\nduration = \"600ms\"\narrival = \"poisson\"\n{WAITS}"
    );
    let journeys = [("a", PULL), ("b", PULL), ("c", PULL)];
    let toml = scenario(
        1,
        &journeys,
        &[&constant, &slow, &ramp, &jump, at_once, &chance],
    );
    for workers in WORKERS {
        let registry = registry(recording());
        let finished = play(&toml, &registry, workers);
        // The instants of chance are drawn from the seed and from nothing else.
        let rate = Rate::new(200.0, SECOND).expect("a rate");
        let curve = Curve::Constant {
            rate,
            duration: ms(600),
        };
        let seed = plan(&toml, &registry.url(), workers).arrival_seed(5);
        let drawn = curve.arrivals(Spacing::Poisson, seed).count() as u64;
        // 120 expected; the standard deviation is its root, 11.
        assert!((65..=175).contains(&drawn), "{drawn}");
        let due = due(&finished);
        let wanted = BTreeMap::from([
            ("load-0", 120),
            ("load-1", 5),
            // Triangles and a rectangle: 300 ms * 200/s / 2, 200 ms * 200/s, 100 ms * 200/s / 2.
            ("load-2", 30 + 40 + 10),
            ("load-3", 20 + 20),
            ("load-4", 25),
            ("load-5", drawn),
        ]);
        assert_eq!(by_load(&due), wanted, "{workers} workers");
        let stages = |load: &str| -> Vec<(&str, u64)> {
            let of_load = due.iter().filter(|((it, _, _), _)| it == load);
            of_load
                .map(|((_, stage, _), count)| (stage.as_str(), *count))
                .collect()
        };
        assert_eq!(stages("load-2"), [("down", 10), ("hold", 40), ("up", 30)]);
        assert_eq!(
            stages("load-3"),
            [("stage-1", 20), ("stage-2", 0), ("stage-3", 20)]
        );
        // A load of one stage has it under its own name.
        assert_eq!(stages("load-4"), [("load-4", 25)]);
        let totals = finished.record.totals(Period::Measure);
        assert_eq!(totals.starts.started, wanted.values().sum::<u64>());
        assert_eq!(totals.iterations.ok, totals.starts.started);
        // A pull of one user is three requests, and a journey is the sum of its tracks.
        let counts = settled(&registry);
        assert_eq!(
            counts.with_status(Operation::ManifestGet, 200),
            totals.iterations.ok
        );
        for (_, name, series) in finished.record.journeys() {
            let tracks = due.iter().filter(|((_, _, journey), _)| journey == name);
            let sum: u64 = tracks.map(|(_, count)| count).sum();
            assert_eq!(series.counts.starts.scheduled, sum, "{name}");
        }
    }
}

/// The tags of what was pushed, with the place of it.
fn pushed(records: &[RequestRecord]) -> BTreeSet<String> {
    let puts = records
        .iter()
        .filter(|it| it.operation == Some(Operation::ManifestPut));
    puts.map(|it| it.target.clone())
        .filter(|target| target.starts_with("/v2/push/"))
        .collect()
}

#[test]
fn the_load_is_the_same_on_any_number_of_workers() {
    let mix = "mix = { pull = 2, push = 1 }";
    let constant = format!(
        "{mix}\nexecutor = \"constant-arrival-rate\"\nrate = 150\nduration = \"400ms\"\n{WAITS}"
    );
    let ramp = format!(
        "{mix}\nexecutor = \"ramping-arrival-rate\"\narrival = \"poisson\"\n{WAITS}\n\
         stages = [{{ duration = \"200ms\", target = 200 }}, {{ duration = \"200ms\", target = 100 }}]"
    );
    let at_once = format!("{mix}\nexecutor = \"at-once\"\nvus = 30\nwithin = \"200ms\"");
    // Fewer users than workers: some have nothing to do.
    let few = format!(
        "{mix}\nexecutor = \"constant-arrival-rate\"\nrate = 50\nduration = \"400ms\"\nmax_vus = 2\non_no_vu = \"queue\""
    );
    let toml = scenario(
        3,
        &[
            ("pull", &format!("{PULL}\npick = \"random\"")),
            ("push", &format!("{PUSH}\npick = {{ zipf = 1.1 }}")),
        ],
        &[&constant, &ramp, &at_once, &few],
    );
    let runs = WORKERS.map(|workers| {
        let registry = registry(recording());
        let finished = play(&toml, &registry, workers);
        settled(&registry);
        let starts = finished.record.totals(Period::Measure).starts;
        assert_eq!(starts.dropped, 0);
        (due(&finished), pushed(&registry.requests()))
    });
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
    let (due, tags) = &runs[0];
    let pushes = due.iter().filter(|((_, _, journey), _)| journey == "push");
    let pushes: u64 = pushes.map(|(_, count)| count).sum();
    // Each push has a tag of its own.
    assert_eq!(tags.len() as u64, pushes);
    let loads = by_load(due);
    assert_eq!((loads["load-0"], loads["load-2"]), (60, 30));
    assert_eq!(loads["load-3"], 20);
    // A third of about 160; the standard deviation is 6.
    assert!((24..=84).contains(&pushes), "{pushes}");
}
