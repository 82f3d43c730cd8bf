//! What must be in the registry before a replay: what the trace reads before it writes it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::fresh::{Fresh, Thing};
use super::manifests::Manifests;

/// What must be in the registry before a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Manifests with their blobs, in the order of repositories.
    pub manifests: Vec<NeededManifest>,
    /// Blobs that belong to none of these, in the order of repositories.
    pub blobs: Vec<NeededBlob>,
}

/// A manifest that must be there, with its blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeededManifest {
    /// The repository.
    pub repository: u32,
    /// The manifest.
    pub manifest: u32,
    /// The tag that points at it; `None`: it is there by its digest.
    pub tag: Option<u32>,
}

/// A blob that must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeededBlob {
    /// The repository.
    pub repository: u32,
    /// The blob.
    pub blob: u32,
}

/// What is where, as the trace goes on.
#[derive(Debug, Default)]
pub(super) struct Presence {
    since: HashMap<(u32, Thing), u32>, // by repository; when, in requests
    manifests: BTreeSet<NeededManifest>,
    blobs: BTreeSet<NeededBlob>,
    stored: Vec<(NeededManifest, u32)>,
    fresh: Vec<(u32, Thing)>, // stored before it was read
    tagged: HashSet<u32>,     // repositories with a tag
}

impl Presence {
    /// A manifest is read by its digest.
    pub(super) fn reads_manifest(&mut self, repository: u32, manifest: u32, now: u32) {
        if self.lays((repository, Thing::Manifest(manifest)), now) {
            self.manifests.insert(NeededManifest {
                repository,
                manifest,
                tag: None,
            });
        }
    }

    /// Whether a repository has a tag by now. After a deletion that is not known.
    pub(super) fn has_tags(&self, repository: u32) -> bool {
        self.tagged.contains(&repository)
    }

    /// A manifest is read by its tag.
    pub(super) fn reads_tag(&mut self, repository: u32, tag: u32, manifest: u32, now: u32) {
        self.tagged.insert(repository);
        if self.lays((repository, Thing::Tag(tag)), now) {
            self.lays((repository, Thing::Manifest(manifest)), now);
            self.manifests.insert(NeededManifest {
                repository,
                manifest,
                tag: Some(tag),
            });
        }
    }

    /// A blob is read.
    pub(super) fn reads_blob(&mut self, repository: u32, blob: u32, now: u32) {
        if self.lays((repository, Thing::Blob(blob)), now) {
            self.blobs.insert(NeededBlob { repository, blob });
        }
    }

    /// A blob is stored.
    pub(super) fn stores_blob(&mut self, repository: u32, blob: u32, now: u32) {
        self.stores((repository, Thing::Blob(blob)), now);
    }

    /// A manifest is stored.
    pub(super) fn stores_manifest(&mut self, it: NeededManifest, now: u32) {
        let NeededManifest {
            repository,
            manifest,
            tag,
        } = it;
        self.stores((repository, Thing::Manifest(manifest)), now);
        if let Some(tag) = tag {
            self.stores((repository, Thing::Tag(tag)), now);
            self.tagged.insert(repository);
        }
        self.stored.push((it, now));
    }

    fn stores(&mut self, thing: (u32, Thing), now: u32) {
        if self.lays(thing, now) {
            self.fresh.push(thing);
        }
    }

    /// A manifest or a blob is deleted.
    pub(super) fn deletes_blob(&mut self, repository: u32, blob: u32) {
        self.since.remove(&(repository, Thing::Blob(blob)));
    }

    /// A manifest is deleted, by its digest or by a tag.
    pub(super) fn deletes_manifest(&mut self, repository: u32, manifest: u32, tag: Option<u32>) {
        self.tagged.remove(&repository);
        self.since.remove(&(repository, Thing::Manifest(manifest)));
        if let Some(tag) = tag {
            self.since.remove(&(repository, Thing::Tag(tag)));
        }
    }

    /// Returns `true` if it is new.
    fn lays(&mut self, thing: (u32, Thing), now: u32) -> bool {
        let mut is_new = false;
        self.since.entry(thing).or_insert_with(|| {
            is_new = true;
            now
        });
        is_new
    }

    /// Returns what must be there, and what is not because the trace stores it first. A manifest that is stored needs its blobs
    /// there, wherever they came from.
    pub(super) fn into_needs(mut self, manifests: &Manifests) -> (Needs, Fresh) {
        for (it, when) in std::mem::take(&mut self.stored) {
            for blob in manifests.blobs(it.manifest) {
                let key = (it.repository, Thing::Blob(*blob));
                if self.since.get(&key).is_none_or(|since| since > &when) {
                    self.blobs.insert(NeededBlob {
                        repository: it.repository,
                        blob: *blob,
                    });
                }
            }
        }
        let mut named = BTreeSet::new();
        for it in &self.manifests {
            let blobs = manifests.blobs(it.manifest).iter();
            named.extend(blobs.map(|blob| NeededBlob {
                repository: it.repository,
                blob: *blob,
            }));
        }
        let is_seeded = |repository, thing| match thing {
            Thing::Blob(blob) => {
                let blob = NeededBlob { repository, blob };
                named.contains(&blob) || self.blobs.contains(&blob)
            }
            Thing::Manifest(_) | Thing::Tag(_) => false,
        };
        let mut fresh = self.fresh;
        fresh.retain(|(repository, thing)| !is_seeded(*repository, *thing));
        fresh.sort_unstable();
        fresh.dedup();
        let needs = Needs {
            blobs: self.blobs.difference(&named).copied().collect(),
            manifests: self.manifests.into_iter().collect(),
        };
        (needs, Fresh(fresh.into_boxed_slice()))
    }
}
