//! What clients that misbehave on purpose did, in lines for people, and what a client beside them saw.

use std::time::Duration;

use serde_json::Value;

use super::words::{each, number_of};
use crate::measure::{LeftConnections, Outcomes};
use crate::result::{Document, JourneySection, OperationSection, ProbeSection};
use crate::units::{self, Quantile};

/// The column of a table for what misbehaved; `None`, and no column, where nothing did.
pub(super) fn column(outcomes: Outcomes) -> Option<&'static str> {
    (outcomes.misbehaved > 0).then_some("misbehaved")
}

/// The same for operations.
pub(super) fn column_of(operations: &[OperationSection]) -> Option<&'static str> {
    let mut outcomes = operations.iter().map(|it| it.counts.outcomes);
    outcomes.find_map(column)
}

/// What clients that misbehave on purpose did, a line or two for each journey: `rollout: 312 of 1,000 iterations (312 aborted);
/// blob-get: 312 aborted`. The last line is what the probe saw beside them, if there are both.
pub(super) fn lines(document: &Document) -> Vec<String> {
    let mut lines = Vec::new();
    for journey in &document.journeys {
        lines.extend(ended(journey));
        lines.extend(left(&journey.name, journey.counts.left_connections));
    }
    if is_planned(document) {
        lines.extend(document.probe.as_ref().map(beside));
    }
    lines
}

/// The keys of journeys whose clients misbehave.
const KEYS: [&str; 8] = [
    "abort",
    "stall",
    "read_rate",
    "write_rate",
    "leave_uploads",
    "repeat_chunks",
    "skip_chunks",
    "leave_connections",
];

/// Returns `true` if journeys of a plan are to misbehave: what slow ones do is in no count.
fn is_planned(document: &Document) -> bool {
    let journeys = document.plan.resolved["journey"].as_object();
    journeys.is_some_and(|all| all.values().any(misbehaves))
}

/// Returns `true` if a journey, or a client of it, has one of the keys.
fn misbehaves(habits: &Value) -> bool {
    let mut habits = habits.as_object().into_iter().flatten();
    habits.any(|(key, value)| {
        let is_none = value.as_f64().is_some_and(|share| share <= 0.0);
        (KEYS.contains(&key.as_str()) && !is_none) || misbehaves(value)
    })
}

fn ended(journey: &JourneySection) -> Option<String> {
    let operations = journey.operations.iter();
    let operations: Vec<String> = operations
        .filter(|it| !it.counts.misbehaviours.is_empty())
        .map(|it| format!("; {}: {}", it.name.name(), each(&it.counts.misbehaviours)))
        .collect();
    let outcomes = journey.counts.outcomes;
    if outcomes.misbehaved == 0 && operations.is_empty() {
        return None;
    }
    let kinds = match outcomes.misbehaved {
        0 => String::new(),
        _ => format!(" ({})", each(&journey.counts.misbehaviours)),
    };
    Some(format!(
        "{}: {} of {}{kinds}{}",
        journey.name,
        units::count(outcomes.misbehaved),
        number_of(outcomes.ended(), "iteration"),
        operations.concat()
    ))
}

/// `rollout: 40 connections left: 30 closed by the registry, after 10 s to 10.1 s; 10 open to their end`
fn left(journey: &str, left: LeftConnections) -> Option<String> {
    if left.is_empty() {
        return None;
    }
    let mut closed = "closed by the registry".to_owned();
    if let (Some(shortest), Some(longest)) = (left.shortest_us, left.longest_us) {
        let [shortest, longest] =
            [shortest, longest].map(|it| units::duration(Duration::from_micros(it)));
        let after = if shortest == longest {
            shortest
        } else {
            format!("{shortest} to {longest}")
        };
        closed = format!("{closed}, after {after}");
    }
    let parts = [
        (left.closed, closed.as_str()),
        (left.kept, "open to their end"),
        (left.failed, "could not be opened"),
        (left.cancelled, "not open when the load was over"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{} {what}", units::count(count)))
        .collect();
    Some(format!(
        "{journey}: {} left: {}",
        number_of(left.begun, "connection"),
        parts.join("; ")
    ))
}

/// `the probe, beside these clients: 0 of 60 rounds failed, response time p50 1.20 ms, p99 -, max 3.40 ms`
fn beside(probe: &ProbeSection) -> String {
    let counts = &probe.rounds.counts;
    let latency = &probe.rounds.latencies.response_time;
    let shown = |time: Option<Duration>| time.map_or("-".to_owned(), units::duration);
    let dropped = match counts.starts.dropped {
        0 => String::new(),
        dropped => format!(", {} were not started in time", units::count(dropped)),
    };
    format!(
        "the probe, beside these clients: {} of {} failed{dropped}; response time p50 {}, p99 {}, max {}",
        units::count(counts.outcomes.failed),
        number_of(counts.outcomes.ended(), "round"),
        shown(latency.quantile(Quantile::P50)),
        shown(latency.quantile(Quantile::P99)),
        shown(latency.max())
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exchange::Misbehaviour;
    use crate::measure::MisbehaviourCounts;
    use crate::report::{csv, html, markdown, testing, text};

    /// Twelve pulls were broken off, seven connections were to be left, and a probe looked on.
    fn document() -> Document {
        let mut document = testing::document();
        document.plan.resolved = json!({ "journey": { "pull": { "abort": { "after": 0.5 } } } });
        let aborted: MisbehaviourCounts = [(Misbehaviour::Aborted, 12)].into_iter().collect();
        let pulls = &mut document.journeys[0];
        document.probe = Some(ProbeSection {
            every_us: 100_000,
            window_us: 20_000_000,
            rounds: pulls.clone(),
            failures: document.failures.clone(),
        });
        pulls.counts.outcomes.misbehaved = 12;
        pulls.counts.misbehaviours = aborted;
        pulls.counts.left_connections = LeftConnections {
            begun: 7,
            failed: 1,
            cancelled: 0,
            closed: 4,
            kept: 2,
            shortest_us: Some(10_000_000),
            longest_us: Some(10_500_000),
        };
        for blobs in [&mut pulls.operations[0], &mut document.operations[0]] {
            blobs.counts.outcomes.misbehaved = 12;
            blobs.counts.misbehaviours = aborted;
        }
        document.totals.iterations.misbehaved = 12;
        document.totals.exchanges.misbehaved = 12;
        document
    }

    #[test]
    fn what_was_provoked_is_said_in_a_line_each() {
        assert_eq!(
            lines(&document()),
            [
                "pull: 12 of 1,020 iterations (12 aborted); blob-get: 12 aborted",
                "pull: 7 connections left: 4 closed by the registry, after 10 s to 10.5 s; 2 open to their end; 1 could not be opened",
                // Of 1,001 to 2,000 ms.
                "the probe, beside these clients: 6 of 1,008 rounds failed, 2 were not started in time; response time p50 1.50 s, p99 1.99 s, max 2.00 s",
            ]
        );
        assert!(lines(&testing::document()).is_empty());
    }

    #[test]
    fn slow_clients_are_known_by_their_plan() {
        for (keys, is_slow) in [
            (json!({ "read_rate": "64KiB" }), true),
            (
                json!({ "clients": { "docker": { "write_rate": "64KiB" } } }),
                true,
            ),
            (json!({ "leave_uploads": 0.1 }), true),
            (json!({ "leave_uploads": 0.0, "parallel": 3 }), false),
        ] {
            assert_eq!(misbehaves(&keys), is_slow, "{keys}");
        }
        let mut slow = document();
        slow.journeys = testing::document().journeys;
        slow.plan.resolved = json!({ "journey": { "pull": { "read_rate": "64KiB" } } });
        let said = lines(&slow);
        assert!(
            said.len() == 1 && said[0].starts_with("the probe"),
            "{said:?}"
        );
    }

    #[test]
    fn tables_have_a_column_where_anything_was_provoked() {
        let (some, none) = (document(), testing::document());
        let columns = |document: &Document| {
            let page = text::summary(document, None, false, None);
            page.matches("misbehaved").count()
        };
        assert_eq!((columns(&some), columns(&none)), (2, 0));
        for page in [markdown::run as fn(&Document) -> String, html::render] {
            let cell = |document: &Document| page(document).matches("misbehaved").count();
            assert!(cell(&some) >= cell(&none) + 2);
        }
        for document in [&some, &none] {
            let table = csv::long(document);
            let mut rows = table.lines();
            assert!(rows.next().is_some_and(|it| it.ends_with(",misbehaved")));
            let misbehaved = document.totals.iterations.misbehaved;
            assert!(rows.all(|it| it.ends_with(&format!(",{misbehaved}"))));
        }
    }
}
