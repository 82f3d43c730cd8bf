//! Series that have nothing to do with a latency, and one that has.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::json;

use super::*;

type Windows = Vec<Option<f64>>;

/// A value that follows the one before, by that share of it; above 0.
fn noise(count: usize, follows: f64, random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let mut value = 0.0;
    let mut next = || {
        value = follows * value + random.random_range(-1.0..1.0);
        50.0 + value
    };
    (0..count + 50).map(|_| next()).skip(50).collect()
}

fn telemetry(restarts_us: &[u64], series: &[(&str, Vec<f64>)]) -> Telemetry {
    let series = series.iter().map(|(name, values)| {
        let windows: Windows = values.iter().copied().map(Some).collect();
        json!({
            "name": name, "unit": "plain", "kind": "gauge", "windows": windows, "covered_us": 1_000_000,
        })
    });
    serde_json::from_value(json!({
        "window_s": 1,
        "sources": [{
            "name": "app", "kind": "prometheus", "from": "x", "restarts": restarts_us.len(), "restarts_us": restarts_us,
            "readings": {"due": 60, "good": 60, "late": 0, "failed": 0, "missed": 0}, "series": series.collect::<Vec<_>>(),
        }],
        "cost": {"cpu_us": 0, "received_bytes": 0},
    }))
    .unwrap()
}

fn course(steps: Vec<f64>) -> Course {
    Course {
        quantile: Quantile::P99,
        step_s: 1,
        steps: steps.into_iter().map(Some).collect(),
    }
}

fn moved(steps: Vec<f64>, telemetry: &Telemetry) -> MovedWith {
    let metric = Metric::of_journey("pull", IterationClock::Response);
    course(steps).moved(metric, telemetry)
}

const NAMES: [&str; 20] = [
    "gc_pause", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q",
    "r", "s", "t",
];

/// Twenty series that drift as registries' numbers do, and none of them has anything to do with the latency: 5 runs in 100
/// may have a hint, and as many a lag.
#[test]
fn independent_series_seldom_give_a_hint() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
    for follows in [0.0, 0.7] {
        let (mut hints, mut lags) = (0, 0);
        for _ in 0..200 {
            let series = NAMES.map(|name| (name, noise(60, follows, &mut random)));
            let found = moved(noise(60, follows, &mut random), &telemetry(&[], &series));
            assert_eq!(found.tried, 20);
            hints += usize::from(!found.series.is_empty());
            lags += usize::from(!found.lags.is_empty());
        }
        assert!(
            hints <= 18 && lags <= 18,
            "{hints} hints and {lags} lags of 200 at {follows}"
        );
    }
}

#[test]
fn a_series_that_the_latency_follows_is_named_first() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
    let mut series = NAMES.map(|name| (name, noise(60, 0.5, &mut random)));
    let latency = series[7]
        .1
        .iter()
        .map(|it| it.exp() + random.random_range(0.0..1.0));
    let found = moved(latency.collect(), &telemetry(&[], &series));
    assert_eq!(found.series[0].series, "h");
    assert!(
        found.series[0].rho > 0.9 && found.series[0].p < 0.001,
        "{found:?}"
    );
    assert!(found.rho_of_chance.unwrap() < 0.7, "{found:?}");
    // A window that was not read is left out, on both sides.
    series[7].1[3] = 1e9;
    let mut gaps = telemetry(&[], &series);
    gaps.sources[0].series[7].windows[3] = None;
    let latency: Vec<f64> = series[7].1.clone();
    assert!(moved(latency, &gaps).series[0].rho > 0.99);
}

/// The latency does three seconds later what pauses do.
#[test]
fn a_latency_that_follows_pauses_has_a_lag() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
    let pauses = noise(90, 0.0, &mut random);
    let latency: Vec<f64> = [&[50.0; 3][..], &pauses[..87]].concat();
    let found = moved(latency, &telemetry(&[], &[("gc_pause", pauses)]));
    assert!(found.series.is_empty(), "not at once");
    assert_eq!(found.lags.len(), 1);
    assert_eq!(
        (found.lags[0].series.as_str(), found.lags[0].after_s),
        ("gc_pause", 3)
    );
}

/// Restarts at 20, 50 and 80 s, and two seconds later a latency ten times as long.
#[test]
fn a_latency_that_rises_after_restarts_is_told() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
    let mut latency = noise(120, 0.0, &mut random);
    let restarts = [20_400_000, 50_100_000, 80_900_000];
    for at in [22, 52, 82] {
        latency[at] *= 10.0;
    }
    let rise = moved(latency.clone(), &telemetry(&restarts, &[]))
        .rise
        .unwrap();
    assert_eq!((rise.after_s, rise.times, rise.restarts), (2, 3, 3));
    // Twice it does not; one of three is what chance may do.
    (latency[52], latency[82]) = (50.0, 50.0);
    assert_eq!(
        moved(latency.clone(), &telemetry(&restarts, &[])).rise,
        None
    );
    assert_eq!(moved(latency, &telemetry(&[], &[])).rise, None);
}

/// Latencies without any rise, and restarts at any time: seldom is there one.
#[test]
fn chance_seldom_makes_a_rise() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
    let rises = (0..300).filter(|_| {
        // Now and then a spike, as there are on any machine.
        let spike = |it: f64| if it > 50.9 { it * 4.0 } else { it };
        let latency = noise(100, 0.0, &mut random)
            .into_iter()
            .map(spike)
            .collect();
        let restarts = [(); 3].map(|()| random.random_range(0..95_000_000));
        moved(latency, &telemetry(&restarts, &[])).rise.is_some()
    });
    let rises = rises.count();
    assert!(rises <= 27, "{rises} of 300");
}
