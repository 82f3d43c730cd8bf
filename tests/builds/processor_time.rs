//! A build that takes more processor time at the same latency.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use regstorm::result::{Comparison, Decision, MetricComparison};

use super::machine::{Beside, claim, tried};
use super::{Bench, PULL, TRIES, alone, shown};

const CPU: &str = "--gate=server.cpu_per_pull";

/// `regstorm serve`, a process of its own, in which a request takes more processor time than it needs, beside the response.
struct Burning {
    child: Child,
    url: String,
}

impl Burning {
    fn start(bench: &Bench, time: &str) -> Self {
        let faults = format!("[[fault]]\noperation = \"blob-get\"\nburn = \"{time}\"\n");
        let file = format!("{time}.toml");
        std::fs::write(bench.path(&file), faults).expect("a file");
        let mut serve = bench.regstorm(&["serve", "--listen", "127.0.0.1:0", "--faults", &file]);
        serve.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = serve.spawn().expect("the program starts");
        let mut said = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut said).expect("a line");
        let url = said.split_whitespace().find(|it| it.starts_with("http"));
        let url = url
            .unwrap_or_else(|| panic!("no address: {said}"))
            .to_owned();
        Self { child, url }
    }
}

impl Drop for Burning {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn metric<'a>(comparison: &'a Comparison, name: &str) -> &'a MetricComparison {
    let mut all = comparison.metrics.iter();
    let found = all.find(|it| it.metric == name);
    found.unwrap_or_else(|| panic!("no {name}: {:?}", comparison.metrics))
}

/// A pull of two layers and a config takes 3 x 400 us more.
#[test]
fn more_processor_time_at_the_same_latency_is_a_regression() {
    let _alone = alone();
    let paced = PULL
        .replace("constant-vus", "constant-arrival-rate")
        .replace("vus = 16", "rate = 40\nmax_vus = 50");
    let bench = Bench::new(&format!("{paced}[[telemetry]]\nprocess = \"target\"\n"));
    let base = Burning::start(&bench, "400us");
    let more = Burning::start(&bench, "800us");
    let compare = |candidate: &Burning| {
        let mut ab = bench.ab_whole(&base.url, &candidate.url, &[CPU]);
        ab.args(["--slices=1", "--slice=2s", "--settle=200ms"]);
        let output = ab.output().expect("the program runs");
        (output.status.code(), shown(&output), bench.comparison())
    };
    let found = tried(TRIES, Beside::Nobody, || {
        let (code, said, comparison) = compare(&more);
        let cpu = metric(&comparison, "server.cpu_per_pull");
        claim!(cpu.decision == Decision::Regression, "{cpu:?}: {said}");
        let change = cpu.change.unwrap_or_default();
        claim!((0.15..1.1).contains(&change), "a change of {change}");
        let latency = metric(&comparison, "pull.response_time p(50)");
        claim!(latency.decision != Decision::Regression, "{latency:?}");
        assert_eq!(code, Some(1), "{said}");
        Ok(())
    });
    if found.is_none() {
        return;
    }
    let _ = tried(TRIES, Beside::Nobody, || {
        let (_, said, comparison) = compare(&base);
        let cpu = metric(&comparison, "server.cpu_per_pull");
        claim!(cpu.decision != Decision::Regression, "{cpu:?}: {said}");
        Ok(())
    });
}
