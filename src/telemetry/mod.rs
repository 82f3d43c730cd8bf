//! What the target uses: numbers that its processes, its system and its metrics endpoint give while it is under load.

mod figure;
mod figures;
mod join;
mod metric;
mod record;
mod slope;
mod unit;

pub use figure::ServerFigure;
pub use figures::{Journey, Work, figures};
pub use metric::{ServerMetric, ServerMetricError};
pub use record::{
    Cost, Problem, Product, Readings, Series, SeriesKind, SourceKind, SourceRecord, Telemetry, Unit,
};
pub use unit::FigureUnit;
