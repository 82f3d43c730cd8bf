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

/// Runs that may fall into a time in which somebody else had this machine's cores.
const DISTURBED: u64 = 40;

/// Clock ticks since the start of the machine, of all cores, and since the start of this process.
///
/// Read here and not taken from the health of the run, which is what is being tested.
struct Ticks {
    all: u64,
    busy: u64,
    stolen: u64, // withheld by the host
    own: u64,
}

impl Ticks {
    fn now() -> Self {
        let numbers = |text: &str| -> Vec<u64> {
            let words = text.split_whitespace();
            words.filter_map(|word| word.parse().ok()).collect()
        };
        let stat = fs::read_to_string("/proc/stat").expect("Linux tells its clock ticks");
        let cpu = stat.lines().next().expect("the first line is all cores");
        // user nice system idle iowait irq softirq steal; what follows is part of user and nice.
        let ticks = &numbers(cpu)[..8];
        let own = fs::read_to_string("/proc/self/stat").expect("Linux tells those of a process");
        // The name may hold anything; behind it are the state, which is a letter, and the numbers from the 4th field on.
        let (_, own) = own.rsplit_once(')').expect("a name in parentheses");
        let own = numbers(own);
        Self {
            all: ticks.iter().sum(),
            busy: ticks.iter().sum::<u64>() - ticks[3] - ticks[4],
            stolen: ticks[7],
            own: own[10] + own[11], // fields 14 and 15: utime and stime
        }
    }

    /// Since then, did the host withhold 2% of the cores, or other processes take a tenth of them?
    fn were_disturbed_since(&self, then: &Self) -> bool {
        let all = self.all - then.all;
        let stolen = self.stolen - then.stolen;
        let others = (self.busy - then.busy).saturating_sub(stolen + self.own - then.own);
        stolen * 50 > all || others * 10 > all
    }
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
        let before = Ticks::now();
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
        // A machine that does not run, or not for us, is not a healthy generator, and what is said of it then is true.
        if Ticks::now().were_disturbed_since(&before) {
            disturbed += 1;
            assert!(
                disturbed < DISTURBED,
                "somebody else has the cores all the time"
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
