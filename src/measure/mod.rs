//! From one sample to the record of a run: outcomes, latencies, bytes and their course over time.
//!
//! Nothing here does input or output, reads a clock or knows what a sample is good for: the engine takes the times,
//! `result` stores what comes out, `verdict` judges it.
//!
//! Each worker has a [`Recorder`] of its own, and the [`Record`]s are merged count by count when the run is over. A
//! recorder that workers share would need a lock or a message per sample, and either would show in the latencies that
//! it records. The series are known before the run ([`Catalogue`]), so a sample finds its histograms by index.
//!
//! Kept throughout: everything that was scheduled ends in exactly one counted outcome; the latency of a failure is
//! never among those of successes; recording neither locks nor allocates (it may for what the plan did not foresee
//! and for the examples of failures, both bounded). [`Record::check`] adds up the sums that follow from this.
//!
//! # Memory
//! A worker has 9 histograms for each planned series (track and operation), 6 for each track and 2 for each view. One takes
//! 728 bytes before its first value ([`Catalogue::empty_bytes`]), and 2 KiB for each range of values that latencies fall into: 256
//! microseconds up to 2 ms, a quarter of a power of two from there on. Blocks of them are provided four times a second
//! ([`Recorder::make_room`]), where no latency is measured.
//! Recording an exchange of five phases takes some 50 ns on a warm cache: `cargo bench --bench record`.

mod addresses;
mod audit;
mod block_pool;
mod buckets;
mod catalogue;
mod closure;
mod counts;
mod counts_by;
mod distribution;
mod failures;
mod histogram;
mod iteration_failures;
mod latency;
mod latency_windows;
mod left_connections;
mod live;
mod memory;
mod metric;
mod outcome;
mod packed;
mod phase_latencies;
mod range_counts;
mod record;
mod recorder;
mod replay;
mod sample;
mod series;
mod slowest;
mod spent;
mod status_counts;
mod tally;
mod time_series;
mod view;

pub use addresses::AddressUse;
pub use audit::{AuditCheck, AuditClass, AuditCounts, AuditTally};
pub use catalogue::{Catalogue, JourneyId, Track, TrackId};
pub use closure::{Closure, Sum};
pub use counts::{Bytes, Connections, Outcomes, Starts, Totals};
pub use counts_by::{
    CauseCounts, ClassCounts, CountKey, CountsBy, MisbehaviourCounts, ReasonCounts,
};
pub use distribution::Step;
pub use failures::{Dated, FailureExample, FailureKind, FailureLog, FirstFailure};
pub use histogram::{Bucket, HistogramError, LatencyHistogram};
pub use iteration_failures::{
    BY_EXCHANGE, IterationFailure, IterationFailureKind, IterationFailureLog,
};
pub use left_connections::{LeftConnectionEnd, LeftConnections};
pub use live::Live;
pub use metric::{Direction, IterationClock, Metric, MetricError, Quantity, Subject};
pub use outcome::{DropCause, DropReason, DroppedStart, FailureClass, Outcome};
pub use packed::PackedHistogram;
pub use phase_latencies::PhaseLatencies;
pub use range_counts::{RangeCounts, RangeRow};
pub use record::Record;
pub use recorder::Recorder;
pub use replay::{TracedOperation, TracedRequest, TracedRequests};
pub use sample::{ExchangeSample, IterationSample, Period};
pub use series::{
    JourneyCounts, JourneyLatencies, JourneySeries, OperationCounts, OperationLatencies,
    OperationSeries,
};
pub use slowest::{Identity, Names, SlowExchange};
pub use spent::{IterationTime, Spent};
pub use status_counts::StatusCounts;
pub use tally::{OperationTally, PeriodTally};
pub use time_series::{JourneyWindow, TimeSeries, Window};
pub use view::{Observed, View};
