//! What is in a trace: its mix, its rates over time, sizes, popularity, sessions and clients.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::activity::{Activity, SessionMix};
use super::error::Error;
use super::popularity::{Counter, Popularity};
use super::reader::Reader;
use super::request::{Method, Pseudonym, Reference, Request};
use super::summary::Summary;
use super::time::Timestamp;
use crate::oci::Operation;

/// The bounds of the classes of sizes, in bytes. The largest class has none.
const SIZES: [u64; 6] = [1_000, 1_000_000, 10_000_000, 64 << 20, 256 << 20, 1 << 30];
/// The lengths of windows that rates are counted in, in seconds.
const WINDOWS: [u64; 9] = [1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000];
/// The most windows of a trace, but for those of many years.
const MOST_WINDOWS: u64 = 60;
const SECOND: u64 = 1_000_000_000;
/// The longest duration that is told from longer ones, in microseconds: a week.
const LONGEST_US: u64 = 604_800_000_000;
/// Significant digits of durations.
const DIGITS: u8 = 3;

/// What is in a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// What the trace says of itself.
    pub summary: Summary,
    /// Requests by method.
    pub methods: BTreeMap<&'static str, u64>,
    /// Requests by operation, in the order of reports; last those that no endpoint has.
    pub operations: Vec<OperationRow>,
    /// Requests by client program.
    pub agents: BTreeMap<&'static str, u64>,
    /// Requests over time.
    pub rates: Rates,
    /// Blobs that were fetched with a size that is known (GET, 200), by size.
    pub blob_sizes: Vec<SizeClass>,
    /// How requests are spread over blobs (GET).
    pub blobs: Popularity,
    /// How requests are spread over manifests by repository and reference (GET and HEAD).
    pub manifests: Popularity,
    /// How requests are spread over repositories.
    pub repositories: Popularity,
    /// How requests are spread over clients.
    pub clients: Popularity,
    /// Share of the GETs of a blob that the same client had sent before; `null` without any.
    pub repeated_blobs: Option<f64>,
    /// What sessions are.
    pub sessions: SessionMix,
}

/// The requests of one operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationRow {
    /// Its name; `other` for what no endpoint has.
    pub operation: &'static str,
    /// Requests.
    pub requests: u64,
    /// Requests by status; 0 for those without one.
    pub statuses: BTreeMap<u16, u64>,
    /// Bytes of bodies of requests, as far as they are known.
    pub sent_bytes: u64,
    /// Bytes of bodies of responses, as far as they are known.
    pub received_bytes: u64,
    /// The median of durations, in microseconds; `null` below 2 of them.
    pub p50_us: Option<u64>,
    /// The 99th percentile, in microseconds; `null` below 100 of them.
    pub p99_us: Option<u64>,
}

/// Requests over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rates {
    /// The length of a window, in seconds.
    pub window_s: u64,
    /// Requests in each window from the first request on.
    pub requests: Vec<u64>,
    /// The most requests in one second of the clock.
    pub most_in_a_second: u64,
}

/// Blobs of some sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeClass {
    /// The largest size, in bytes; `null` for the largest class.
    pub up_to_bytes: Option<u64>,
    /// Responses.
    pub requests: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Counts of one operation on their way.
#[derive(Default)]
struct OperationCount {
    requests: u64,
    statuses: BTreeMap<u16, u64>,
    sent: u64,
    received: u64,
    /// In microseconds.
    durations: Option<Histogram<u64>>,
}

impl Overview {
    /// Reads a trace to its end. Memory is bounded: of more than a quarter of a million names, a sample is counted.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read(mut reader: Reader) -> Result<Self, Error> {
        let mut counting = Counting::new(reader.summary().clone());
        while let Some(request) = reader.next() {
            let request = request?;
            counting.add(&request, &reader);
        }
        Ok(counting.finish())
    }
}

struct Counting {
    summary: Summary,
    methods: BTreeMap<&'static str, u64>,
    agents: BTreeMap<&'static str, u64>,
    operations: Vec<OperationCount>,
    rates: Rates,
    sizes: Vec<SizeClass>,
    /// The second that was counted last, and the requests in it.
    second: (u64, u64),
    blobs: Counter,
    manifests: Counter,
    repositories: Counter,
    clients: Counter,
    repeated: Counter,
    activity: Activity,
}

impl Counting {
    fn new(summary: Summary) -> Self {
        let span = match (summary.first, summary.last) {
            (Some(first), Some(last)) => last.since(first).as_secs() + 1,
            _ => 1,
        };
        let window = WINDOWS
            .iter()
            .find(|it| span.div_ceil(**it) <= MOST_WINDOWS);
        let window_s = window.copied().unwrap_or(2_592_000);
        let bounds = SIZES.iter().copied().map(Some).chain([None]);
        Self {
            methods: BTreeMap::new(),
            agents: BTreeMap::new(),
            operations: (0..=Operation::ALL.len())
                .map(|_| OperationCount::default())
                .collect(),
            rates: Rates {
                window_s,
                requests: Vec::new(),
                most_in_a_second: 0,
            },
            sizes: bounds
                .map(|up_to_bytes| SizeClass {
                    up_to_bytes,
                    requests: 0,
                    bytes: 0,
                })
                .collect(),
            second: (0, 0),
            blobs: Counter::default(),
            manifests: Counter::default(),
            repositories: Counter::default(),
            clients: Counter::default(),
            repeated: Counter::default(),
            activity: Activity::new(summary.session_gap()),
            summary,
        }
    }

    fn add(&mut self, request: &Request, reader: &Reader) {
        *self.methods.entry(request.method.name()).or_default() += 1;
        *self.agents.entry(request.agent.name()).or_default() += 1;
        let place = request
            .operation
            .map_or(Operation::ALL.len(), Operation::index);
        if let Some(count) = self.operations.get_mut(place) {
            count.add(request);
        }
        self.rate(request.start);
        let name = |pseudonym| reader.names().get(pseudonym);
        self.clients.add(request.client, name(request.client));
        if let Some(repository) = request.repository {
            self.repositories.add(repository, name(repository));
        }
        self.content(request);
        self.activity.add(request);
    }

    fn rate(&mut self, start: Timestamp) {
        let first = self.summary.first.unwrap_or(start);
        let window = start.since(first).as_secs() / self.rates.window_s;
        // A trace of centuries has more windows than are of use.
        let window = usize::try_from(window).unwrap_or(usize::MAX).min(10_000);
        if self.rates.requests.len() <= window {
            self.rates.requests.resize(window + 1, 0);
        }
        self.rates.requests[window] += 1;
        let second = start.nanos() / SECOND;
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        self.rates.most_in_a_second = self.rates.most_in_a_second.max(self.second.1);
    }

    fn content(&mut self, request: &Request) {
        let Some(reference) = request.reference else {
            return;
        };
        match request.operation {
            Some(Operation::BlobGet | Operation::Redirected) if request.method == Method::Get => {
                self.blobs.add(reference.pseudonym(), None);
                let pair = mixed(request.client, reference);
                self.repeated.add(pair, None);
                let is_whole = request.status.is_some_and(|it| it.get() == 200);
                if let Some(bytes) = request.received.filter(|_| is_whole) {
                    self.size(bytes);
                }
            }
            Some(Operation::ManifestGet | Operation::ManifestHead) => {
                let repository = request.repository.unwrap_or(reference.pseudonym());
                self.manifests.add(mixed(repository, reference), None);
            }
            _ => {}
        }
    }

    fn size(&mut self, bytes: u64) {
        let class = self
            .sizes
            .iter_mut()
            .find(|it| it.up_to_bytes.is_none_or(|most| bytes <= most));
        if let Some(class) = class {
            class.requests += 1;
            class.bytes = class.bytes.saturating_add(bytes);
        }
    }

    fn finish(self) -> Overview {
        let names = Operation::ALL.iter().map(|it| it.name()).chain(["other"]);
        let operations = names.zip(self.operations);
        let repeated = self.repeated.finish();
        Overview {
            summary: self.summary,
            methods: self.methods,
            operations: operations
                .filter(|(_, count)| count.requests > 0)
                .map(|(name, count)| count.finish(name))
                .collect(),
            agents: self.agents,
            rates: self.rates,
            blob_sizes: self.sizes,
            blobs: self.blobs.finish(),
            manifests: self.manifests.finish(),
            repositories: self.repositories.finish(),
            clients: self.clients.finish(),
            repeated_blobs: repeated.repeated,
            sessions: self.activity.finish(),
        }
    }
}

impl OperationCount {
    fn add(&mut self, request: &Request) {
        self.requests += 1;
        let status = request.status.map_or(0, NonZeroU16::get);
        *self.statuses.entry(status).or_default() += 1;
        self.sent = self.sent.saturating_add(request.sent.unwrap_or(0));
        self.received = self.received.saturating_add(request.received.unwrap_or(0));
        if let Some(duration) = request.duration {
            let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            let durations = self.durations.get_or_insert_with(|| {
                Histogram::new_with_max(LONGEST_US, DIGITS).expect("bounds that fit")
            });
            durations.saturating_record(micros);
        }
    }

    fn finish(self, operation: &'static str) -> OperationRow {
        let durations = self.durations.as_ref();
        let known = |least: u64| durations.filter(|it| it.len() >= least);
        OperationRow {
            operation,
            requests: self.requests,
            p50_us: known(2).map(|it| it.value_at_quantile(0.5)),
            p99_us: known(100).map(|it| it.value_at_quantile(0.99)),
            statuses: self.statuses,
            sent_bytes: self.sent,
            received_bytes: self.received,
        }
    }
}

/// A hash of two hashes.
fn mixed(one: Pseudonym, other: Reference) -> Pseudonym {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let hash = one.get().wrapping_mul(ODD) ^ other.pseudonym().get().rotate_left(32);
    let hash = (hash ^ (hash >> 29)).wrapping_mul(ODD);
    Pseudonym::new(hash ^ (hash >> 32))
}
