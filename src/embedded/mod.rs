//! A real, small registry in memory: the target of a run that needs no set-up, the sink that calibration
//! measures the generator against, and the server that tests script faults into.
//!
//! It serves every endpoint of the distribution specification 1.1 and is strict where real registries are
//! (upload state that changes with every request, content linked per repository, referenced blobs that must
//! exist), so that a client which works here by luck is found here. It is no place to keep images: nothing is
//! written to disk, there is no user management, and it does not speak for other registries
//! except through single, named [`Quirk`]s.
//!
//! Deciding choice: one thread with one current-thread runtime owns all state as plain values. No lock lies on
//! the way of a request, and the load workers' timers never share a thread with it. The refused option, a
//! multi-thread server, would serve more but would take the cores that the generator is measured on.
//! It stands on raw hyper and not on a router, because repository names contain slashes and every path is
//! read from its right end.
//!
//! Invariants: nothing a peer sends makes memory grow beyond [`Settings::max_bytes`] and the named caps;
//! `requests = answered + unanswered + in progress` in [`Counts`]; blob bodies are never copied on the way out.

mod auth;
mod blob;
mod blob_content;
mod blobs;
mod burn;
mod certificate;
mod connection;
mod connection_state;
mod discovery;
mod exchange;
mod fault;
mod fault_file;
mod freeze;
mod inbound;
mod keys;
mod lengths;
mod listener;
mod manifests;
mod outgoing;
mod pace;
mod query;
mod range;
mod record;
mod refusal;
mod request;
mod response;
mod revivals;
mod route;
mod running;
mod service;
mod settings;
mod site;
mod storage_host;
mod store;
mod sweep;
mod tally;
mod timeouts;
mod token;
mod token_endpoint;
mod upload_session;
mod upload_writing;
mod uploads;
mod wire;

pub use certificate::{Certified, certify};
pub use fault::{Fault, FaultKind, Point, Stall, When};
pub use fault_file::{faults_reference, faults_schema, load_faults};
pub use freeze::Freeze;
pub use lengths::{Lengths, LengthsError};
pub use record::RequestRecord;
pub use running::{EmbeddedError, Registry, Running};
pub use settings::{Auth, AuthScheme, Quirk, Settings, Storage};
pub use tally::Counts;
