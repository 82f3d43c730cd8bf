//! A load-testing harness for container registries (OCI distribution / Docker Registry HTTP API V2).

#![deny(missing_docs)]

pub mod client;
pub mod content;
pub mod embedded;
pub mod engine;
pub mod measure;
pub mod oci;
pub mod plan;
pub mod registry;
pub mod report;
pub mod result;
pub mod scenario;
pub mod transport;
pub mod units;
