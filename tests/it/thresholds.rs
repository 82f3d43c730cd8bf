mod grammar;
mod verdict;
mod views;
mod watch;

use std::num::NonZeroUsize;
use std::time::Duration;

use regstorm::measure::{LatencyHistogram, Observed, Outcomes};
use regstorm::plan::{self, Plan, Threshold};

use crate::scenario::{GOOD, load};

/// A plan with these tables, in which both journeys run.
pub(crate) fn plan(thresholds: &[&[&str]]) -> Plan {
    let tables = thresholds.iter();
    let tables = tables.map(|lines| format!("[[threshold]]\n{}\n", lines.join("\n")));
    let text = GOOD.replace("journey = \"pull\"", "mix = { pull = 1, push = 1 }");
    let text = format!("{text}{}", tables.collect::<String>());
    let scenario = load(&text).unwrap_or_else(|problems| panic!("{problems}"));
    plan::resolve(scenario, NonZeroUsize::MIN)
}

fn threshold(metric: &str, expect: &str) -> Threshold {
    let lines = [
        format!("metric = \"{metric}\""),
        format!("expect = \"{expect}\""),
    ];
    plan(&[&lines.each_ref().map(String::as_str)]).thresholds[0].clone()
}

fn histogram(millis: impl IntoIterator<Item = u64>) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for value in millis {
        histogram.record(Duration::from_millis(value));
    }
    histogram
}

/// These latencies of ok ones, and these lower bounds of what was cut.
fn latencies(ok: impl IntoIterator<Item = u64>, cut: impl IntoIterator<Item = u64>) -> Observed {
    let (latency, unfinished) = (histogram(ok), histogram(cut));
    Observed {
        outcomes: Outcomes {
            ok: latency.count(),
            failed: 0,
            cancelled: unfinished.count(),
            misbehaved: 0,
        },
        latency,
        unfinished,
        ..Observed::default()
    }
}
