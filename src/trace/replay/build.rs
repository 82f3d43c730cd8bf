//! From the requests of a trace to the steps of a replay: what each sends, and what must be there for it.

mod uploading;

use std::collections::HashMap;
use std::time::Duration;

use super::super::request::{Pseudonym, Reference, Request};
use super::absent::{Ended, content, is_whole};
use super::blobs::{Blobs, Untold};
use super::fresh::Fresh;
use super::left_out::LeftOut;
use super::manifests::{ManifestShape, Manifests};
use super::needs::{NeededManifest, Needs, Presence};
use super::slice::Slice;
use super::step::{Act, Name, Recorded, Step};
use super::uploads::{Open, Recording, Upload};
use crate::oci::Operation;

/// What a trace has come to.
pub(super) struct Built {
    pub(super) repositories: u32,
    pub(super) blobs: Vec<u64>,
    pub(super) manifests: Vec<ManifestShape>,
    pub(super) uploads: Vec<Upload>,
    pub(super) needs: Needs,
    pub(super) fresh: Fresh,
    pub(super) left_out: LeftOut,
    pub(super) untold: Untold,
    pub(super) cut_off: u64,
}

/// Takes requests in the order of their starts.
#[derive(Debug, Default)]
pub(super) struct Builder {
    deletes: bool,
    repositories: HashMap<Pseudonym, u32>,
    blobs: Blobs,
    manifests: Manifests,
    uploads: Vec<Recording>,
    presence: Presence,
    sessions: HashMap<u64, Running>,
    latest: HashMap<u32, u32>, // by repository: the manifest that was read or stored last
    now: u32,                  // requests so far
    pub(super) left_out: LeftOut,
}

/// A session while it goes on.
#[derive(Debug, Default)]
struct Running {
    /// The manifest whose blobs are fetched.
    reading: Option<u32>,
    /// What the tag of the last `HEAD` or `PUT` points at, if no digest was asked for since.
    head: Option<u32>,
    /// Blobs that are in the repository for the next manifest that is stored.
    pushed: Vec<u32>,
    /// Digests of manifests that were asked for and not there, which the client has not stored since.
    missed: Vec<Pseudonym>,
    open: Vec<Open>,
}

impl Running {
    /// Notes what was not there.
    fn misses(&mut self, operation: Operation, request: &Request) {
        let is_manifest = matches!(operation, Operation::ManifestHead | Operation::ManifestGet);
        if let (true, Some(Reference::Digest(digest))) = (is_manifest, request.reference) {
            self.missed.retain(|it| *it != digest);
            self.missed.push(digest);
        }
    }
}

/// Why a request is not sent: the count that it is added to.
type Why = fn(&mut LeftOut) -> &mut u64;

const UNKNOWN: Why = |it| &mut it.unknown;
const UPLOADS: Why = |it| &mut it.uploads;
const REFUSED: Why = |it| &mut it.refused;
const DELETIONS: Why = |it| &mut it.deletions;

impl Builder {
    pub(super) fn new(deletes: bool) -> Self {
        Self {
            deletes,
            ..Self::default()
        }
    }

    /// Takes the next request. `None`: it is not sent, and counted as that.
    pub(super) fn add(&mut self, at: Duration, request: &Request) -> Option<Step> {
        self.now += 1;
        let mut running = self.sessions.remove(&request.session).unwrap_or_default();
        let act = self.act(request, &mut running);
        self.sessions.insert(request.session, running);
        match act {
            Ok((act, operation)) => Some(Step {
                at_ns: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX),
                repository: request.repository.map_or(0, |it| self.repository(it)),
                act,
                recorded: Recorded::of(operation, request),
            }),
            Err(why) => {
                *why(&mut self.left_out) += 1;
                None
            }
        }
    }

    fn act(&mut self, request: &Request, running: &mut Running) -> Result<(Act, Operation), Why> {
        let operation = request.operation.ok_or(UNKNOWN)?;
        match operation {
            Operation::Token => return Err(|it| &mut it.authentication),
            Operation::Redirected => {
                self.redirected(request);
                return Err(|it| &mut it.redirected);
            }
            _ => {}
        }
        let ended = Ended::of(request.status);
        match ended {
            Ended::Challenged => return Err(|it| &mut it.authentication),
            Ended::Refused => return Err(REFUSED),
            Ended::Well | Ended::Absent => {}
        }
        let is_there = ended == Ended::Well;
        let act = match operation {
            Operation::Ping => Act::Ping,
            Operation::Catalog => Act::Catalog,
            _ => {
                let repository = request.repository.ok_or(UNKNOWN)?;
                let number = self.repository(repository);
                if is_there {
                    self.of_repository(operation, request, (number, running))?
                } else {
                    running.misses(operation, request);
                    self.absent(operation, request)?
                }
            }
        };
        Ok((act, operation))
    }

    /// A blob is fetched from where the registry has sent the client: its size is told there.
    fn redirected(&mut self, request: &Request) {
        let digest = request.reference.map(Reference::pseudonym);
        if let Some(blob) = digest.and_then(|it| self.blobs.find(it)) {
            self.blobs
                .fetched(blob, content(request), is_whole(request));
        }
    }

    /// A request to what is not there.
    fn absent(&self, operation: Operation, request: &Request) -> Result<Act, Why> {
        let name = || match request.reference {
            Some(Reference::Tag(name)) => Ok(Name::NoTag(name.get())),
            Some(Reference::Digest(name)) => Ok(Name::NoDigest(name.get())),
            // The import has put it back, before an upload whose digest only its end tells.
            None if request.added => Ok(Name::NoDigest(self.now.into())),
            None => Err(UNKNOWN),
        };
        Ok(match operation {
            Operation::ManifestHead => Act::ManifestHead(name()?),
            Operation::ManifestGet => Act::ManifestGet(name()?),
            Operation::BlobHead => Act::BlobHead(name()?),
            Operation::BlobGet => Act::BlobGet(name()?),
            Operation::Referrers => Act::Referrers(name()?),
            Operation::TagsList => Act::NoTags(request.repository.map_or(0, Pseudonym::get)),
            Operation::ManifestDelete if self.deletes => Act::ManifestDelete(name()?),
            Operation::BlobDelete if self.deletes => Act::BlobDelete(name()?),
            Operation::ManifestDelete | Operation::BlobDelete => return Err(DELETIONS),
            _ => return Err(REFUSED),
        })
    }

    /// A request to something of a repository that was there.
    fn of_repository(
        &mut self,
        operation: Operation,
        request: &Request,
        (repository, running): (u32, &mut Running),
    ) -> Result<Act, Why> {
        let now = self.now;
        Ok(match operation {
            Operation::TagsList => {
                self.has_tags(repository);
                Act::Tags
            }
            Operation::Referrers => {
                let name = request.reference.ok_or(UNKNOWN)?.pseudonym();
                let known = self.manifests.find(name);
                Act::Referrers(known.map_or(Name::NoDigest(name.get()), Name::Digest))
            }
            Operation::ManifestHead | Operation::ManifestGet => {
                let (name, manifest) = self.reads(request, (repository, running))?;
                if operation == Operation::ManifestGet {
                    let size = content(request).filter(|_| is_whole(request));
                    self.manifests.read(manifest, size);
                    running.reading = Some(manifest);
                    Act::ManifestGet(name)
                } else {
                    self.manifests.read(manifest, None);
                    Act::ManifestHead(name)
                }
            }
            Operation::ManifestPut => self.stores(request, (repository, running))?,
            Operation::ManifestDelete | Operation::BlobDelete if !self.deletes => {
                return Err(DELETIONS);
            }
            Operation::ManifestDelete => {
                // Some clients resolve a tag by fetching what it points at.
                running.head = running.head.or(running.reading);
                let (name, manifest) = self.reads(request, (repository, running))?;
                self.manifests.read(manifest, None);
                let tag = match name {
                    Name::Tag(tag) => Some(tag),
                    _ => None,
                };
                self.presence.deletes_manifest(repository, manifest, tag);
                Act::ManifestDelete(name)
            }
            Operation::BlobHead | Operation::BlobGet | Operation::BlobDelete => {
                let blob = self.blob(request)?;
                self.presence.reads_blob(repository, blob, now);
                match operation {
                    Operation::BlobDelete => {
                        self.presence.deletes_blob(repository, blob);
                        Act::BlobDelete(Name::Digest(blob))
                    }
                    Operation::BlobHead => {
                        running.pushed.push(blob);
                        Act::BlobHead(Name::Digest(blob))
                    }
                    _ => self.fetches(request, blob, running),
                }
            }
            _ => self.uploads(operation, request, (repository, running))?,
        })
    }

    /// A blob is fetched, or a part of it.
    fn fetches(&mut self, request: &Request, blob: u32, running: &Running) -> Act {
        self.blobs
            .fetched(blob, content(request), is_whole(request));
        if let Some(manifest) = running.reading {
            self.manifests.fetched(manifest, blob);
        }
        let is_part = request.status.is_some_and(|it| it.get() == 206);
        match request.received.filter(|bytes| is_part && *bytes > 0) {
            Some(bytes) => Act::BlobPart { blob, bytes },
            None => Act::BlobGet(Name::Digest(blob)),
        }
    }

    /// A manifest is asked for that is there.
    fn reads(
        &mut self,
        request: &Request,
        (repository, running): (u32, &mut Running),
    ) -> Result<(Name, u32), Why> {
        let now = self.now;
        let (name, manifest) = match request.reference.ok_or(UNKNOWN)? {
            Reference::Digest(digest) => {
                let manifest = self.manifests.number(digest, running.head.take());
                self.presence.reads_manifest(repository, manifest, now);
                (Name::Digest(manifest), manifest)
            }
            Reference::Tag(name) => {
                let new = self.manifests.tag(repository, name).manifest;
                let manifest = new.unwrap_or_else(|| self.manifests.nameless());
                let tag = self.manifests.tag(repository, name);
                tag.manifest = Some(manifest);
                let number = tag.number;
                self.presence.reads_tag(repository, number, manifest, now);
                let is_head = request.operation == Some(Operation::ManifestHead);
                running.head = is_head.then_some(manifest);
                (Name::Tag(number), manifest)
            }
        };
        self.latest.insert(repository, manifest);
        Ok((name, manifest))
    }

    /// A manifest is stored, with what was pushed for it.
    fn stores(
        &mut self,
        request: &Request,
        (repository, running): (u32, &mut Running),
    ) -> Result<Act, Why> {
        let mut blobs = std::mem::take(&mut running.pushed);
        if blobs.is_empty() {
            // Nothing was pushed for it: it is of what the repository has.
            let latest = self.latest.get(&repository);
            blobs = latest.map_or_else(Vec::new, |it| self.manifests.blobs(*it).to_vec());
        }
        let (manifest, tag) = match request.reference.ok_or(UNKNOWN)? {
            Reference::Digest(digest) => {
                running.missed.retain(|it| *it != digest);
                (self.manifests.number(digest, None), None)
            }
            Reference::Tag(name) => {
                // A client that looks for a manifest by its digest stores it then under the tag.
                let missed = running.missed.pop();
                let manifest = match missed {
                    Some(digest) => self.manifests.number(digest, None),
                    None => self.manifests.nameless(),
                };
                let tag = self.manifests.tag(repository, name);
                tag.manifest = Some(manifest);
                let number = tag.number;
                running.head = Some(manifest);
                (manifest, Some(number))
            }
        };
        self.latest.insert(repository, manifest);
        self.manifests.stored(manifest, request.sent, &blobs);
        let it = NeededManifest {
            repository,
            manifest,
            tag,
        };
        self.presence.stores_manifest(it, self.now);
        Ok(Act::ManifestPut { manifest, tag })
    }

    /// Returns the blob that a request names.
    fn blob(&mut self, request: &Request) -> Result<u32, Why> {
        let name = request.reference.ok_or(UNKNOWN)?;
        Ok(self.blobs.number(name.pseudonym()))
    }

    /// A repository whose tags are read has at least one.
    fn has_tags(&mut self, repository: u32) {
        if self.presence.has_tags(repository) {
            return;
        }
        let name = Pseudonym::new(u64::MAX);
        let tag = *self.manifests.tag(repository, name);
        let manifest = tag.manifest.unwrap_or_else(|| self.manifests.nameless());
        self.manifests.tag(repository, name).manifest = Some(manifest);
        self.manifests.read(manifest, None);
        self.presence
            .reads_tag(repository, tag.number, manifest, self.now);
    }

    fn repository(&mut self, name: Pseudonym) -> u32 {
        let next = u32::try_from(self.repositories.len()).unwrap_or(u32::MAX);
        *self.repositories.entry(name).or_insert(next)
    }

    /// Ends the reading.
    pub(super) fn finish(mut self, slice: &Slice) -> Built {
        let mut uploads = Vec::with_capacity(self.uploads.len());
        for recording in self.uploads {
            let blob = recording.blob.unwrap_or_else(|| {
                // It was never closed: its bytes are of no blob.
                let blob = self.blobs.nameless();
                let (sent, parts) = (recording.bytes(), recording.parts.len());
                self.blobs.sent(blob, sent, parts);
                blob
            });
            uploads.push((blob, recording));
        }
        self.manifests.complete(&mut self.blobs);
        let (needs, fresh) = self.presence.into_needs(&self.manifests);
        let (blobs, untold) = self.blobs.sizes(slice);
        let cut_off = self.blobs.cut_off();
        let uploads = uploads.into_iter().map(|(blob, recording)| Upload {
            parts: recording.into_parts(blobs[blob as usize]),
            blob,
        });
        Built {
            repositories: u32::try_from(self.repositories.len()).unwrap_or(u32::MAX),
            uploads: uploads.collect(),
            blobs,
            manifests: self.manifests.into_shapes(),
            needs,
            fresh,
            left_out: self.left_out,
            untold,
            cut_off,
        }
    }
}
