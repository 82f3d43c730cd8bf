//! A load-testing harness for container registries (OCI distribution / Docker Registry HTTP API V2).
//!
//! A scenario is read ([`scenario`]), resolved ([`plan`]) and run ([`session`]). Virtual users do what a client does
//! ([`client`], driven by [`engine`]) with the verbs of the protocol ([`registry`]) over connections of their own
//! ([`transport`]). What each exchange and each iteration came to is recorded ([`measure`]), judged ([`verdict`]), stored
//! ([`result`]) and shown ([`report`]); whether the generator was fit to measure it is [`health`]. Images to push come from
//! [`content`]; a registry to aim at is [`embedded`]; what a run counts is scraped from [`exposition`]. When iterations are
//! due is in [`schedule`], nouns are in [`oci`] and [`exchange`], the habits of real clients in [`profile`], two builds are
//! compared in [`compare`] with [`stats`], what clients sent to a registry is in [`trace`], numbers with units in [`units`].
//!
//! The library never prints, exits, reads the environment or listens for signals; the `regstorm` command does.
//!
//! ```
//! use std::{num::NonZeroUsize, path::Path, sync::Arc};
//!
//! use regstorm::{engine, plan, result::RunVerdict, scenario, session};
//!
//! let toml = r#"
//!     name = "example"
//!     [target]
//!     url = "embedded"
//!     [images.web]
//!     source = "synthetic"
//!     count = 2
//!     layers = 3
//!     layer_size = "4KiB"
//!     [journey.pull]
//!     action = "pull"
//!     images = "web"
//!     [[load]]
//!     journey = "pull"
//!     executor = "per-vu-iterations"
//!     vus = 2
//!     iterations = 5
//!     [[threshold]]
//!     metric = "pull.errors"
//!     expect = "count == 0"
//! "#;
//! let overrides = scenario::Overrides::default();
//! let scenario = scenario::load(toml, "example.toml", Path::new(""), &overrides, &|_| None)?;
//! let plan = Arc::new(plan::resolve(scenario, NonZeroUsize::MIN));
//!
//! let (_stopper, stop) = engine::stop();
//! let options = session::Options::default();
//! let run = session::run(&plan, &options, &stop, &mut |_event| {})?.document;
//!
//! // Two users, five pulls each: a manifest, a config and three layers.
//! assert_eq!((run.totals.iterations.ok, run.totals.exchanges.ok), (10, 50));
//! assert_eq!(run.verdict, RunVerdict::Pass);
//! assert!(run.closure.holds());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_docs)]

pub mod client;
pub mod compare;
pub mod content;
pub mod embedded;
pub mod engine;
pub mod exchange;
pub mod exposition;
pub mod files;
pub mod health;
pub mod hooks;
pub mod keys;
pub mod lazy;
pub mod measure;
pub mod meeting;
pub mod oci;
pub mod plan;
pub mod profile;
pub mod programs;
pub mod recorder;
pub mod registry;
pub mod report;
pub mod result;
pub mod scenario;
pub mod schedule;
pub mod session;
pub mod stats;
pub mod telemetry;
pub mod trace;
pub mod transport;
pub mod units;
pub mod verdict;
