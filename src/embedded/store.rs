//! What the registry holds: blobs once, and per repository which blobs, manifests and tags belong to it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use tokio::time::Instant;

use crate::oci::{Descriptor, Digest, RepositoryName, Tag};

use super::blob::{Blob, Reservation};

/// All content.
#[derive(Debug, Default)]
pub(super) struct Store {
    blobs: HashMap<Digest, Linked>,
    repositories: BTreeMap<RepositoryName, Repository>,
}

/// A blob and the number of repositories that link to it; at none, it goes.
#[derive(Debug)]
struct Linked {
    blob: Rc<Blob>,
    links: usize,
}

/// One repository.
#[derive(Debug, Default)]
pub(super) struct Repository {
    blobs: HashMap<Digest, Reservation>, // what the link costs: one blob may be in any number of repositories
    manifests: HashMap<Digest, Rc<StoredManifest>>,
    tags: BTreeMap<Tag, (Digest, Reservation)>,
    referrers: BTreeMap<Digest, BTreeSet<Digest>>,
    /// Blobs that were acknowledged and are lost: manifests may name them, and no client gets them.
    lost: HashSet<Digest>,
    /// Where tags lead until then, whatever they were given since.
    held: HashMap<Tag, (Digest, Instant)>,
    /// Where tags led before they were given to something else, and when that was.
    before: HashMap<Tag, (Digest, Instant)>,
}

/// A manifest as it was sent, and what lists say of it.
#[derive(Debug)]
pub(super) struct StoredManifest {
    pub(super) raw: Bytes,
    pub(super) content_type: HeaderValue,
    pub(super) descriptor: Descriptor,
    pub(super) subject: Option<Digest>,
    pub(super) _reservation: Reservation,
}

impl Store {
    pub(super) fn repository(&self, name: &RepositoryName) -> Option<&Repository> {
        self.repositories.get(name)
    }

    pub(super) fn repository_names(&self) -> impl Iterator<Item = &RepositoryName> {
        self.repositories.keys()
    }

    pub(super) fn repository_count(&self) -> usize {
        self.repositories.len()
    }

    pub(super) fn blob_count(&self) -> usize {
        self.blobs.len()
    }

    /// Returns a blob, if this repository has it.
    pub(super) fn blob(&self, name: &RepositoryName, digest: &Digest) -> Option<&Rc<Blob>> {
        self.repositories
            .get(name)
            .filter(|it| it.blobs.contains_key(digest) && !it.lost.contains(digest))
            .and_then(|_| self.any_blob(digest))
    }

    /// Returns a blob, whatever repository has it.
    pub(super) fn any_blob(&self, digest: &Digest) -> Option<&Rc<Blob>> {
        self.blobs.get(digest).map(|linked| &linked.blob)
    }

    /// Loses a blob of a repository: it is acknowledged, manifests may name it, and no client gets it.
    pub(super) fn lose_blob(&mut self, name: &RepositoryName, digest: &Digest) {
        if let Some(repository) = self.repositories.get_mut(name) {
            repository.lost.insert(*digest);
        }
    }

    /// Lets a tag lead until then to where it leads now.
    pub(super) fn hold(&mut self, name: &RepositoryName, tag: &Tag, until: Instant) {
        if let Some(repository) = self.repositories.get_mut(name)
            && let Some(digest) = repository.leads_to(tag).copied()
        {
            repository.held.insert(tag.clone(), (digest, until));
        }
    }

    /// Gives a repository a blob. Content that is there already is kept, and the new copy dropped.
    pub(super) fn add_blob(&mut self, name: &RepositoryName, blob: Blob, link: Reservation) {
        let digest = blob.digest;
        self.blobs.entry(digest).or_insert_with(|| Linked {
            blob: Rc::new(blob),
            links: 0,
        });
        self.link_blob(name, &digest, link);
    }

    /// Gives a repository a blob that another one has. Says whether there is such a blob.
    pub(super) fn link_blob(
        &mut self,
        name: &RepositoryName,
        digest: &Digest,
        link: Reservation,
    ) -> bool {
        let Some(linked) = self.blobs.get_mut(digest) else {
            return false;
        };
        let repository = self.repositories.entry(name.clone()).or_default();
        repository.lost.remove(digest);
        if repository.blobs.insert(*digest, link).is_none() {
            linked.links += 1;
        }
        true
    }

    /// Takes a blob from a repository. Says whether it was there.
    pub(super) fn remove_blob(&mut self, name: &RepositoryName, digest: &Digest) -> bool {
        let removed = self
            .repositories
            .get_mut(name)
            .is_some_and(|repository| repository.blobs.remove(digest).is_some());
        if removed && let Some(linked) = self.blobs.get_mut(digest) {
            linked.links -= 1;
            if linked.links == 0 {
                self.blobs.remove(digest);
            }
        }
        self.drop_if_empty(name);
        removed
    }

    pub(super) fn add_manifest(&mut self, name: &RepositoryName, manifest: StoredManifest) {
        self.put_manifest(name, Rc::new(manifest));
    }

    pub(super) fn put_manifest(&mut self, name: &RepositoryName, manifest: Rc<StoredManifest>) {
        let repository = self.repositories.entry(name.clone()).or_default();
        let digest = manifest.descriptor.digest;
        if let Some(subject) = manifest.subject {
            repository
                .referrers
                .entry(subject)
                .or_default()
                .insert(digest);
        }
        repository.manifests.insert(digest, manifest);
    }

    /// Lets a tag point at a manifest.
    pub(super) fn tag(
        &mut self,
        name: &RepositoryName,
        tag: Tag,
        digest: Digest,
        reservation: Reservation,
    ) {
        let repository = self.repositories.entry(name.clone()).or_default();
        let before = repository.tags.insert(tag.clone(), (digest, reservation));
        if let Some((before, _)) = before.filter(|(before, _)| *before != digest) {
            repository.before.insert(tag, (before, Instant::now()));
        }
    }

    /// Takes a tag from a repository. Says whether it was there.
    pub(super) fn remove_tag(&mut self, name: &RepositoryName, tag: &Tag) -> bool {
        let removed = self
            .repositories
            .get_mut(name)
            .is_some_and(|repository| repository.tags.remove(tag).is_some());
        self.drop_if_empty(name);
        removed
    }

    /// Takes a manifest and every tag that points at it. Says whether it was there.
    pub(super) fn remove_manifest(&mut self, name: &RepositoryName, digest: &Digest) -> bool {
        let Some(repository) = self.repositories.get_mut(name) else {
            return false;
        };
        let Some(manifest) = repository.manifests.remove(digest) else {
            return false;
        };
        repository.tags.retain(|_, (target, _)| target != digest);
        if let Some(subject) = manifest.subject
            && let Some(referrers) = repository.referrers.get_mut(&subject)
        {
            referrers.remove(digest);
            if referrers.is_empty() {
                repository.referrers.remove(&subject);
            }
        }
        self.drop_if_empty(name);
        true
    }

    /// A repository is there as long as something is in it.
    fn drop_if_empty(&mut self, name: &RepositoryName) {
        let is_empty =
            |it: &Repository| it.blobs.is_empty() && it.manifests.is_empty() && it.tags.is_empty();
        if self.repositories.get(name).is_some_and(is_empty) {
            self.repositories.remove(name);
        }
    }
}

impl Repository {
    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        self.blobs.contains_key(digest)
    }

    pub(super) fn manifest(&self, digest: &Digest) -> Option<&Rc<StoredManifest>> {
        self.manifests.get(digest)
    }

    /// Returns what a tag leads to. If it was given to something else less than `stale` ago, that is what it led to before.
    pub(super) fn tagged(&self, tag: &Tag, stale: Option<Duration>) -> Option<&Rc<StoredManifest>> {
        let held = self.held.get(tag);
        let held = held.filter(|(_, until)| Instant::now() < *until);
        let before = stale.and_then(|stale| {
            let before = self.before.get(tag);
            before.filter(|(_, at)| at.elapsed() < stale)
        });
        let older = held.or(before);
        let older = older.and_then(|(digest, _)| self.manifests.get(digest));
        older.or_else(|| self.manifests.get(self.leads_to(tag)?))
    }

    /// Returns the digest that a tag was given last.
    pub(super) fn leads_to(&self, tag: &Tag) -> Option<&Digest> {
        self.tags.get(tag).map(|(digest, _)| digest)
    }

    /// Returns the tags that lead to a manifest.
    pub(super) fn tags_of(&self, digest: &Digest) -> impl Iterator<Item = &Tag> {
        let tags = self.tags.iter();
        tags.filter(move |(_, (target, _))| target == digest)
            .map(|(tag, _)| tag)
    }

    /// Returns the tags in the order of their bytes.
    pub(super) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.keys()
    }

    /// Returns the manifests that name `subject`.
    pub(super) fn referrers(&self, subject: &Digest) -> impl Iterator<Item = &Rc<StoredManifest>> {
        self.referrers
            .get(subject)
            .into_iter()
            .flatten()
            .filter_map(|digest| self.manifests.get(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::blob::{Budget, ENTRY, Spool};
    use super::*;
    use crate::oci::Algorithm;

    #[test]
    fn a_blob_goes_with_its_last_link() {
        let budget = Budget::new(1 << 20);
        let mut spool = Spool::new(Algorithm::Sha256, false, &budget).unwrap();
        spool.push(Bytes::from_static(b"abc")).unwrap();
        let digest = Digest::sha256(b"abc");
        let blob = spool.finish(digest).unwrap();
        let (a, b): (RepositoryName, RepositoryName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let mut store = Store::default();
        let link = || budget.reserve(ENTRY).unwrap();
        assert!(!store.link_blob(&a, &digest, link()));
        store.add_blob(&a, blob, link());
        assert!(store.blob(&a, &digest).is_some());
        assert!(store.blob(&b, &digest).is_none());
        assert!(store.link_blob(&b, &digest, link()));
        assert!(store.link_blob(&b, &digest, link()));
        assert_eq!(budget.held(), 3 * ENTRY + 3, "each link has its price");
        assert!(store.remove_blob(&a, &digest));
        assert!(!store.remove_blob(&a, &digest));
        assert!(store.blob(&b, &digest).is_some());
        assert!(store.remove_blob(&b, &digest));
        assert_eq!((store.blob_count(), budget.held()), (0, 0));
    }
}
