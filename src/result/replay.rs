//! A replay held against its trace: both sides, and whether one can stand for the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::{LatencyHistogram, TracedRequests};
use crate::oci::Operation;
use crate::units::{self, Quantile};

/// At least this share of the requests is sent, on time, and ends as it was recorded.
const LEAST_SHARE: f64 = 0.99;
/// At most this share of the requests is in another hundredth of the load's length than it was recorded in.
const MOST_MOVED: f64 = 0.02;
/// The share of an operation, and the bytes, differ at most by this.
const MOST_DIFFERENCE: f64 = 0.02;

/// A replay held against its trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplaySection {
    /// The name of the load.
    pub load: String,
    /// How many times as fast as it was recorded; of a closed load, what think times were divided by.
    pub speed: f64,
    /// Whether users shared the sessions; otherwise each session was due as it was recorded.
    pub is_closed: bool,
    /// Requests of the slice that a replay cannot send.
    pub left_out: u64,
    /// Whether blobs have other sizes than they were recorded with, because the scenario wants that.
    pub is_scaled: bool,
    /// How long the slice is at that speed, in microseconds.
    pub recorded_us: u64,
    /// How long the load was, in microseconds: the same, and in a closed load as long as its users took.
    pub length_us: u64,
    /// What the trace says, at that speed.
    pub recorded: TracedRequests,
    /// What was sent.
    pub replayed: TracedRequests,
    /// In what the replay differs from the trace by more than may be; it is faithful if that is nothing.
    pub differences: Vec<String>,
}

/// The columns of [`ReplaySection::operations`], the name of the operation first.
pub const OPERATION_COLUMNS: [&str; 7] = [
    "operation",
    "share, recorded",
    "share, replayed",
    "p50, recorded",
    "p50, replayed",
    "p99, recorded",
    "p99, replayed",
];

/// A figure of both sides, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayFigure {
    /// What it is of.
    pub name: &'static str,
    /// Of the trace.
    pub recorded: String,
    /// Of the replay.
    pub replayed: String,
}

impl ReplaySection {
    /// Returns `true` if the replay stands for what was recorded, as far as it can be sent again.
    pub fn is_faithful(&self) -> bool {
        self.differences.is_empty()
    }

    /// Returns the verdict in a line.
    pub fn verdict(&self) -> String {
        if self.is_faithful() {
            "faithful".to_owned()
        } else {
            format!("not faithful: {}", self.differences.join("; "))
        }
    }

    /// Adds another part of the same load, and judges again.
    pub(super) fn merge(&mut self, other: &Self) {
        self.left_out = self.left_out.max(other.left_out);
        self.length_us = self.length_us.max(other.length_us);
        self.recorded.merge(&other.recorded);
        self.replayed.merge(&other.replayed);
        self.judge();
    }

    /// Finds the differences.
    pub fn judge(&mut self) {
        let (recorded, replayed) = (&self.recorded, &self.replayed);
        let mut differences = Vec::new();
        let mut least = |what: &str, part: u64, of: u64| {
            let share = share(part, of);
            if of > 0 && share < LEAST_SHARE {
                differences.push(format!("{} of the requests {what}", units::share(share)));
            }
        };
        least("were sent", replayed.count, recorded.count);
        least(
            &with_cause(
                "were sent within 10 ms after they were due",
                (replayed.held_up, "waited for the one before them"),
            ),
            replayed.on_time,
            replayed.count,
        );
        least(
            &with_cause(
                "ended with a status of the recorded class",
                (replayed.too_early, "read what was not stored yet"),
            ),
            replayed.as_recorded,
            replayed.count,
        );
        for operation in Operation::ALL {
            let [was, is] = [recorded, replayed].map(|side| {
                let count = side.of(operation).map_or(0, |it| it.count);
                share(count, side.count)
            });
            if (was - is).abs() > MOST_DIFFERENCE && replayed.count > 0 {
                differences.push(format!(
                    "{operation} is {} of the requests, recorded {}",
                    units::share(is),
                    units::share(was)
                ));
            }
        }
        let moved = self.moved();
        if moved > MOST_MOVED {
            differences.push(format!(
                "{} of the requests were sent in another hundredth of the time",
                units::share(moved)
            ));
        }
        let (was, is) = (float(recorded.bytes), float(replayed.bytes));
        if !self.is_scaled && (was - is).abs() > MOST_DIFFERENCE * was {
            let [was, is] = [recorded.bytes, replayed.bytes].map(units::bytes);
            differences.push(format!("{is} were fetched, recorded {was}"));
        }
        self.differences = differences;
    }

    /// Returns the share of the requests that were sent in another hundredth of the load's length than recorded.
    fn moved(&self) -> f64 {
        let [was, is] = [&self.recorded, &self.replayed];
        if was.count == 0 || is.count == 0 {
            return 0.0;
        }
        let parts = was.parts.iter().zip(&is.parts);
        let differing = parts.map(|(a, b)| (share(*a, was.count) - share(*b, is.count)).abs());
        differing.sum::<f64>() / 2.0
    }

    /// Returns what readers compare, each of both sides.
    pub fn figures(&self) -> Vec<ReplayFigure> {
        let sides = [&self.recorded, &self.replayed];
        let figure = |name, of: &dyn Fn(&TracedRequests) -> String| {
            let [recorded, replayed] = sides.map(of);
            ReplayFigure {
                name,
                recorded,
                replayed,
            }
        };
        let of_blobs = |side: &TracedRequests| units::share(share(side.popular, side.blobs));
        let at_once = |side: &TracedRequests, length_us: u64| {
            format!("{:.2}", float(side.busy_us) / float(length_us.max(1)))
        };
        let gap = |name, quantile| figure(name, &|side| at(&side.gaps, quantile));
        // What follows from the recording being itself is no figure of it.
        let of_replay = |name, replayed: String| ReplayFigure {
            name,
            recorded: "-".to_owned(),
            replayed,
        };
        let replayed = &self.replayed;
        let part = |part: u64| units::share(share(part, replayed.count));
        vec![
            figure("requests", &|side| units::count(side.count)),
            of_replay("sent on time", part(replayed.on_time)),
            of_replay("late behind the one before", part(replayed.held_up)),
            of_replay("late, p99", at(&replayed.late, Quantile::P99)),
            of_replay("status as recorded", part(replayed.as_recorded)),
            of_replay("404, read before stored", units::count(replayed.too_early)),
            figure("bytes fetched", &|side| units::bytes(side.bytes)),
            gap("gap in a session, p10", Quantile::P10),
            gap("gap in a session, p50", Quantile::P50),
            gap("gap in a session, p90", Quantile::P90),
            gap("gap in a session, p99", Quantile::P99),
            ReplayFigure {
                name: "requests at once, mean",
                recorded: at_once(&self.recorded, self.recorded_us),
                replayed: at_once(&self.replayed, self.length_us),
            },
            figure("blob requests, top 1% of blobs", &of_blobs),
        ]
    }

    /// Returns what a reader of the figures has to know of them, a line each.
    pub fn notes(&self) -> Vec<String> {
        let speed = units::factor(self.speed);
        let mut notes = vec![if self.is_closed {
            format!(
                "closed: users share the sessions, with the recorded think times divided by {speed}"
            )
        } else {
            format!("{speed} times as fast as recorded")
        }];
        if self.left_out > 0 {
            let left_out = units::count(self.left_out);
            notes.push(format!(
                "left out: {left_out} requests of the slice, which a replay cannot send again"
            ));
        }
        if self.is_scaled {
            notes.push(
                "blobs have other sizes than recorded, by the scenario: bytes do not compare"
                    .to_owned(),
            );
        }
        if self
            .recorded
            .operations
            .iter()
            .any(|it| !it.time.is_empty())
        {
            notes.push(
                "latency: recorded within the registry, replayed as the client sees it".to_owned(),
            );
        } else {
            notes.push("latency: the log has no durations".to_owned());
        }
        notes
    }

    /// Returns each operation with its share of the requests and how long they took, p50 and p99, of both sides.
    pub fn operations(&self) -> Vec<(Operation, [String; 6])> {
        let sides = [&self.recorded, &self.replayed];
        let known = |operation: &Operation| sides.iter().any(|it| it.of(*operation).is_some());
        let operations = Operation::ALL.into_iter().filter(known);
        let row = |operation| {
            let of = |side: &TracedRequests, what: &dyn Fn(&LatencyHistogram) -> String| {
                let it = side.of(operation);
                it.map_or_else(|| "-".to_owned(), |it| what(&it.time))
            };
            let part = |side: &TracedRequests| {
                let count = side.of(operation).map_or(0, |it| it.count);
                units::share(share(count, side.count))
            };
            let p50 = |time: &LatencyHistogram| at(time, Quantile::P50);
            let p99 = |time: &LatencyHistogram| at(time, Quantile::P99);
            let [was, is] = sides;
            let cells = [
                part(was),
                part(is),
                of(was, &p50),
                of(is, &p50),
                of(was, &p99),
                of(is, &p99),
            ];
            (operation, cells)
        };
        operations.map(row).collect()
    }
}

/// Returns what is the case for some requests, and for how many of the others the replay itself is the cause.
fn with_cause(what: &str, (count, cause): (u64, &str)) -> String {
    match count {
        0 => what.to_owned(),
        _ => format!("{what} ({} {cause})", units::count(count)),
    }
}

/// Returns a quantile in words.
fn at(times: &LatencyHistogram, quantile: Quantile) -> String {
    let known = times.quantile(quantile);
    known.map_or_else(|| "-".to_owned(), units::duration)
}

/// Returns a part as a share; none of nothing.
fn share(part: u64, of: u64) -> f64 {
    if of == 0 {
        0.0
    } else {
        float(part) / float(of)
    }
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::TracedRequest;

    /// A hundred pings over the load, of which `change` makes what was sent; `None`: it was not.
    fn section(change: impl Fn(u32, TracedRequest) -> Option<TracedRequest>) -> ReplaySection {
        let mut section = ReplaySection {
            load: "load-0".to_owned(),
            speed: 1.0,
            is_closed: false,
            left_out: 0,
            is_scaled: false,
            recorded_us: 1_000_000,
            length_us: 1_000_000,
            recorded: TracedRequests::default(),
            replayed: TracedRequests::default(),
            differences: Vec::new(),
        };
        for number in 0..100 {
            let request = TracedRequest {
                operation: Operation::Ping,
                status: Some(200),
                at: Some(f64::from(number) / 100.0 + 0.001),
                late: Duration::ZERO,
                held_up: false,
                gap: None,
                took: Some(Duration::from_millis(5)),
                bytes: 100,
                popular: None,
                as_recorded: true,
                too_early: false,
            };
            section.recorded.add(&request);
            if let Some(sent) = change(number, request) {
                section.replayed.add(&sent);
            }
        }
        section.judge();
        section
    }

    #[test]
    fn a_replay_that_is_as_recorded_is_faithful() {
        let section = section(|_, request| Some(request));
        assert_eq!(section.verdict(), "faithful");
        let at_once = section.figures().into_iter();
        let at_once = { at_once }.find(|it| it.name == "requests at once, mean");
        // 100 times 5 ms in a second.
        assert_eq!(at_once.unwrap().recorded, "0.50");
    }

    #[test]
    fn each_difference_is_told() {
        let two = |number: u32| number < 2;
        let not_sent = section(|number, it| (!two(number)).then_some(it));
        assert!(not_sent.verdict().contains("98% of the requests were sent"));
        let late = section(|number, it| {
            let late = Duration::from_millis(if two(number) { 11 } else { 10 });
            Some(TracedRequest { late, ..it })
        });
        assert_eq!(
            late.differences,
            ["98% of the requests were sent within 10 ms after they were due"]
        );
        let behind = section(|number, it| {
            let late = Duration::from_millis(if two(number) { 11 } else { 10 });
            let held_up = number < 1;
            Some(TracedRequest {
                late,
                held_up,
                ..it
            })
        });
        assert!(
            behind
                .verdict()
                .ends_with("due (1 waited for the one before them)"),
            "{}",
            behind.verdict()
        );
        let other = section(|number, it| {
            let as_recorded = !two(number);
            Some(TracedRequest { as_recorded, ..it })
        });
        assert_eq!(
            other.differences,
            ["98% of the requests ended with a status of the recorded class"]
        );
        let early = section(|number, it| {
            let (as_recorded, too_early) = (!two(number), two(number));
            Some(TracedRequest {
                as_recorded,
                too_early,
                ..it
            })
        });
        assert!(
            early.verdict().contains("(2 read what was not stored yet)"),
            "{}",
            early.verdict()
        );
        let moved = section(|number, it| {
            let at = if number < 3 { Some(0.99) } else { it.at };
            Some(TracedRequest { at, ..it })
        });
        assert_eq!(
            moved.differences,
            ["3% of the requests were sent in another hundredth of the time"]
        );
        let mut small = section(|_, it| Some(TracedRequest { bytes: 97, ..it }));
        assert_eq!(small.differences, ["9.70 kB were fetched, recorded 10 kB"]);
        small.is_scaled = true;
        small.judge();
        assert!(small.is_faithful());
        let mixed = section(|number, it| {
            let operation = if number < 3 {
                Operation::Catalog
            } else {
                it.operation
            };
            Some(TracedRequest { operation, ..it })
        });
        assert_eq!(
            mixed.differences,
            [
                "ping is 97% of the requests, recorded 100%",
                "catalog is 3% of the requests, recorded 0%"
            ]
        );
    }
}
