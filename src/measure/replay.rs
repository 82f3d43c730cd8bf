//! Requests of a trace: as they were recorded, or as they were sent again. Both are counted alike, so that they compare.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LatencyHistogram;
use crate::oci::Operation;

/// How many equal parts the load is cut into, to see whether its shape was kept.
const PARTS: usize = 100;

/// A request that is sent later than this is late.
const ON_TIME: Duration = Duration::from_millis(10);

/// One request of a trace, as it was recorded or sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TracedRequest {
    /// The endpoint.
    pub operation: Operation,
    /// The status of the response; `None` if there was none, or it is not known.
    pub status: Option<u16>,
    /// When it began, as a share of the length of the load; `None` in a closed load, which has no timetable.
    pub at: Option<f64>,
    /// How much later it began than it was due; none as it was recorded.
    pub late: Duration,
    /// Whether the request before it in its session ended when it was due already.
    pub held_up: bool,
    /// From the request before it in its session; `None` for the first.
    pub gap: Option<Duration>,
    /// How long it took; `None` where that is not known.
    pub took: Option<Duration>,
    /// Bytes of the manifest or blob that was fetched.
    pub bytes: u64,
    /// Of a blob that was fetched: whether it is among the hundredth that was fetched most.
    pub popular: Option<bool>,
    /// Whether the status is of the class that was recorded.
    pub as_recorded: bool,
    /// Whether it got a 404 because the replay had not yet stored what it asked for.
    pub too_early: bool,
}

/// Requests of a trace, as they were recorded or as they were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TracedRequests {
    /// How many there are.
    pub count: u64,
    /// Those that began within 10 ms after they were due.
    pub on_time: u64,
    /// Those that were later, because the request before them in their session had not ended.
    pub held_up: u64,
    /// Those whose response had a status of the class that was recorded.
    pub as_recorded: u64,
    /// Those that got a 404 because the replay had not yet stored what they asked for: no failure of the target.
    pub too_early: u64,
    /// Bytes of the manifests and blobs that were fetched.
    pub bytes: u64,
    /// Blobs that were fetched.
    pub blobs: u64,
    /// Those of the hundredth of all blobs that was fetched most.
    pub popular: u64,
    /// The time that all of them took, in microseconds; those whose time is not known have none.
    pub busy_us: u64,
    /// How much later they began than they were due.
    pub late: LatencyHistogram,
    /// From one request of a session to its next.
    pub gaps: LatencyHistogram,
    /// How many began in each hundredth of the length of the load; none in a closed load, which has no timetable.
    pub parts: Vec<u64>,
    /// The same by operation, in the order of the table of operations.
    pub operations: Vec<TracedOperation>,
}

/// Requests of a trace to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TracedOperation {
    /// The endpoint.
    pub name: Operation,
    /// How many there are.
    pub count: u64,
    /// Responses by the first digit of their status: none or not known, 1xx, 2xx, 3xx, 4xx, 5xx.
    pub classes: [u64; 6],
    /// How long they took, as far as that is known.
    pub time: LatencyHistogram,
}

impl Default for TracedRequests {
    fn default() -> Self {
        Self {
            count: 0,
            on_time: 0,
            held_up: 0,
            as_recorded: 0,
            too_early: 0,
            bytes: 0,
            blobs: 0,
            popular: 0,
            busy_us: 0,
            late: LatencyHistogram::new(),
            gaps: LatencyHistogram::new(),
            parts: vec![0; PARTS],
            operations: Vec::new(),
        }
    }
}

impl TracedRequests {
    /// Counts one.
    pub fn add(&mut self, request: &TracedRequest) {
        self.count += 1;
        let is_on_time = request.late <= ON_TIME;
        self.on_time += u64::from(is_on_time);
        self.held_up += u64::from(request.held_up && !is_on_time);
        self.as_recorded += u64::from(request.as_recorded);
        self.too_early += u64::from(request.too_early);
        self.bytes = self.bytes.saturating_add(request.bytes);
        self.blobs += u64::from(request.popular.is_some());
        self.popular += u64::from(request.popular == Some(true));
        self.late.record(request.late);
        if let Some(gap) = request.gap {
            self.gaps.record(gap);
        }
        if let Some(at) = request.at {
            self.parts[part(at)] += 1;
        }
        let operation = self.operation(request.operation);
        operation.count += 1;
        let class = usize::from(request.status.unwrap_or(0) / 100).min(5);
        operation.classes[class] += 1;
        if let Some(took) = request.took {
            operation.time.record(took);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.busy_us = self.busy_us.saturating_add(micros);
        }
    }

    fn operation(&mut self, name: Operation) -> &mut TracedOperation {
        let place = self.operations.binary_search_by_key(&name, |it| it.name);
        let place = place.unwrap_or_else(|place| {
            let new = TracedOperation {
                name,
                count: 0,
                classes: [0; 6],
                time: LatencyHistogram::new(),
            };
            self.operations.insert(place, new);
            place
        });
        &mut self.operations[place]
    }

    /// Adds the counts of others.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.on_time += other.on_time;
        self.held_up += other.held_up;
        self.as_recorded += other.as_recorded;
        self.too_early += other.too_early;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.blobs += other.blobs;
        self.popular += other.popular;
        self.busy_us = self.busy_us.saturating_add(other.busy_us);
        self.late.merge(&other.late);
        self.gaps.merge(&other.gaps);
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            *mine += theirs;
        }
        for theirs in &other.operations {
            let mine = self.operation(theirs.name);
            mine.count += theirs.count;
            for (mine, theirs) in mine.classes.iter_mut().zip(theirs.classes) {
                *mine += theirs;
            }
            mine.time.merge(&theirs.time);
        }
    }

    /// Returns the requests to one endpoint.
    pub fn of(&self, name: Operation) -> Option<&TracedOperation> {
        self.operations.iter().find(|it| it.name == name)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the cast saturates, and what is outside is in the first or the last part"
)]
fn part(at: f64) -> usize {
    ((at * PARTS as f64) as usize).min(PARTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(at: f64, late: u64, operation: Operation) -> TracedRequest {
        TracedRequest {
            operation,
            status: Some(200),
            at: Some(at),
            late: Duration::from_millis(late),
            held_up: late.is_multiple_of(10),
            gap: Some(Duration::from_millis(5)),
            took: Some(Duration::from_micros(700)),
            bytes: 10,
            popular: Some(late == 0),
            as_recorded: late < 20,
            too_early: late == 30,
        }
    }

    #[test]
    fn parts_of_a_run_add_up_to_what_one_has_counted() {
        let requests = [
            request(0.0, 0, Operation::BlobGet),
            request(0.009, 10, Operation::BlobGet),
            request(0.5, 11, Operation::Ping),
            request(1.5, 30, Operation::ManifestGet),
        ];
        let counted = |requests: &[TracedRequest]| {
            let mut all = TracedRequests::default();
            for request in requests {
                all.add(request);
            }
            all
        };
        let whole = counted(&requests);
        assert_eq!((whole.count, whole.on_time, whole.as_recorded), (4, 2, 3));
        // Two of those that were held up were on time all the same.
        assert_eq!(whole.held_up, 1);
        assert_eq!((whole.blobs, whole.popular, whole.too_early), (4, 1, 1));
        assert_eq!((whole.bytes, whole.busy_us), (40, 2_800));
        assert_eq!(
            (whole.parts[0], whole.parts[50], whole.parts[99]),
            (2, 1, 1)
        );
        let mut merged = counted(&requests[..1]);
        merged.merge(&counted(&requests[1..]));
        assert_eq!(merged, whole);
        let json = serde_json::to_value(&whole).unwrap();
        assert_eq!(
            serde_json::from_value::<TracedRequests>(json).unwrap(),
            whole
        );
    }
}
