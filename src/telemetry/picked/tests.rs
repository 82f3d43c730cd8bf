use tokio::time::Instant;

use super::super::text::{Dialect, Parser, TextLimits};
use super::*;

/// Reads a text, and returns its numbers by name.
fn read(wanted: &mut Wanted, text: &str) -> (Reading, Option<Product>) {
    let mut picked = wanted.begin();
    let mut parser = Parser::new(Dialect::Prometheus, TextLimits::default());
    parser
        .feed(text.as_bytes(), &mut |line| picked.see(line))
        .unwrap();
    parser.end(&mut |line| picked.see(line)).unwrap();
    let mut reading = Reading::new(Instant::now());
    let product = picked.product();
    let buckets = picked.finish(&mut reading);
    wanted.keep(buckets);
    (reading, product)
}

fn value(reading: &Reading, name: &str) -> Option<f64> {
    let mut numbers = reading.numbers.iter();
    numbers.find(|it| it.name == name).map(|it| it.value)
}

fn metric(name: &str, what: What) -> Metric {
    Metric {
        shown: format!("my_{name}"),
        name: name.to_owned(),
        labels: Vec::new(),
        what,
    }
}

/// Shortened from what the two versions of Distribution give.
const THREE: &str = "\
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
process_start_time_seconds 1.79612101493e+09
registry_http_in_flight_requests{handler=\"blob\"} 2
registry_http_in_flight_requests{handler=\"manifest\"} 1
registry_storage_cache_hits_total 12
registry_storage_cache_requests_total 14
registry_storage_action_seconds_sum{action=\"Stat\",driver=\"filesystem\"} 0.25
registry_storage_action_seconds_sum{action=\"List\",driver=\"filesystem\"} 0.5
";
const TWO: &str = "\
process_cpu_seconds_total 12.5
registry_storage_cache_total{type=\"Hit\"} 11
registry_storage_cache_total{type=\"Miss\"} 4
registry_storage_cache_total{type=\"Request\"} 15
registry_http_in_flight_requests{handler=\"blob\"} 0
";

#[test]
fn both_versions_of_distribution_have_the_same_words() {
    let mut wanted = Wanted::new(Vec::new());
    let (three, product) = read(&mut wanted, THREE);
    assert_eq!(product, Some(Product::Distribution));
    for (word, is) in [
        ("cpu", 12.5),
        ("requests_in_flight", 3.0),
        ("cache_hits", 12.0),
        ("cache_misses", 2.0),
        ("storage_time", 0.75),
    ] {
        assert_eq!(value(&three, word), Some(is), "{word}");
    }
    assert_eq!(three.life.unwrap().id, (0, 1_796_121_014_930));
    let (two, product) = read(&mut wanted, TWO);
    assert_eq!(product, Some(Product::Distribution));
    assert_eq!(value(&two, "cache_hits"), Some(11.0));
    assert_eq!(value(&two, "cache_misses"), Some(4.0));
    assert_eq!(value(&two, "storage_time"), None);
    assert!(two.life.is_none());
}

#[test]
fn metrics_by_their_own_names() {
    let text = "\
# TYPE a counter
a{x=\"1\"} 3
a{x=\"2\"} 4
# TYPE b gauge
b 7
c_total 8
d_count 2
# TYPE d summary
NaN_here NaN
";
    let with_label = Metric {
        labels: vec![("x".to_owned(), "2".to_owned())],
        shown: "a2".to_owned(),
        ..metric("a", What::AsTyped)
    };
    let names = ["a", "b", "c_total", "NaN_here", "not_there"];
    let metrics = names.map(|it| metric(it, What::AsTyped));
    let metrics = metrics
        .into_iter()
        .chain([with_label, metric("d_count", What::As(SeriesKind::Gauge))]);
    let (reading, product) = read(&mut Wanted::new(metrics.collect()), text);
    assert_eq!(product, None);
    let kind = |name: &str| {
        reading
            .numbers
            .iter()
            .find(|it| it.name == name)
            .map(|it| (it.kind, it.value))
    };
    assert_eq!(kind("my_a"), Some((SeriesKind::Counter, 7.0)));
    assert_eq!(kind("a2"), Some((SeriesKind::Counter, 4.0)));
    assert_eq!(kind("my_b"), Some((SeriesKind::Gauge, 7.0)));
    assert_eq!(
        kind("my_c_total"),
        Some((SeriesKind::Counter, 8.0)),
        "by its name"
    );
    assert_eq!(
        kind("my_d_count"),
        Some((SeriesKind::Gauge, 2.0)),
        "as it is wanted"
    );
    assert_eq!(kind("my_NaN_here"), None);
    let problems = reading.problems.concat();
    assert!(
        problems.contains("not_there") && problems.contains("NaN_here"),
        "{problems}"
    );
    assert_eq!(reading.problems.len(), 2);
}

#[test]
fn a_quantile_is_of_the_time_between_two_readings() {
    let mut wanted = Wanted::new(vec![metric("h", What::Quantile(0.5))]);
    let text = |one: u32, two: u32| {
        format!(
            "h_bucket{{le=\"1\"}} {one}\nh_bucket{{le=\"2\"}} {two}\nh_bucket{{le=\"+Inf\"}} {two}\n"
        )
    };
    assert_eq!(
        value(&read(&mut wanted, &text(100, 100)).0, "my_h"),
        None,
        "the first one"
    );
    assert_eq!(
        value(&read(&mut wanted, &text(100, 104)).0, "my_h"),
        Some(1.5)
    );
    assert_eq!(
        value(&read(&mut wanted, &text(100, 104)).0, "my_h"),
        None,
        "nothing was counted"
    );
    let (reading, _) = read(&mut wanted, "x 1\n");
    assert!(
        reading.problems[0].contains("histogram `h`"),
        "{:?}",
        reading.problems
    );
}

#[test]
fn a_word_can_be_given_to_another_metric() {
    let metric = Metric {
        shown: "cpu".to_owned(),
        ..metric("own_cpu_seconds_total", What::AsTyped)
    };
    let text = "process_cpu_seconds_total 1\nown_cpu_seconds_total 5\n";
    let (reading, _) = read(&mut Wanted::new(vec![metric]), text);
    assert_eq!(value(&reading, "cpu"), Some(5.0));
    assert_eq!(reading.numbers.len(), 1);
}
