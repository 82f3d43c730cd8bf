//! A load that is the same on a busy machine: as many iterations as there are, however long they take.

use super::access_log::{AccessLine, Tally};
use super::registry::Registry;
use super::report::Report;

/// Its iterations.
pub(crate) const ITERATIONS: u64 = 120;

/// The scenario of that name, with one threshold.
pub(crate) fn counted(name: &str, registry: &Registry, (metric, expect): (&str, &str)) -> String {
    let url = registry.url();
    format!(
        "name = \"{name}\"
[target]
url = \"{url}\"
[images.web]
source = \"synthetic\"
count = 3
layers = 2
layer_size = \"4KiB\"
[journey.pull]
action = \"pull\"
images = \"web\"
request_timeout = \"10m\"
iteration_timeout = \"10m\"
[[load]]
journey = \"pull\"
executor = \"shared-iterations\"
vus = 8
iterations = {ITERATIONS}
max_duration = \"10m\"
[[threshold]]
metric = \"{metric}\"
expect = \"{expect}\"
"
    )
}

/// The registry has seen what the report has, and the clean-up by a command of its own, which deletes each blob and each manifest once.
pub(crate) fn assert_cleaned_up(report: &Report, seen: &[AccessLine]) {
    let cleaning = |it: &&AccessLine| it.method == "DELETE";
    let deleted = seen.iter().filter(cleaning).count();
    let stored = |it: &&AccessLine| it.method == "PUT" && it.status == 201;
    assert_eq!(deleted, seen.iter().filter(stored).count());
    let load: Vec<AccessLine> = seen.iter().filter(|it| !cleaning(it)).cloned().collect();
    let mut wanted = report.exchanges();
    // It asks whether the target is there.
    wanted.add("ping", 200, 1);
    assert_eq!(Tally::of(&load).without_bytes(), wanted.without_bytes());
}
