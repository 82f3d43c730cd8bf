//! A run that is to be made.

use std::sync::Arc;

use super::options::Options;
use crate::engine::Stock;
use crate::plan::Plan;
use crate::result::{Environment, Preparation};

/// A run that is to be made.
pub(super) struct Job<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) stock: &'a Stock,
    pub(super) options: &'a Options,
    /// As it was when the run began.
    pub(super) environment: Environment,
}

impl<'a> Job<'a> {
    /// Returns what another process did to prepare the target for this one, which is the first of its shards.
    pub(super) fn preparation(&self) -> Option<&'a Preparation> {
        let part = self.options.part.as_ref();
        part.filter(|it| it.shard.is_first())?.prepared()
    }
}
