//! The scenario: a TOML file in, one validated value out, or every mistake of the file at once.
//!
//! The tables of the file are lists of keys (`keys`); `read` holds them, and the rules between them.
//!
//! Names are resolved here: a journey holds the index of its image set, a load the indexes of its journeys. So a
//! [`Scenario`] that exists is consistent, and `plan` adds only what depends on the machine.
//!
//! Not here: how a key is read, shown and described (`keys`), what the values mean for time and traffic (`plan`), and the
//! registry (`engine`). Of the file system only this is read: whether a file that is named exists, a list of
//! references, and the trace of a replay.

mod client;
mod gate;
mod journey;
mod judged;
pub mod library;
mod load;
mod operations;
mod probe;
mod read;
mod root;
mod selection;
mod threshold;

pub use crate::keys::{Overrides, Problems};
pub use crate::measure::{Direction, Metric, Quantity};
pub use crate::profile::ConnectionPolicy;
pub use client::JourneyClient;
pub use gate::{Comparand, Gate};
pub use journey::{Journey, ThinkTime};
pub use judged::Judged;
pub use load::{Begin, Load, Share};
pub use operations::operations;
pub use probe::{Ask, Probe};
pub use read::action::*;
pub use read::audit::{Audit, Sample};
pub use read::executor::*;
pub use read::file::NamedFile;
pub use read::images::{Archive, ImageSet, ImageSource};
pub use read::prepare::{CleanUp, Prepare};
pub(crate) use read::shown;
pub use read::target::{
    Addresses, Auth, DockerConfig, Embedded, Place, Target, Tls, TokenPolicy, proxy,
};
pub use read::telemetry::{
    MetricOf, MetricsUrl, ProcessOf, Scrape, TargetProcess, TelemetryPlace, TelemetrySource,
};
pub use read::upstream::Upstream;
pub use read::{gates_reference, gates_schema, json_schema, load, load_gates, reference};
pub use root::{DEFAULT_SEED, Scenario};
pub use selection::{Pick, Selection};
pub use threshold::{Abort, Expectation, Limit, Operator, Statistic, Threshold};
