//! The requests of one iteration, and the bytes that they move.

use crate::oci::Operation;
use crate::profile::{Habits, Resolve};

/// The requests of one iteration, and the bytes of its layers that they move.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Requests {
    counts: Vec<(Operation, u64)>, // in the order in which they come
    pub(crate) down: u64,
    pub(crate) up: u64,
}

impl Requests {
    /// By operation, in the order in which they come first.
    pub(crate) fn counts(&self) -> &[(Operation, u64)] {
        &self.counts
    }

    pub(crate) fn add(&mut self, operation: Operation, count: u64) {
        if count == 0 {
            return;
        }
        match self.counts.iter_mut().find(|(it, _)| *it == operation) {
            Some((_, so_far)) => *so_far += count,
            None => self.counts.push((operation, count)),
        }
    }
}

/// The pages of a list of so many entries.
pub(super) fn pages(habits: &Habits, entries: usize) -> u64 {
    let entries = u64::try_from(entries).unwrap_or(u64::MAX);
    let page = habits.wire.page_size.map_or(u64::MAX, u64::from);
    entries.div_ceil(page.max(1)).max(1)
}

/// The request by which a tag becomes a digest.
pub(super) const fn resolving(resolve: Resolve) -> Operation {
    match resolve {
        Resolve::Head(_) => Operation::ManifestHead,
        Resolve::Get => Operation::ManifestGet,
    }
}

/// The `HEAD` by which the client may resolve a tag.
pub(super) fn resolving_head(habits: &Habits) -> Option<Operation> {
    (habits.pull.resolve != Resolve::Get).then_some(Operation::ManifestHead)
}
