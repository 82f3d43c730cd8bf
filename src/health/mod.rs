//! The generator's own health: whether the numbers of a run are the target's, or those of the machine that made the
//! load.
//!
//! A [`Monitor`] watches the process and its machine while the window is measured and ends in [`Signals`];
//! [`judge`] holds these and what the engine knows ([`LoadFacts`]) against bounds and ends in [`Health`], a verdict
//! with its reasons. Before the run, [`Demand::problems`] says what will not fit.
//!
//! Nothing here knows of scenarios, plans or requests, stops a run, or changes a limit: it looks, and says what it saw.
//!
//! The decision that shaped it: judging is a pure function of what is stored in the report, so that a verdict can be
//! made again and argued with. What the system does not report is `None` and "not judged": a signal is never healthy
//! because it was not read. Refused: stopping a run at the first late wake-up, as Hyperfoil does; a virtual machine has
//! one now and then, and percentiles, not maxima, are what a report is read for.
//!
//! # Cost
//! A reading takes 0.2 ms, once a second, however many files are open (since Linux 6.2): 0.02% of a core. The watchdog
//! takes 0.1%, and the [`LagProbe`] of a worker that is idle otherwise 0.4% to 0.7%: `cargo bench --bench health`.

mod count;
mod course;
mod facts;
mod judge;
mod moments;
mod monitor;
mod preflight;
mod proc;
mod sample;
mod signal;
mod signals;
mod thread;
mod verdict;
mod window;
mod worker;

pub use facts::{Drops, ExchangeFacts, JourneyFacts, LoadFacts, ScheduleFacts};
pub use judge::{ShardFacts, judge, judge_shards};
pub use monitor::{Latest, Monitor, MonitorSettings};
pub use preflight::{Demand, Limits, PortReuse, Problem, Route};
pub use signal::Signal;
pub use signals::{
    MachineSignals, ProcessSignals, SegmentSignals, Signals, SocketSignals, Throttling,
    WorkerSignals,
};
pub use verdict::{Health, Level, NotJudged, Reason, TargetHost, Verdict, Why};
pub use worker::{LagProbe, WorkerHandle};
