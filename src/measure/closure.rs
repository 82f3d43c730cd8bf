//! The sums that must agree. One that does not is a defect of regstorm, whatever the target did.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FailureClass, PackedHistogram, Period, Record, Totals};
use crate::exchange::Phase;

/// Every sum that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Closure {
    /// The sums, in the order of the report.
    pub sums: Vec<Sum>,
}

/// Two numbers, counted on different paths, that must be equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written", into = "Written")]
pub struct Sum {
    /// What is compared, such as `pull: scheduled = started + dropped`.
    pub name: String,
    /// The left side.
    pub left: u64,
    /// The right side.
    pub right: u64,
}

/// Two numbers, counted on different paths, that must be equal.
// The form in a report, which says of each sum whether it holds. That is not read back: the numbers say it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Written {
    /// What is compared.
    name: String,
    /// The left side.
    left: u64,
    /// The right side.
    right: u64,
    /// Whether they are equal.
    #[serde(skip_deserializing)]
    holds: bool,
}

impl Sum {
    /// Returns whether the two sides are equal.
    pub const fn holds(&self) -> bool {
        self.left == self.right
    }
}

impl Closure {
    /// Returns whether all sums hold.
    pub fn holds(&self) -> bool {
        self.sums.iter().all(Sum::holds)
    }

    /// Returns the sums that do not hold.
    pub fn broken(&self) -> impl Iterator<Item = &Sum> {
        self.sums.iter().filter(|sum| !sum.holds())
    }

    fn equal(&mut self, name: impl Into<String>, left: u64, right: u64) {
        self.sums.push(Sum {
            name: name.into(),
            left,
            right,
        });
    }
}

impl From<Written> for Sum {
    fn from(written: Written) -> Self {
        Self {
            name: written.name,
            left: written.left,
            right: written.right,
        }
    }
}

impl From<Sum> for Written {
    fn from(sum: Sum) -> Self {
        Self {
            holds: sum.holds(),
            name: sum.name,
            left: sum.left,
            right: sum.right,
        }
    }
}

impl Record {
    /// Adds up everything that must agree.
    pub fn check(&self) -> Closure {
        let mut closure = Closure::default();
        periods(&mut closure, self);
        journeys(&mut closure, self);
        operations(&mut closure, self);
        failures(&mut closure, self);
        windows(&mut closure, self);
        bytes(&mut closure, self);
        closure
    }
}

fn periods(closure: &mut Closure, record: &Record) {
    for period in Period::ALL {
        let totals = record.totals(period);
        if *totals == Totals::default() {
            continue;
        }
        let name = period.name();
        closure.equal(
            format!("{name}: scheduled = started + dropped"),
            totals.starts.scheduled,
            totals.starts.started.saturating_add(totals.starts.dropped),
        );
        closure.equal(
            format!("{name}: started = ok + failed + cancelled + misbehaved"),
            totals.starts.started,
            totals.iterations.ended(),
        );
        let counted = match period {
            Period::Measure => record
                .operations
                .iter()
                .flatten()
                .map(|it| it.counts.outcomes.ended())
                .sum(),
            _ => record
                .tally(period)
                .operations()
                .map(|(_, tally)| tally.outcomes.ended())
                .sum(),
        };
        closure.equal(
            format!("{name}: exchanges = exchanges of all operations"),
            totals.exchanges.ended(),
            counted,
        );
    }
}

fn journeys(closure: &mut Closure, record: &Record) {
    for (track, _, series) in record.tracks() {
        let name = record.track_name(track);
        let (counts, latencies) = (&series.counts, &series.latencies);
        let (starts, outcomes) = (counts.starts, counts.outcomes);
        closure.equal(
            format!("{name}: scheduled = started + dropped"),
            starts.scheduled,
            starts.started.saturating_add(starts.dropped),
        );
        closure.equal(
            format!("{name}: started = ok + failed + cancelled + misbehaved"),
            starts.started,
            outcomes.ended(),
        );
        closure.equal(
            format!("{name}: dropped = drops of all reasons"),
            starts.dropped,
            counts.drops.sum(),
        );
        closure.equal(
            format!("{name}: dropped = drops of all causes"),
            starts.dropped,
            counts.drop_causes.sum(),
        );
        closure.equal(
            format!("{name}: operations + pauses + rest = time of iterations (ns)"),
            nanos(counts.time.parts()),
            nanos(counts.time.total),
        );
        for (latency, histogram) in [
            ("service time", &latencies.service_time),
            ("response time", &latencies.response_time),
        ] {
            closure.equal(
                format!("{name}: {latency} histogram = ok"),
                histogram.count(),
                outcomes.ok,
            );
        }
        closure.equal(
            format!("{name}: start lag histogram = ended"),
            latencies.start_lag.count(),
            outcomes.ended(),
        );
        closure.equal(
            format!("{name}: lower bounds = cancelled + timed out"),
            latencies.unfinished_response_time.count(),
            outcomes
                .cancelled
                .saturating_add(counts.failure_classes.of(FailureClass::Timeout)),
        );
        closure.equal(
            format!("{name}: failed histogram = failed"),
            latencies.failed_service_time.count(),
            outcomes.failed,
        );
        closure.equal(
            format!("{name}: failure classes = failed"),
            counts.failure_classes.sum(),
            outcomes.failed,
        );
        closure.equal(
            format!("{name}: misbehaviours = misbehaved"),
            counts.misbehaviours.sum(),
            outcomes.misbehaved,
        );
        let left = counts.left_connections;
        if !left.is_empty() {
            closure.equal(
                format!("{name}: connections left = failed + cancelled + closed + kept"),
                left.begun,
                left.ended(),
            );
        }
    }
}

fn operations(closure: &mut Closure, record: &Record) {
    for (track, _, _) in record.tracks() {
        let name = record.track_name(track);
        for (operation, series) in record.track_operations(track) {
            let (counts, latencies) = (&series.counts, &series.latencies);
            let outcomes = counts.outcomes;
            if outcomes.ended() == 0 {
                continue;
            }
            closure.equal(
                format!("{name} {operation}: histogram = ok"),
                latencies.phases.of(Phase::Total).count(),
                outcomes.ok,
            );
            closure.equal(
                format!("{name} {operation}: failed histogram = failed"),
                latencies.failed_total.count(),
                outcomes.failed,
            );
            closure.equal(
                format!("{name} {operation}: lower bounds = cancelled + timed out"),
                latencies.unfinished_total.count(),
                outcomes
                    .cancelled
                    .saturating_add(counts.failure_classes.of(FailureClass::Timeout)),
            );
            closure.equal(
                format!("{name} {operation}: failure classes = failed"),
                counts.failure_classes.sum(),
                outcomes.failed,
            );
            closure.equal(
                format!("{name} {operation}: misbehaviours = misbehaved"),
                counts.misbehaviours.sum(),
                outcomes.misbehaved,
            );
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn windows(closure: &mut Closure, record: &Record) {
    let totals = record.totals(Period::Measure);
    let (window, iterations) = record.time_series().sums();
    let sides = [
        ("ok iterations", iterations.ok, totals.iterations.ok),
        (
            "failed iterations",
            iterations.failed,
            totals.iterations.failed,
        ),
        (
            "cancelled iterations",
            iterations.cancelled,
            totals.iterations.cancelled,
        ),
        (
            "misbehaved iterations",
            iterations.misbehaved,
            totals.iterations.misbehaved,
        ),
        ("ok exchanges", window.exchanges.ok, totals.exchanges.ok),
        (
            "failed exchanges",
            window.exchanges.failed,
            totals.exchanges.failed,
        ),
        (
            "cancelled exchanges",
            window.exchanges.cancelled,
            totals.exchanges.cancelled,
        ),
        (
            "misbehaved exchanges",
            window.exchanges.misbehaved,
            totals.exchanges.misbehaved,
        ),
        ("bytes sent", window.bytes.sent, totals.bytes.sent),
        (
            "bytes received",
            window.bytes.received,
            totals.bytes.received,
        ),
    ];
    for (name, left, right) in sides {
        closure.equal(format!("windows: {name} = total"), left, right);
    }
    for (metric, windows, count) in record.windowed() {
        let counted = windows.iter().map(PackedHistogram::count).sum();
        closure.equal(format!("windows: {metric} = histogram"), counted, count);
    }
}

/// Nothing that failed is without a row.
fn failures(closure: &mut Closure, record: &Record) {
    let failed = |of: fn(&Totals) -> u64| -> u64 {
        let periods = Period::ALL.into_iter();
        periods.map(|it| of(record.totals(it))).sum()
    };
    let kinds = record.failures().kinds.iter().map(|it| it.count);
    closure.equal(
        "failed exchanges = failures by kind",
        failed(|it| it.exchanges.failed),
        kinds.fold(record.failures().other, u64::saturating_add),
    );
    let kinds = record.iteration_failures().kinds().iter();
    closure.equal(
        "failed iterations = failures by kind",
        failed(|it| it.iterations.failed),
        kinds.map(|it| it.count).sum(),
    );
}

fn bytes(closure: &mut Closure, record: &Record) {
    let mut samples = super::Bytes::default();
    for period in Period::ALL {
        samples.merge(record.totals(period).bytes);
    }
    let transport = record.transport();
    closure.equal(
        "bytes sent: transport = samples",
        transport.sent,
        samples.sent,
    );
    closure.equal(
        "bytes received: transport = samples",
        transport.received,
        samples.received,
    );
}
