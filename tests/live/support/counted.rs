//! A load that is the same on a busy machine: as many iterations as there are, however long they take.

use super::registry::Registry;

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
