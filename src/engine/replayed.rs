//! The content of a replay: names and blobs for the numbers of its trace.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::error::Error;
use crate::content::{Blob, Image, SizedBlobs};
use crate::oci::{Digest, ImageName, Reference, RepositoryName, Tag};
use crate::plan::{Replay, StoredContent};
use crate::trace::replay::{Act, Name, Session, Sessions, Step};

/// The most blobs that one manifest keeps of those that belong to none.
const KEPT: usize = 100;

/// The tags of these manifests, before a number.
const KEPT_TAG: &str = "regstorm";

/// The content of a replay.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) replay: Replay,
    seed: u64,
    repositories: Vec<RepositoryName>,
    blobs: SizedBlobs,
    images: Vec<Image>, // by the number of the manifest
}

impl Replayed {
    /// Hashes the blobs, so that it does not fall into the measurement.
    pub(super) fn new(replay: &Replay, seed: u64, threads: NonZeroUsize) -> Result<Self, Error> {
        let sessions = &replay.sessions;
        let blobs = SizedBlobs::new(seed, sessions.blobs());
        blobs.prepare(threads.get());
        let repositories = (0..sessions.repositories()).map(|number| {
            let name = format!("{}/{number}", replay.namespace).parse();
            name.map_err(|_| Error::Repository {
                journey: replay.namespace.to_string(),
            })
        });
        let manifests = sessions.manifests().iter().enumerate();
        let images = manifests.map(|(number, shape)| {
            let blobs = shape.blobs.iter().map(|blob| blobs.blob(*blob as usize));
            Image::of_blobs(blobs.collect(), &number.to_string(), shape.size)
        });
        Ok(Self {
            repositories: repositories.collect::<Result<_, _>>()?,
            images: images.collect(),
            replay: replay.clone(),
            seed,
            blobs,
        })
    }

    pub(super) fn sessions(&self) -> &Arc<Sessions> {
        &self.replay.sessions
    }

    /// Returns the session of an iteration; `None` if the trace has none of that number.
    pub(super) fn session(&self, number: u64) -> Option<&Session> {
        let sessions = self.sessions().sessions();
        sessions.get(usize::try_from(number).ok()?)
    }

    pub(super) fn repository(&self, number: u32) -> &RepositoryName {
        &self.repositories[number as usize]
    }

    pub(super) fn blob(&self, number: u32) -> Blob {
        self.blobs.blob(number as usize)
    }

    pub(super) fn image(&self, number: u32) -> &Image {
        &self.images[number as usize]
    }

    /// Returns the name of a manifest on the wire.
    pub(super) fn manifest_name(&self, name: Name) -> Reference {
        match name {
            Name::Tag(tag) => Reference::Tag(tag_of(tag)),
            Name::Digest(manifest) => Reference::Digest(self.image(manifest).descriptor().digest),
            Name::NoTag(name) => Reference::Tag(absent(name)),
            Name::NoDigest(name) => Reference::Digest(self.no_digest(name)),
        }
    }

    /// Returns the digest of a blob on the wire. No request names a blob by a tag.
    pub(super) fn blob_name(&self, name: Name) -> Digest {
        match name {
            Name::Digest(blob) | Name::Tag(blob) => self.blob(blob).descriptor().digest,
            Name::NoDigest(name) | Name::NoTag(name) => self.no_digest(name),
        }
    }

    /// Returns a digest that no content has.
    pub(super) fn no_digest(&self, name: u64) -> Digest {
        Digest::sha256(format!("regstorm absent {} {name}", self.seed).as_bytes())
    }

    /// Returns a repository that is not there.
    pub(super) fn no_repository(&self, name: u64) -> Option<RepositoryName> {
        let name = format!("{}/absent-{name:016x}", self.replay.namespace);
        name.parse().ok()
    }

    /// Returns what must be there before the first request: manifests with their blobs. Blobs that belong to none are kept by
    /// manifests that are there for that alone.
    pub(super) fn seeds(&self) -> Vec<(ImageName, Image)> {
        let needs = self.sessions().needs();
        let manifests = needs.manifests.iter().map(|it| {
            let image = self.image(it.manifest).clone();
            let reference = match it.tag {
                Some(tag) => Reference::Tag(tag_of(tag)),
                None => Reference::Digest(image.descriptor().digest),
            };
            (self.name(it.repository, reference), image)
        });
        let alone = needs.blobs.chunk_by(|a, b| a.repository == b.repository);
        let kept = alone.flat_map(|of_one| of_one.chunks(KEPT).enumerate());
        let kept = kept.filter_map(|(number, blobs)| {
            let repository = blobs.first()?.repository;
            let tag: Tag = format!("{KEPT_TAG}-{number}").parse().ok()?;
            let blobs = blobs.iter().map(|it| self.blob(it.blob)).collect();
            let note = format!("kept {repository} {number}");
            let image = Image::of_blobs(blobs, &note, 0);
            Some((self.name(repository, Reference::Tag(tag)), image))
        });
        manifests.chain(kept).collect()
    }

    fn name(&self, repository: u32, reference: Reference) -> ImageName {
        ImageName {
            repository: self.repository(repository).clone(),
            reference,
        }
    }

    /// Returns what a session stores, by repository.
    pub(super) fn stored(&self, session: &Session) -> Vec<StoredContent> {
        self.content(self.sessions().steps(session))
    }

    /// Returns what all sessions store, by repository.
    pub(super) fn all_stored(&self) -> Vec<StoredContent> {
        self.content(self.sessions().all_steps())
    }

    fn content(&self, steps: &[Step]) -> Vec<StoredContent> {
        let mut by_repository: BTreeMap<u32, StoredContent> = BTreeMap::new();
        for step in steps.iter().filter(|step| step.act.stores()) {
            let of_one = by_repository
                .entry(step.repository)
                .or_insert_with(|| StoredContent {
                    repository: self.repository(step.repository).clone(),
                    manifests: Vec::new(),
                    blobs: Vec::new(),
                });
            let blob = |number| self.blob(number).descriptor().digest;
            let (list, digest) = match step.act {
                Act::ManifestPut { manifest, .. } => (
                    &mut of_one.manifests,
                    self.image(manifest).descriptor().digest,
                ),
                Act::Mount { blob: number, .. } | Act::Post { blob: number } => {
                    (&mut of_one.blobs, blob(number))
                }
                Act::Close { upload, .. } => {
                    let upload = &self.sessions().uploads()[upload as usize];
                    (&mut of_one.blobs, blob(upload.blob))
                }
                _ => continue,
            };
            list.push(digest);
        }
        for of_one in by_repository.values_mut() {
            for list in [&mut of_one.manifests, &mut of_one.blobs] {
                list.sort_unstable();
                list.dedup();
            }
        }
        by_repository.into_values().collect()
    }
}

/// Returns the name of a tag.
pub(super) fn tag_of(number: u32) -> Tag {
    let name = format!("t{number}").parse();
    name.expect("a letter and digits")
}

/// Returns a tag that no repository has.
fn absent(name: u64) -> Tag {
    let name = format!("absent-{name:016x}").parse();
    name.expect("letters, a hyphen and digits")
}
