//! What the target uses: numbers that its processes, its system and its metrics endpoint give while it is under load.

mod record;

pub use record::{
    Cost, Problem, Product, Readings, Series, SeriesKind, SourceKind, SourceRecord, Telemetry, Unit,
};
