//! A load-testing harness for container registries (OCI distribution / Docker Registry HTTP API V2).

#![deny(missing_docs)]

pub mod measure;
pub mod content;
pub mod embedded;
pub mod oci;
pub mod registry;
pub mod transport;
pub mod report;
pub mod result;
pub mod units;
