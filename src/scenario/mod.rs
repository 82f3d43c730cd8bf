//! The scenario: a TOML file in, one validated value out, or every mistake of the file at once.
//!
//! What a load test is to do is written by people, so the file is read for people: a mistake is shown at its place,
//! with what is allowed there, and all mistakes of a file come together. To that end the file is not deserialised
//! by derive, which stops at the first mistake, but parsed into a tree that remembers places and read from there.
//!
//! Names are resolved here: a journey holds the index of its image set, a load the indexes of its journeys. So a
//! [`Scenario`] that exists is consistent, and `plan` adds only what depends on the machine.
//!
//! Not here: what the values mean for time and traffic (`plan`), and the registry (`engine`). The environment is
//! asked through a function of the caller. The file system is asked one thing only: does an archive exist?
//!
//! Invariant: a secret is never part of a problem, neither in its words nor in the source line that it shows.

mod environment;
mod gate;
mod images;
mod journey;
mod load;
mod operations;
mod overrides;
mod plain;
mod prepare;
mod probe;
mod problem;
mod read;
mod redact;
mod root;
mod selection;
mod spot;
mod target;
mod threshold;
mod tree;

pub use crate::measure::{Direction, Metric, Quantity};
pub use crate::profile::ConnectionPolicy;
pub use gate::{Comparand, Gate};
pub use images::{Archive, ImageSet, ImageSource};
pub use journey::{Journey, ThinkTime};
pub use load::{Begin, Load, Share};
pub use operations::operations;
pub use overrides::Overrides;
pub(crate) use plain::{Fields, Plain, line};
pub use prepare::{CleanUp, Prepare};
pub use probe::{Ask, Probe};
pub use problem::Problems;
pub use read::action::*;
pub use read::executor::*;
pub(crate) use read::shown;
pub use read::{json_schema, load, load_gates, reference};
pub use root::{DEFAULT_SEED, Scenario};
pub use selection::{Pick, Selection};
pub use target::{Addresses, DockerConfig, Embedded, NamedFile, Place, Target, Tls, TokenPolicy};
pub use threshold::{Abort, Expectation, Limit, Operator, Statistic, Threshold};
