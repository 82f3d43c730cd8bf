//! The stored result of a run: one JSON document that everything else is rendered and judged from.
//!
//! A [`Document`] is built from a [`crate::measure::Record`] and what the caller knows of the run ([`Facts`]), saved
//! before anything is rendered, and read back by reports and comparisons. It holds whole histograms and not
//! percentiles only, so that the documents of two shards merge count by count ([`Document::merge`]); the percentiles
//! beside them are for readers and are not read back, so the two cannot disagree.
//!
//! The schema carries a version. A document of another one is refused: a number that changed its meaning must not be
//! compared with one that did not.
//!
//! This room neither renders nor judges, and is the only one that reads the wall clock.

mod append;
mod audit;
mod ceiling;

mod comparison;
mod document;
mod environment;
mod from_record;
mod generator;
mod hook_effects;
mod hooks;
mod integrity;
mod json_schema;
mod latencies;
mod merge;
mod merge_check;
mod merge_notes;
mod moved;
mod outside;
mod parts;
mod preparation;
mod replay;
mod schema;
mod search;
mod section;
mod server;
mod shards;
mod store;
mod trials;
mod upstream;
mod wall_time;

pub use crate::schedule::{SearchEnd, Side, TrialKind};
pub use audit::{AUDIT_EXAMPLES, AuditExample, AuditSection, ReadBackSection};
pub use ceiling::{Ceiling, Demand};
pub use comparison::{
    Aspect, Better, BudgetEnd, Comparison, ComparisonVerdict, Decision, Design, Difference,
    DiscardedPair, Method, MetricComparison, MetricUnit, Moved, PairPoint, TimeBudget,
};
pub use document::{
    Document, Facts, FoundSection, LatencySeries, PairSection, PlanSection, ShardPart,
    TargetHeaders,
};
pub use environment::{Environment, WallClock, is_within};
pub use generator::{Counts, GeneratorSection, RunVerdict};
pub use hooks::{HookEffect, HookSection, HookSpan, Recovery};
pub use integrity::{FLICKER_EXAMPLES, FlickerExample, IntegritySection};
pub use merge_check::{MergeError, Which};
pub use moved::{Lag, MovedSeries, MovedWith, Rise};
pub use outside::Outside;
pub use preparation::{Preparation, SeededImages, Unprepared};
pub use replay::{OPERATION_COLUMNS, ReplayFigure, ReplaySection};
pub use schema::{ComparisonSchema, Schema};
pub use search::{SearchSection, TrialSection};
pub use section::{
    ClientSection, ClockError, Example, FailureSection, IterationFailureEntry, JourneySection,
    OperationSection, PeriodSection, ProbeSection, ShardSection, SlowExchangeEntry, StageSection,
};
pub use store::{Error, Leaving, Stored, write_file};
pub use upstream::UpstreamSection;
