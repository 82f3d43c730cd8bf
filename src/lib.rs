//! A load-testing harness for container registries (OCI distribution / Docker Registry HTTP API V2).

#![deny(missing_docs)]

pub mod content;
pub mod oci;
pub mod plan;
pub mod scenario;
pub mod units;
