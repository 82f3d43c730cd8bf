//! The plan: a scenario resolved for this machine. No default is left open, it prints itself, and it has a fingerprint.
//!
//! Pure: a plan is made from a scenario and the number of cores, and nothing is asked of anyone. The types of its
//! parts are those of the scenario, in which names are resolved already; two sets of the same types were refused,
//! because they would drift apart.
//!
//! The text of a plan is a list of `key.path = value`, as `--set` takes them: the lines of a plan, put onto any
//! scenario of the same shape, give the same plan again. The JSON form is the same list, nested.
//!
//! Invariant: no secret is in the text, in the JSON form or in the fingerprint.

mod audited;
mod connections;
mod forecast;
mod haste;
mod listing;
mod resolve;
mod seeding;
mod shape;
mod slices;
mod stored;
mod timeline;

pub use forecast::{Forecast, JourneyForecast, LoadForecast};
pub use haste::Haste;
pub use resolve::{Plan, resolve};
pub use seeding::SeedForecast;
pub use shape::Shape;
pub use stored::{IterationsOf, Stored, StoredContent, StoredIterations};

pub use crate::scenario::{
    ARTIFACT_TYPE, Abort, Action, Addresses, Ask, AtOnce, Audit, Auth, Begin, Cache,
    CapacitySearch, Catalog, CleanUp, ClosedReplay, ConnectionPolicy, ConstantArrivalRate,
    ConstantVus, CopyImage, Delete, Direction, DockerConfig, Embedded, Executor, Expectation,
    ImageSet, ImageSource, Journey, JourneyClient, Judged, Length, Limit, ListTags, Load, Metric,
    MetricsUrl, NamedFile, Needs, OnNoVu, Operator, PerVuIterations, Pick, Place, Poll, PollMethod,
    Prepare, Probe, ProcessOf, Pull, Push, Quantity, Quota, RampingArrivalRate, RampingVus,
    Referrers, Replay, ReplaySchedule, Sample, Scrape, SeedPlace, Selection, Share,
    SharedIterations, Stage, StageSpan, Statistic, Target, TargetProcess, TelemetryPlace,
    TelemetrySource, ThinkTime, Threshold, Timetable, Tls, TokenPolicy, Upstream, VuPool,
    operations,
};
