//! A generator that is well is never called anything else, over twenty runs. A binary of its own, because whatever runs
//! beside it takes its cores.

use std::fs;
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

/// Runs that may fall into a time in which the host gave this machine's cores to somebody else.
const DISTURBED: u64 = 40;

/// Clock ticks of all cores since the start of the machine: those that the host withheld, and all.
///
/// Read here and not taken from the health of the run, which is what is being tested.
fn ticks() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/stat").expect("Linux tells its clock ticks");
    let cpu = stat.lines().next().expect("the first line is all cores");
    // user nice system idle iowait irq softirq steal; what follows is part of user and nice.
    let ticks: Vec<u64> = cpu
        .split_whitespace()
        .skip(1)
        .take(8)
        .map(|number| number.parse().expect("a number of ticks"))
        .collect();
    (ticks[7], ticks.iter().sum())
}

#[test]
fn twenty_runs_of_a_moderate_load_are_valid() {
    let overrides = Overrides::default();
    let scenario = scenario::load(SCENARIO, "healthy.toml", Path::new(""), &overrides, &|_| {
        None
    })
    .unwrap_or_else(|problems| panic!("{problems}"));
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    let (mut valid, mut disturbed) = (0_u64, 0_u64);
    while valid < 20 {
        let run = valid + disturbed;
        let (stolen_before, all_before) = ticks();
        let (_stopper, stop) = engine::stop();
        let finished =
            engine::run(&plan, run, &stop, &mut |_| {}).expect("a run that measures");
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
        let (stolen, all) = ticks();
        // A machine that does not run is not a healthy generator, and what is said of it then is true.
        if (stolen - stolen_before) * 50 > all - all_before {
            disturbed += 1;
            assert!(
                disturbed < DISTURBED,
                "the host withholds the cores all the time"
            );
            continue;
        }
        assert_eq!(
            health.verdict(),
            Verdict::Valid,
            "run {run}: {:#?}",
            health.reasons
        );
        valid += 1;
    }
}
