//! What was in the registry before the run, which clean-up spares, and what seeding has put there, which it deletes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::leftovers::Leftovers;
use super::retries::Retries;
use crate::client::{Uploaded, Watch};
use crate::content::Blob;
use crate::oci::{Digest, RepositoryName};
use crate::plan::{Stored, StoredContent};
use crate::registry;
use crate::transport::Sent;

/// What was there, and what was added.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    before: RefCell<Places>,
    added: RefCell<Vec<Leftovers>>, // one for each seed, in the order in which they were begun
    ours: RefCell<Places>,          // the same by repository
    is_cut_off: Cell<bool>,
    missed: RefCell<Places>, // clean-up has not found it, where seeding was cut off
}

/// Manifests and blobs by repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(BTreeMap<RepositoryName, BTreeSet<Digest>>);

impl Places {
    pub(super) fn has(&self, repository: &RepositoryName, digest: &Digest) -> bool {
        let there = self.0.get(repository);
        there.is_some_and(|it| it.contains(digest))
    }

    /// Adds it; `false` if it was there.
    pub(super) fn add(&mut self, repository: &RepositoryName, digest: Digest) -> bool {
        if let Some(there) = self.0.get_mut(repository) {
            return there.insert(digest);
        }
        self.0.insert(repository.clone(), BTreeSet::from([digest]));
        true
    }

    fn remove(&mut self, repository: &RepositoryName, digest: &Digest) {
        if let Some(there) = self.0.get_mut(repository) {
            there.remove(digest);
        }
    }
}

impl Inventory {
    /// Notes what was there before the run, unless the run has put it there itself.
    pub(super) fn lay_there(&self, repository: &RepositoryName, digest: Digest) {
        if !self.ours.borrow().has(repository, &digest) {
            self.before.borrow_mut().add(repository, digest);
        }
    }

    /// Returns the watch of a push of a seed, which notes what it adds.
    pub(super) fn planting<'a>(
        &'a self,
        repository: &RepositoryName,
        retries: &'a Retries,
    ) -> Planting<'a> {
        let mut added = self.added.borrow_mut();
        added.push(Leftovers::new(repository.clone()));
        Planting {
            inventory: self,
            seed: added.len() - 1,
            retries,
        }
    }

    /// Takes over what another process has found and added.
    pub(super) fn take_over(&self, stored: &Stored) {
        let mut before = self.before.borrow_mut();
        for content in &stored.before {
            for digest in content.manifests.iter().chain(&content.blobs) {
                before.add(&content.repository, *digest);
            }
        }
        let (mut ours, mut added) = (self.ours.borrow_mut(), self.added.borrow_mut());
        for content in &stored.seeded {
            let mut leftovers = Leftovers::from(content);
            let repository = &leftovers.repository;
            // As they were pushed: `added` puts an index first.
            leftovers.manifests.reverse();
            for list in [&mut leftovers.manifests, &mut leftovers.blobs] {
                list.retain(|digest| ours.add(repository, *digest));
            }
            added.push(leftovers);
        }
    }

    /// Returns what another process has to know to clean up.
    pub(super) fn told(&self) -> Stored {
        let before = self.before.borrow();
        let before = before.0.iter().map(|(repository, digests)| StoredContent {
            repository: repository.clone(),
            manifests: digests.iter().copied().collect(),
            blobs: Vec::new(),
        });
        Stored {
            before: before.collect(),
            seeded: self.added().into_iter().map(StoredContent::from).collect(),
            iterations: Vec::new(),
        }
    }

    /// Returns what was added and was not there before, an index before its images.
    pub(super) fn added(&self) -> Vec<Leftovers> {
        let before = self.before.borrow();
        let mut added = self.added.borrow().clone();
        for it in &mut added {
            it.manifests.reverse();
            let Leftovers {
                repository,
                manifests,
                ..
            } = it;
            manifests.retain(|digest| !before.has(repository, digest));
        }
        added
    }

    /// Seeding ended while requests were under way.
    pub(super) fn cut_off(&self) {
        self.is_cut_off.set(true);
    }

    /// Clean-up has not found something: if seeding was cut off, the registry may be storing it yet.
    pub(super) fn not_found(&self, repository: &RepositoryName, digest: Digest) {
        if self.is_cut_off.get() {
            self.missed.borrow_mut().add(repository, digest);
        }
    }

    /// Returns what was added and not found.
    pub(super) fn missed(&self) -> Vec<Leftovers> {
        let missed = self.missed.borrow();
        let mut added = self.added();
        for it in &mut added {
            let repository = &it.repository;
            for list in [&mut it.manifests, &mut it.blobs] {
                list.retain(|digest| missed.has(repository, digest));
            }
        }
        added.retain(|it| !it.manifests.is_empty() || !it.blobs.is_empty());
        added
    }

    /// Returns what was there before the run.
    pub(super) fn before(&self) -> Places {
        self.before.borrow().clone()
    }

    /// Returns what clean-up need not look at again: what was there, and what was added.
    pub(super) fn settled(&self) -> Places {
        let mut settled = self.ours.borrow().clone();
        for (repository, digests) in &self.before.borrow().0 {
            for digest in digests {
                settled.add(repository, *digest);
            }
        }
        settled
    }
}

/// Notes what the push of one seed adds.
pub(super) struct Planting<'a> {
    inventory: &'a Inventory,
    seed: usize,
    retries: &'a Retries,
}

impl Planting<'_> {
    /// Notes something new.
    fn add(&self, digest: Digest, list: fn(&mut Leftovers) -> &mut Vec<Digest>) {
        let seed = &mut self.inventory.added.borrow_mut()[self.seed];
        let mut ours = self.inventory.ours.borrow_mut();
        if ours.add(&seed.repository, digest) {
            list(seed).push(digest);
        }
    }
}

impl Watch for Planting<'_> {
    fn sending(&self, blob: &Blob, _: u64, _: Sent) {
        // It may be there from now on, whatever is heard of it.
        self.add(blob.descriptor().digest, |it| &mut it.blobs);
    }

    fn uploaded(&self, blob: &Blob, how: Uploaded) {
        if how == Uploaded::Sent {
            self.add(blob.descriptor().digest, |it| &mut it.blobs);
        }
    }

    fn storing(&self, digest: &Digest) {
        self.add(*digest, |it| &mut it.manifests);
    }

    fn refused(&self, digest: &Digest) {
        let seed = &mut self.inventory.added.borrow_mut()[self.seed];
        let mut ours = self.inventory.ours.borrow_mut();
        for list in [&mut seed.manifests, &mut seed.blobs] {
            let known = list.len();
            list.retain(|it| it != digest);
            if list.len() < known {
                ours.remove(&seed.repository, digest);
            }
        }
    }

    fn again(&self, error: &registry::Error, failed: usize) -> Option<Duration> {
        self.retries.backoff(error, failed)
    }
}
