//! The content of a replay: names and blobs for the numbers of its trace.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::occasion::{at, warped};
use crate::content::{Blob, Image, SizedBlobs};
use crate::measure::{TracedRequest, TracedRequests};
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
    popular: Vec<bool>, // by the number of the blob
    configs: HashSet<Digest>,
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
        let images: Vec<Image> = images.collect();
        let configs = images.iter().filter_map(Image::config);
        Ok(Self {
            repositories: repositories.collect::<Result<_, _>>()?,
            configs: configs.map(|it| it.descriptor().digest).collect(),
            images,
            popular: popular(sessions),
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

    /// Returns the bytes of a manifest or blob that a request fetches, and of a blob whether it is fetched much.
    pub(super) fn fetched(&self, act: Act) -> (u64, Option<bool>) {
        let popular = |blob: u32| Some(self.popular[blob as usize]);
        let sessions = self.sessions();
        match act {
            Act::BlobGet(Name::Digest(blob)) => (sessions.blobs()[blob as usize], popular(blob)),
            Act::BlobPart { blob, bytes } => (self.replay.part(blob, bytes), popular(blob)),
            _ => (0, None),
        }
    }

    /// Returns what the trace says of the sessions with these numbers, at that speed; the length is that of a load that follows
    /// their timetable.
    pub(super) fn recorded(
        &self,
        (speed, length): (f64, Option<Duration>),
        is_ours: impl Fn(u64) -> bool,
    ) -> TracedRequests {
        let mut recorded = TracedRequests::default();
        let sessions = self.sessions();
        for (_, session) in (0..).zip(sessions.sessions()).filter(|it| is_ours(it.0)) {
            let mut before = None;
            for step in sessions.steps(session) {
                let gap = before.map(|before| warped(step.at_ns - before, speed));
                before = Some(step.at_ns);
                let (fetched, popular) = self.fetched(step.act);
                let told = step.recorded.received().filter(|_| fetched > 0);
                recorded.add(&TracedRequest {
                    operation: step.recorded.operation,
                    status: step.recorded.status.map(NonZeroU16::get),
                    at: length.map(|length| at(warped(step.at_ns, speed), length)),
                    late: Duration::ZERO,
                    held_up: false,
                    gap,
                    took: step.recorded.took(),
                    bytes: told.unwrap_or(fetched),
                    popular,
                    as_recorded: true,
                    too_early: false,
                });
            }
        }
        recorded
    }

    pub(super) fn repository(&self, number: u32) -> &RepositoryName {
        &self.repositories[number as usize]
    }

    /// Returns `true` if that is one of its repositories.
    pub(super) fn has(&self, repository: &RepositoryName) -> bool {
        self.repositories.contains(repository)
    }

    pub(super) fn blob(&self, number: u32) -> Blob {
        self.blobs.blob(number as usize)
    }

    /// Whether a blob is the config of a manifest.
    pub(super) fn is_config(&self, number: u32) -> bool {
        self.configs
            .contains(&self.blob(number).descriptor().digest)
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

    /// Returns the digest of a manifest on the wire. No tag has one.
    pub(super) fn digest_of(&self, name: Name) -> Digest {
        match name {
            Name::Digest(manifest) => self.image(manifest).descriptor().digest,
            Name::NoDigest(name) | Name::NoTag(name) => self.no_digest(name),
            Name::Tag(tag) => self.no_digest(tag.into()),
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

    /// Returns the manifests that a session stores, of repositories in which no session deletes, with where they are. Their
    /// tags may be given to others by other sessions.
    pub(super) fn promised(&self, session: &Session) -> Vec<(RepositoryName, Image)> {
        let mut deletes = BTreeSet::new();
        for step in self.sessions().all_steps() {
            if let Act::ManifestDelete(_) | Act::BlobDelete(_) = step.act {
                deletes.insert(step.repository);
            }
        }
        let steps = self.sessions().steps(session).iter();
        let kept = steps.filter(|step| !deletes.contains(&step.repository));
        kept.filter_map(|step| match step.act {
            Act::ManifestPut { manifest, .. } => {
                let repository = self.repository(step.repository).clone();
                Some((repository, self.image(manifest).clone()))
            }
            _ => None,
        })
        .collect()
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
                Act::Mount { blob: number, .. } | Act::Post { blob: number, .. } => {
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

/// Returns which blobs are among the hundredth that is fetched most, by their numbers.
fn popular(sessions: &Sessions) -> Vec<bool> {
    let mut fetched = vec![0_u32; sessions.blobs().len()];
    for step in sessions.all_steps() {
        if let Act::BlobGet(Name::Digest(blob)) | Act::BlobPart { blob, .. } = step.act {
            fetched[blob as usize] += 1;
        }
    }
    let mut order: Vec<usize> = (0..fetched.len()).filter(|it| fetched[*it] > 0).collect();
    order.sort_by_key(|blob| Reverse(fetched[*blob]));
    let mut popular = vec![false; fetched.len()];
    for blob in order.iter().take(order.len().div_ceil(100)) {
        popular[*blob] = true;
    }
    popular
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
