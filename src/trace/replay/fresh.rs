//! What a replay stores itself before anything reads it: a read that comes too early finds none of it.

use super::step::{Act, Name, Step};

/// Something of a repository that a request stores or reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Thing {
    Manifest(u32),
    Tag(u32),
    Blob(u32),
}

/// What the trace stores before it reads it, by repository, sorted. None of it is seeded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fresh(pub(super) Box<[(u32, Thing)]>);

impl Fresh {
    /// How many manifests, tags and blobs these are, each once for each repository. They are numbered from 0.
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of what a request reads, if it is among these.
    pub fn read_by(&self, step: &Step) -> Option<usize> {
        let thing = match step.act {
            Act::ManifestHead(name) | Act::ManifestGet(name) => match name {
                Name::Tag(tag) => Thing::Tag(tag),
                Name::Digest(manifest) => Thing::Manifest(manifest),
                Name::NoTag(_) | Name::NoDigest(_) => return None,
            },
            Act::BlobHead(Name::Digest(blob))
            | Act::BlobGet(Name::Digest(blob))
            | Act::BlobPart { blob, .. } => Thing::Blob(blob),
            _ => return None,
        };
        self.number((step.repository, thing))
    }

    /// Returns the numbers of what a request stores, of those that are among these: a manifest, its tag, a blob. `blob` is that
    /// of the upload that the request closes.
    pub fn stored_by(&self, step: &Step, blob: Option<u32>) -> impl Iterator<Item = usize> + '_ {
        let things = match step.act {
            Act::ManifestPut { manifest, tag } => {
                [Some(Thing::Manifest(manifest)), tag.map(Thing::Tag)]
            }
            Act::Mount { blob, .. } | Act::Post { blob, upload: None } => {
                [Some(Thing::Blob(blob)), None]
            }
            Act::Close { .. } => [blob.map(Thing::Blob), None],
            _ => [None, None],
        };
        let repository = step.repository;
        let things = things.into_iter().flatten();
        things.filter_map(move |thing| self.number((repository, thing)))
    }

    fn number(&self, thing: (u32, Thing)) -> Option<usize> {
        self.0.binary_search(&thing).ok()
    }
}
