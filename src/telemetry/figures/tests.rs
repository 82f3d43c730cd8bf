//! What numbers come of series whose values are known.

use serde_json::json;

use super::*;

/// 120 s of pulls in which 2,400 ended well and 60 GB were moved.
const PULLS: Work = Work {
    window_s: 120.0,
    iterations: 2_400,
    only: Some(Journey::Pull),
    bytes: 60_000_000_000,
};

fn source(name: &str, restarts_us: &[u64], series: &serde_json::Value) -> serde_json::Value {
    json!({
        "name": name, "kind": "process", "from": "pid 7", "restarts": restarts_us.len(), "restarts_us": restarts_us,
        "readings": {"due": 121, "good": 121, "late": 0, "failed": 0, "missed": 0}, "series": series,
    })
}

fn telemetry(sources: &[serde_json::Value]) -> Telemetry {
    serde_json::from_value(json!({
        "window_s": 1, "sources": sources, "cost": {"cpu_us": 0, "received_bytes": 0},
    }))
    .unwrap()
}

fn counter(name: &str, unit: &str, increase: f64, covered_s: u64) -> serde_json::Value {
    json!({
        "name": name, "unit": unit, "kind": "counter", "windows": [1.0, 1.0],
        "covered_us": covered_s * 1_000_000, "increase": increase,
    })
}

fn gauge(name: &str, unit: &str, windows: &[Option<f64>]) -> serde_json::Value {
    let known: Vec<f64> = windows.iter().copied().flatten().collect();
    json!({
        "name": name, "unit": unit, "kind": "gauge", "windows": windows, "covered_us": 119_000_000,
        "highest": known.iter().copied().reduce(f64::max), "first": known.first(), "last": known.last(),
    })
}

fn value(all: &[ServerFigure], name: &str) -> Option<f64> {
    let metric: ServerMetric = name.parse().unwrap();
    let found = all.iter().find(|it| it.is_of(&metric));
    found
        .unwrap_or_else(|| panic!("no {name} in {all:?}"))
        .value
}

#[track_caller]
fn assert_value(all: &[ServerFigure], name: &str, wanted: f64) {
    let found = value(all, name).unwrap();
    assert!(
        (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
        "{name}: {found}, not {wanted}"
    );
}

/// 59.5 s of processor time over 119 s are half a core; 20 pulls and half a GB come in a second.
#[test]
fn processor_time_is_divided_as_rates() {
    let all = figures(
        &telemetry(&[source(
            "app",
            &[],
            &json!([counter("cpu", "seconds", 59.5, 119)]),
        )]),
        &PULLS,
    );
    for (name, wanted) in [
        ("server.cpu", 0.5),
        ("server.cpu_per_pull", 0.025),
        ("server.cpu_per_iteration", 0.025),
        ("server.cpu_per_gb", 1.0),
        ("server.restarts", 0.0),
        // The first source goes by its name, too.
        ("server.app.cpu_per_pull", 0.025),
    ] {
        assert_value(&all, name, wanted);
    }
    assert!(!all.iter().any(|it| it.metric.name() == "cpu_per_push"));
    let of = |word: &str| all.iter().find(|it| it.metric.name() == word).unwrap();
    assert_eq!(
        (of("cpu_per_pull").samples, of("cpu_per_pull").unit),
        (2_400, FigureUnit::Seconds)
    );
    assert_eq!(of("cpu_per_pull").text(), "25 ms");
}

/// What of a mixed load a pull took is not known.
#[test]
fn a_mixed_load_has_no_time_for_one_kind_of_journey() {
    let cpu = [source(
        "app",
        &[],
        &json!([counter("cpu", "seconds", 59.5, 119)]),
    )];
    let all = figures(
        &telemetry(&cpu),
        &Work {
            only: None,
            ..PULLS
        },
    );
    assert!(!all.iter().any(|it| it.metric.name() == "cpu_per_pull"));
    assert_value(&all, "server.cpu_per_iteration", 0.025);
    let push = Work {
        only: Some(Journey::Push),
        ..PULLS
    };
    assert_value(
        &figures(&telemetry(&cpu), &push),
        "server.cpu_per_push",
        0.025,
    );
}

#[test]
fn what_little_was_read_is_not_divided_by_all_that_was_done() {
    let little = [source(
        "app",
        &[],
        &json!([counter("cpu", "seconds", 20.0, 40)]),
    )];
    let all = figures(&telemetry(&little), &PULLS);
    assert_value(&all, "server.cpu", 0.5);
    assert_eq!(value(&all, "server.cpu_per_pull"), None);
    let found = all
        .iter()
        .find(|it| it.metric.name() == "cpu_per_pull")
        .unwrap();
    assert_eq!(
        found.why.as_deref(),
        Some("readings cover 33.3% of the measured window")
    );
    let idle = Work {
        iterations: 0,
        ..PULLS
    };
    let cpu = [source(
        "app",
        &[],
        &json!([counter("cpu", "seconds", 59.5, 119)]),
    )];
    assert_eq!(
        value(&figures(&telemetry(&cpu), &idle), "server.cpu_per_pull"),
        None
    );
}

#[test]
fn the_first_source_stands_for_a_word() {
    let sources = [
        source(
            "app",
            &[],
            &json!([gauge("memory", "bytes", &[Some(10.0), None, Some(30.0)])]),
        ),
        source(
            "db",
            &[5_000_000],
            &json!([
                gauge("memory", "bytes", &[Some(7.0)]),
                gauge("pg_locks", "plain", &[Some(3.0)]),
            ]),
        ),
    ];
    let all = figures(&telemetry(&sources), &PULLS);
    for (name, wanted) in [
        ("server.memory", 20.0),
        ("server.memory.max", 30.0),
        ("server.memory.growth", 20.0),
        ("server.app.memory", 20.0),
        ("server.db.memory", 7.0),
        ("server.db.pg_locks", 3.0),
        ("server.db.pg_locks.max", 3.0),
        // The most that a source saw.
        ("server.restarts", 1.0),
    ] {
        assert_value(&all, name, wanted);
    }
    assert!(
        all.iter().all(|it| it.metric.name() != "pg_locks"),
        "no word"
    );
}

#[test]
fn hits_are_a_share_of_what_was_looked_up() {
    let sources = [source(
        "app",
        &[],
        &json!([
            counter("cache_hits", "plain", 90.0, 100),
            counter("cache_misses", "plain", 30.0, 100),
        ]),
    )];
    let all = figures(&telemetry(&sources), &PULLS);
    assert_value(&all, "server.cache_hit_share", 0.75);
    assert_value(&all, "server.cache_hits", 0.9);
}

/// Two kilobytes a second; a restart after a minute takes everything away, and the leak goes on.
#[test]
fn a_leak_is_seen_through_a_restart() {
    let windows = (0..120_u32).map(|it| Some(1e6 + 2e3 * f64::from(it % 60)));
    let windows: Vec<Option<f64>> = windows.collect();
    let memory = json!([gauge("memory", "bytes", &windows)]);
    let all = figures(&telemetry(&[source("app", &[60_500_000], &memory)]), &PULLS);
    assert_value(&all, "server.memory.slope", 2e3);
    let slope = all
        .iter()
        .find(|it| it.metric.name() == "memory.slope")
        .unwrap();
    assert_eq!(slope.unit, FigureUnit::BytesPerSecond);
    assert!(slope.text().starts_with("120 kB/min"), "{}", slope.text());
    // Windows of two seconds are half as steep in them.
    let wide = Telemetry {
        window_s: 2,
        ..telemetry(&[source("app", &[120_500_000], &memory)])
    };
    assert_value(&figures(&wide, &PULLS), "server.memory.slope", 1e3);
}

#[test]
fn a_slope_of_few_windows_is_not_concluded() {
    let windows: Vec<Option<f64>> = (0..19_u32).map(|it| Some(f64::from(it))).collect();
    let all = figures(
        &telemetry(&[source(
            "app",
            &[],
            &json!([gauge("memory", "bytes", &windows)]),
        )]),
        &PULLS,
    );
    let slope = all
        .iter()
        .find(|it| it.metric.name() == "memory.slope")
        .unwrap();
    assert_eq!((slope.value, slope.interval), (None, None));
    assert!(slope.why.is_some() && slope.text() == "-");
}

#[test]
fn nothing_read_is_not_zero() {
    let nothing = json!({"name": "cpu", "unit": "seconds", "kind": "counter", "windows": [], "covered_us": 0});
    let all = figures(&telemetry(&[source("app", &[], &json!([nothing]))]), &PULLS);
    assert_eq!(value(&all, "server.cpu"), None);
    assert_eq!(value(&all, "server.cpu_per_pull"), None);
    assert!(figures(&telemetry(&[]), &PULLS).is_empty());
}
