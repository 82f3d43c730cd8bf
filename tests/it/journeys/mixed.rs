//! Two clients in one load, each with connections as it keeps them.

use std::collections::BTreeSet;

use regstorm::embedded::{RequestRecord, Settings};
use regstorm::measure::Period;

use crate::support::{plan, registry, run_against};

const ITERATIONS: u64 = 40;

/// Two users, each now docker and now containerd.
const MIXED: &str = r#"
name = "test"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 2
layers = 5
layer_size = "1000B"
[journey.closing]
action = "pull"
images = "web"
client = "docker"
[journey.keeping]
action = "pull"
images = "web"
client = "containerd"
[[load]]
mix = { closing = 1, keeping = 1 }
executor = "per-vu-iterations"
vus = 2
iterations = 20
max_duration = "1m"
"#;

fn of<'a>(all: &'a [RequestRecord], agent: &str) -> Vec<&'a RequestRecord> {
    let sent = |it: &&RequestRecord| {
        let found = it.header("user-agent");
        found.is_some_and(|found| found.starts_with(agent))
    };
    all.iter().filter(sent).collect()
}

fn connections(requests: &[&RequestRecord]) -> BTreeSet<u64> {
    requests.iter().map(|it| it.connection).collect()
}

#[test]
fn each_client_of_a_mix_keeps_its_connections_as_it_does_alone() {
    let site = registry(Settings {
        record_requests: Some(10_000),
        ..Settings::default()
    });
    let (finished, counts) = run_against(MIXED, &site);
    let totals = finished.record.totals(Period::Measure);
    assert_eq!(
        (totals.iterations.ok, totals.iterations.ended()),
        (ITERATIONS, ITERATIONS)
    );
    let all = site.requests();
    let (docker, containerd) = (of(&all, "docker/"), of(&all, "containerd/"));
    let pulls = |requests: &[&RequestRecord]| {
        let resolved = requests.iter().filter(|it| it.method == "HEAD");
        u64::try_from(resolved.count()).expect("a few")
    };
    assert_eq!(pulls(&docker) + pulls(&containerd), ITERATIONS);
    assert!(pulls(&docker) > 0 && pulls(&containerd) > 0);

    // A connection for each request of docker's, said and done.
    assert_eq!(connections(&docker).len(), docker.len());
    assert_eq!(docker.len() as u64, pulls(&docker) * (5 + 4));
    assert!(
        docker
            .iter()
            .all(|it| it.header("connection") == Some("close"))
    );

    // containerd resolves over one and fetches over others, three at once, of which it keeps two: for five layers it
    // opens at most one more for each that it could not keep.
    let kept = connections(&containerd);
    assert_eq!(containerd.len() as u64, pulls(&containerd) * (5 + 3));
    let most = pulls(&containerd) * (1 + 3 + 2);
    assert!((kept.len() as u64) <= most, "{} > {most}", kept.len());
    assert!(kept.len() < containerd.len());
    assert!(
        containerd
            .iter()
            .all(|it| it.header("connection").is_none())
    );
    for resolved in containerd.iter().filter(|it| it.method == "HEAD") {
        let over = containerd
            .iter()
            .filter(|it| it.connection == resolved.connection);
        assert_eq!(over.count(), 1, "the resolver's connection is its own");
    }
    assert!(connections(&docker).is_disjoint(&kept));

    // Both ends count the same, and seeding and the ping are all that is left.
    let (mut new, mut reused) = (0, 0);
    for (journey, _, _) in finished.record.journeys() {
        for (_, series) in finished.record.operations(journey) {
            new += series.counts.connections.new;
            reused += series.counts.connections.reused;
        }
    }
    assert_eq!(new, (docker.len() + kept.len()) as u64);
    assert_eq!(new + reused, (docker.len() + containerd.len()) as u64);
    let others: Vec<_> = of(&all, "regstorm/");
    assert_eq!(counts.connections, new + connections(&others).len() as u64);

    // Each user: four of docker's at once (three layers and the config) while two of containerd's stay open, or three
    // of containerd's.
    let forecast = plan(MIXED, &site.url(), 2).forecast();
    assert_eq!(forecast.loads[0].connections, 2 * (4 + 3));
}
