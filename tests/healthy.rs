//! A generator that is well is never called anything else, over twenty runs. A binary of its own, because whatever runs
//! beside it takes its cores. No chance is in it: a run that is not valid fails the test unless a timer loop beside it, or
//! the kernel's clocks, say that somebody else had the cores.

/// Whether the machine was quiet.
mod machine;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use regstorm::engine;
use regstorm::health::{Health, Reason, Signal, TargetHost, Verdict};
use regstorm::plan::{self, Plan};
use regstorm::scenario::{self, Overrides};
use regstorm::verdict::Ran;

use machine::{Beside, Watch};

/// More users than arrivals, so that none is dropped however long the machine stands still.
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
max_vus = 150
"#;

/// Runs that are to be valid, and runs there may be in all when somebody else has this machine's cores.
const RUNS: u32 = 20;
const AT_MOST: u32 = 40;

/// What others who take this machine's cores may lead to. Everything else is regstorm's own doing, however busy the
/// machine.
const OF_THE_MACHINE: [Signal; 11] = [
    Signal::StartLag,
    Signal::ConnectionWait,
    Signal::RuntimeLag,
    Signal::SystemLag,
    Signal::RunQueueWait,
    Signal::Steal,
    Signal::Throttling,
    Signal::CpuPressure,
    Signal::MemoryPressure,
    Signal::MajorFaults,
    // The kernel counts them for all who share its network.
    Signal::Retransmits,
];

#[test]
fn twenty_runs_of_a_moderate_load_are_valid() {
    let overrides = Overrides::default();
    let scenario = scenario::load(SCENARIO, "healthy.toml", Path::new(""), &overrides, &|_| {
        None
    })
    .unwrap_or_else(|problems| panic!("{problems}"));
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    let (mut valid, mut noises) = (0, Vec::new());
    for number in 0..AT_MOST {
        let watch = Watch::begin();
        let health = run(&plan, u64::from(number));
        let noise = watch.end();
        if health.verdict() == Verdict::Valid {
            valid += 1;
        } else {
            // A machine that does not run, or not for us, is not a healthy generator, and what is said of it then is true.
            let of_the_machine = |it: &Reason| OF_THE_MACHINE.contains(&it.signal);
            assert!(
                noise.spoils(Beside::Nobody) && health.reasons.iter().all(of_the_machine),
                "run {number}, {noise}: {:#?}",
                health.reasons
            );
            noises.push(format!("{noise}: {:?}", health.reasons));
        }
        if valid == RUNS {
            return;
        }
    }
    machine::not_shown(&noises);
}

fn run(plan: &Arc<Plan>, seed: u64) -> Health {
    let (_stopper, stop) = engine::stop();
    let finished = engine::run(plan, seed, &stop, &mut |_| {}).expect("a run that measures");
    let ran = Ran {
        plan,
        record: &finished.record,
        pacer_lag: &finished.pacer_lag,
        signals: &finished.signals,
        ceiling_share: None,
        target_host: TargetHost::Same,
        ended_early: false,
    };
    ran.health()
}
