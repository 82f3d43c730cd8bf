//! Everything that needs nothing but this repository, a module for each capability.

mod plan;
mod scenario;
