//! A run that is to be made.

use std::sync::Arc;

use super::options::Options;
use crate::engine::Stock;
use crate::plan::Plan;
use crate::result::Environment;

/// A run that is to be made.
pub(super) struct Job<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) stock: &'a Stock,
    pub(super) options: &'a Options,
    /// As it was when the run began.
    pub(super) environment: Environment,
}
