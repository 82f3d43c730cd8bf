//! The Grafana dashboard asks for metrics and labels that `--metrics` serves, and for all of them.

use std::collections::{BTreeMap, BTreeSet};

use regstorm::health::Latest;
use regstorm::measure::{Live, Period};
use regstorm::report::prometheus;
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../docs/grafana-dashboard.json");

/// What Prometheus adds to each series.
const ADDED: [&str; 2] = ["job", "instance"];

/// Metrics that are served and that no panel shows.
const LEFT_OUT: [&str; 0] = [];

/// Labels with their values, by the name of the series.
type Served = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn served() -> Served {
    let texts = [
        prometheus::period(Period::Measure),
        prometheus::load(&Live::new()),
        prometheus::generator(&Latest::default()),
    ];
    let mut served = Served::new();
    for line in texts.concat().lines().filter(|it| !it.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a series and a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let known = served.entry(name.to_owned()).or_default();
        for (label, value) in pairs(labels.trim_end_matches('}')) {
            known.entry(label).or_default().insert(value);
        }
    }
    served
}

/// `a="1",b=~"2"` as names and values.
fn pairs(labels: &str) -> Vec<(String, String)> {
    let parts = labels.split(',').filter(|it| !it.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').expect("a matcher");
        let value = value.trim_start_matches('~').trim_matches('"');
        (name.to_owned(), value.to_owned())
    };
    parts.map(pair).collect()
}

/// A query: its series with their matchers, and the labels that it groups by.
struct Query {
    series: Vec<(String, Vec<(String, String)>)>,
    by: Vec<String>,
}

fn read(expression: &str) -> Query {
    let mut series = Vec::new();
    for (at, _) in expression.match_indices("regstorm_") {
        let rest = &expression[at..];
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let matchers = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        let matchers = matchers.map_or_else(Vec::new, |(it, _)| pairs(it));
        series.push((name.to_owned(), matchers));
    }
    let mut by = Vec::new();
    for part in expression.split("by (").skip(1) {
        let (labels, _) = part.split_once(')').expect("an end");
        by.extend(labels.split(',').map(|it| it.trim().to_owned()));
    }
    Query { series, by }
}

/// Every value of a key, wherever it stands.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == key => found.push(text),
                    _ => texts(value, key, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|it| texts(it, key, found)),
        _ => {}
    }
}

fn all<'a>(dashboard: &'a Value, key: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    texts(dashboard, key, &mut found);
    found
}

#[test]
fn every_query_is_of_what_is_served() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let served = served();
    let expressions = all(&dashboard, "expr");
    assert!(expressions.len() > 10, "{expressions:?}");
    let mut used = BTreeSet::new();
    for expression in expressions {
        let query = read(expression);
        assert!(!query.series.is_empty(), "{expression}");
        for (name, matchers) in query.series {
            let labels = served.get(&name);
            let labels = labels.unwrap_or_else(|| panic!("{name} is not served: {expression}"));
            for (label, value) in matchers {
                let known = labels.get(&label);
                let fits = known.is_some_and(|it| it.contains(&value));
                assert!(
                    fits || ADDED.contains(&label.as_str()),
                    "{label}={value}: {expression}"
                );
            }
            for label in &query.by {
                assert!(labels.contains_key(label), "by {label}: {expression}");
            }
            used.insert(name);
        }
    }
    for name in served.keys() {
        let is_used = used.contains(name);
        let is_left_out = LEFT_OUT.contains(&name.as_str());
        assert!(
            is_used != is_left_out,
            "{name}: used {is_used}, left out {is_left_out}"
        );
    }
}

#[test]
fn legends_and_variables_name_labels_that_are_there() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let served = served();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let query = read(target["expr"].as_str().expect("a query"));
            let legend = target["legendFormat"].as_str().expect("a legend");
            for part in legend.split("{{").skip(1) {
                let (label, _) = part.split_once("}}").expect("an end");
                let is_grouped = query.by.iter().any(|it| it == label);
                let is_own = query.by.is_empty() && served[&query.series[0].0].contains_key(label);
                assert!(is_grouped || is_own, "{legend}: {target}");
            }
        }
    }
    let names = all(&dashboard, "definition");
    assert!(!names.is_empty());
    for query in names {
        for (name, _) in read(query).series {
            assert!(served.contains_key(&name), "{query}");
        }
    }
}

/// The test above sees what is wrong.
#[test]
fn a_query_is_read_whole() {
    let query = read(
        r#"sum by (le, x) (rate(regstorm_a_bucket{job="$job",period=~"measure"}[5m])) / regstorm_b"#,
    );
    let matcher = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let first = vec![matcher("job", "$job"), matcher("period", "measure")];
    let wanted = [
        ("regstorm_a_bucket".to_owned(), first),
        ("regstorm_b".to_owned(), vec![]),
    ];
    assert_eq!(query.series, wanted);
    assert_eq!(query.by, ["le", "x"]);
}
