//! What the target uses: numbers that its processes, its system and its metrics endpoint give while it is under load.
//!
//! One thread with connections of its own reads all sources once a second, and once more when the measured window opens and closes, so that
//! what a counter grew by is known over the whole window. What blocks, a walk through a directory or a command, has a thread
//! for as long as it takes. Nothing of the load waits for it.
//!
//! A source that is missing, slow, too large or wrong is a counted outcome with its reason: the run goes on.
//!
//! Not here: which sources a scenario has (`scenario`), and what is concluded from their numbers (`verdict`, `compare`).

mod cgroup;
mod command;
mod course;
mod device;
mod directory;
mod endpoint;
mod failure;
mod figure;
mod figures;
mod find;
mod follow;
mod histogram;
mod join;
mod known;
mod metric;
mod monitor;
mod picked;
mod problems;
mod proc;
mod process;
mod reader;
mod reading;
mod record;
mod series;
mod slope;
mod source;
pub mod text;
mod unit;
mod windows;

pub use figure::ServerFigure;
pub use figures::{Journey, Work, figures};
pub use follow::{Told, Update};
pub use metric::{ServerMetric, ServerMetricError};
pub use monitor::{Gathered, Monitor};
pub use reading::Number;
pub use record::{
    Cost, Problem, Product, Readings, Series, SeriesKind, SourceKind, SourceRecord, Telemetry, Unit,
};
pub use source::{
    CgroupPlace, Endpoint, Metric, ProcessBy, ProcessPlace, Source, SourcePlace, What,
};
pub use unit::FigureUnit;
