//! Two docker-registries of one version, compared: no regression, whether they only serve or take pushes, too.

use std::fs;

use regstorm::result::{Comparison, ComparisonVerdict, Method};

use crate::support::{Flavour, Registry, regstorm, scratch};

const SCENARIO: &str = r#"
name = "builds"
[target]
url = "http://127.0.0.1:1"
[images.web]
source = "synthetic"
count = 2
layers = 2
layer_size = "16KiB"
[journey.pull]
action = "pull"
images = "web"
[journey.push]
action = "push"
images = "web"
[[load]]
mix = { pull = 3, push = 1 }
executor = "constant-arrival-rate"
rate = 60
max_vus = 40
duration = "10s"
"#;

/// The margin is beyond what half a second of a busy machine comes to; what is proved is that both sides are loaded alike
/// and counted alike.
#[test]
fn two_registries_of_one_version_do_not_differ() {
    let (base, candidate) = (
        Registry::start(Flavour::Open),
        Registry::start(Flavour::Open),
    );
    let dir = scratch();
    let file = dir.path().join("scenario.toml");
    let out = dir.path().join("comparison.json");
    fs::write(&file, SCENARIO).expect("a scenario");
    let finished = regstorm([
        "ab",
        "--base",
        &base.url(),
        "--candidate",
        &candidate.url(),
        "--out",
    ])
    .args([&out, &file])
    .args([
        "--pairs=5",
        "--slices=1",
        "--slice=1500ms",
        "--settle=200ms",
    ])
    .args([
        "--gate",
        "pull.response_time p(50)=100%",
        "--gate",
        "errors rate=5%",
    ])
    .run();
    assert!(matches!(finished.code(), 0 | 3), "exit code\n{finished}");
    let comparison = Comparison::load(&out).expect("a comparison");
    assert_ne!(comparison.verdict, ComparisonVerdict::Invalid);
    assert_eq!(comparison.design.method, Method::Paired);
    let (base, candidate) = (&comparison.base, &comparison.candidate);
    assert_eq!(base.totals.exchanges.failed, 0, "{:?}", base.failures);
    assert_eq!(
        candidate.totals.exchanges.failed, 0,
        "{:?}",
        candidate.failures
    );
    // One stream of arrivals, of 60 a second for five times 1.5 s, whichever side it falls on.
    assert_eq!(base.totals.starts.scheduled, 450);
    assert_eq!(candidate.totals.starts.scheduled, 450);
    let of_journeys = |it: &regstorm::result::Document| -> Vec<u64> {
        it.journeys.iter().map(|it| it.starts.scheduled).collect()
    };
    assert_eq!(of_journeys(base), of_journeys(candidate));
}
