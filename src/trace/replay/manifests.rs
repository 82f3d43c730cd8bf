//! The manifests of a replay: which digest is which, what tags point at, and which blobs each manifest names.

use std::collections::{BTreeSet, HashMap};

use super::super::request::Pseudonym;
use super::blobs::Blobs;

/// The most blobs of a manifest: what a client fetches in one session may be several images.
const MOST_BLOBS: usize = 128;
/// The bytes of the config of manifests without blobs.
const CONFIG: u64 = 64;

/// One manifest, whose content follows from its number and this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestShape {
    /// The numbers of its blobs, in the order in which they were requested: the smallest is the config. Not empty.
    pub blobs: Vec<u32>,
    /// The bytes that it had, as far as the trace tells; it is made no smaller, and never larger than 1 MiB for it.
    pub size: u64,
}

/// How a manifest came into the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was read: the registry had it before.
    Read,
    /// It was stored.
    Stored,
}

#[derive(Debug)]
struct Known {
    origin: Option<Origin>,
    shape: ManifestShape,
    named: BTreeSet<u32>, // the blobs of its shape
    has_digest: bool,
}

/// The manifests of a replay.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    numbers: HashMap<Pseudonym, u32>,
    known: Vec<Known>,
    tags: HashMap<(u32, Pseudonym), Tag>, // by repository
}

/// A tag of a repository.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub(super) number: u32,
    /// What it points at; `None` until it was read or stored.
    pub(super) manifest: Option<u32>,
}

impl Manifests {
    /// Returns the number of a digest. Where it is new, and follows a `HEAD` of a tag that points at `head`, it is the digest
    /// of that manifest.
    pub(super) fn number(&mut self, digest: Pseudonym, head: Option<u32>) -> u32 {
        if let Some(number) = self.numbers.get(&digest) {
            return *number;
        }
        let head = head.filter(|head| !self.known[*head as usize].has_digest);
        let number = head.unwrap_or_else(|| self.nameless());
        self.known[number as usize].has_digest = true;
        self.numbers.insert(digest, number);
        number
    }

    /// Returns the number of a digest that was seen before.
    pub(super) fn find(&self, digest: Pseudonym) -> Option<u32> {
        self.numbers.get(&digest).copied()
    }

    /// Returns the number of a manifest whose digest is not known.
    pub(super) fn nameless(&mut self) -> u32 {
        let number = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        self.known.push(Known {
            origin: None,
            shape: ManifestShape::default(),
            named: BTreeSet::new(),
            has_digest: false,
        });
        number
    }

    /// Returns a tag of a repository.
    pub(super) fn tag(&mut self, repository: u32, name: Pseudonym) -> &mut Tag {
        let number = u32::try_from(self.tags.len()).unwrap_or(u32::MAX);
        let tag = Tag {
            number,
            manifest: None,
        };
        self.tags.entry((repository, name)).or_insert(tag)
    }

    /// Notes that a manifest was read, and its size.
    pub(super) fn read(&mut self, number: u32, size: Option<u64>) {
        let known = &mut self.known[number as usize];
        known.origin.get_or_insert(Origin::Read);
        known.shape.size = known.shape.size.max(size.unwrap_or_default());
    }

    /// Notes that a manifest was stored, and its size. The blobs count if it is new.
    pub(super) fn stored(&mut self, number: u32, size: Option<u64>, blobs: &[u32]) {
        let known = &mut self.known[number as usize];
        known.shape.size = known.shape.size.max(size.unwrap_or_default());
        if known.origin.is_none() {
            known.origin = Some(Origin::Stored);
            for blob in blobs {
                known.name(*blob);
            }
        }
    }

    /// Notes that a blob was fetched after a manifest. A manifest that the trace has stored names what was stored with it.
    pub(super) fn fetched(&mut self, number: u32, blob: u32) {
        let known = &mut self.known[number as usize];
        if known.origin == Some(Origin::Read) {
            known.name(blob);
        }
    }

    /// Returns the blobs of a manifest so far.
    pub(super) fn blobs(&self, number: u32) -> &[u32] {
        &self.known[number as usize].shape.blobs
    }

    /// Gives a blob to those that have none: a manifest has a config.
    pub(super) fn complete(&mut self, blobs: &mut Blobs) {
        let mut config = None;
        for known in &mut self.known {
            if known.shape.blobs.is_empty() {
                known.name(*config.get_or_insert_with(|| blobs.nameless_of(CONFIG)));
            }
        }
    }

    /// Returns the shapes, by number.
    pub(super) fn into_shapes(self) -> Vec<ManifestShape> {
        self.known.into_iter().map(|it| it.shape).collect()
    }
}

impl Known {
    fn name(&mut self, blob: u32) {
        if self.shape.blobs.len() < MOST_BLOBS && self.named.insert(blob) {
            self.shape.blobs.push(blob);
        }
    }
}
