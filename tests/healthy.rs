//! A generator that is well is never called anything else, over twenty runs. A binary of its own, because whatever runs
//! beside it takes its cores.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use regstorm::engine;
use regstorm::health::{TargetHost, Verdict};
use regstorm::plan;
use regstorm::scenario::{self, Overrides};
use regstorm::verdict::Ran;

const SCENARIO: &str = r#"
name = "healthy"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 4
layers = 2
layer_size = "16KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "constant-arrival-rate"
rate = 30
arrival = "poisson"
duration = "2100ms"
max_vus = 50
"#;

#[test]
fn twenty_runs_of_a_moderate_load_are_valid() {
    let overrides = Overrides::default();
    let scenario = scenario::load(SCENARIO, "healthy.toml", Path::new(""), &overrides, &|_| {
        None
    })
    .unwrap_or_else(|problems| panic!("{problems}"));
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    for run in 0..20 {
        let (_stopper, stop) = engine::stop();
        let finished = engine::run(&plan, run, &stop, &mut |_| {}).expect("a run that measures");
        let ran = Ran {
            plan: &plan,
            record: &finished.record,
            pacer_lag: &finished.pacer_lag,
            signals: &finished.signals,
            ceiling_share: None,
            target_host: TargetHost::Same,
            ended_early: false,
        };
        let health = ran.health();
        assert_eq!(
            health.verdict(),
            Verdict::Valid,
            "run {run}: {:#?}",
            health.reasons
        );
    }
}
