//! What the registry has promised to keep: the writes that it acknowledged, drawn once more instead of remembered.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::begun::{Acknowledged, Begun};
use super::iteration_id::IterationId;
use super::leftovers::drawn;
use super::registers::Register;
use super::seeds::Seed;
use super::shared::Shared;
use super::tag_writes::{OfTag, TagWrite, TagWrites};
use super::used::used_journeys;
use crate::content::Image;
use crate::oci::{Algorithm, Digest, ImageName, Reference, RepositoryName, Tag};
use crate::plan::Action;
use crate::profile::DeleteBy;

/// A promise, before what it is about is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Promise {
    /// An image that was there before the load, by its place among the seeds.
    Seed(usize),
    /// What an iteration of a load has done.
    Iteration(usize, Acknowledged),
    /// What was given last to a tag that pushes share.
    Tag(Register),
}

/// What was promised.
#[derive(Debug)]
pub(super) enum Promised {
    /// An image is there.
    There(There),
    /// A manifest is deleted.
    Gone(Gone),
    /// A tag leads to the last image that it was given.
    Tag(Register, OfTag),
}

/// An image that must be there.
#[derive(Debug)]
pub(super) struct There {
    pub(super) repository: RepositoryName,
    /// The tags under which it is; none where they may have been given to others.
    pub(super) tags: Vec<Tag>,
    /// The image, or an index before its images.
    pub(super) image: Image,
    /// What refers to it.
    pub(super) referrers: Vec<Image>,
    /// It was written between these moments.
    pub(super) written: Option<(Instant, Instant)>,
}

/// A manifest that must not be there.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) name: ImageName,
    /// Its digest, unless the tag alone was deleted.
    pub(super) digest: Option<Digest>,
    pub(super) written: Option<(Instant, Instant)>,
}

/// Everything that was promised to this process.
pub(super) struct Promises<'a> {
    shared: &'a Shared,
    seeds: Vec<Seed>,
    begun: &'a [(usize, Begun)],
    writes: &'a TagWrites,
}

impl<'a> Promises<'a> {
    /// The seeds are those of the first shard, which has pushed them or takes them over.
    pub(super) fn new(
        shared: &'a Shared,
        begun: &'a [(usize, Begun)],
        writes: &'a TagWrites,
    ) -> Self {
        let mut seeds = Vec::new();
        if shared.shard.is_first() {
            seeds = Seed::all(&shared.plan, &shared.images);
            let replays = used_journeys(&shared.plan);
            let replays = replays.filter_map(|(index, _)| shared.images.replay(index));
            let replays: Vec<_> = replays.collect();
            // Of sessions nobody knows which comes last: they may delete, and move tags.
            seeds.retain(|it| !replays.iter().any(|replay| replay.has(&it.name.repository)));
        }
        Self {
            shared,
            seeds,
            begun,
            writes,
        }
    }

    pub(super) const fn shared(&self) -> &Shared {
        self.shared
    }

    /// Returns each promise once. Iterations that store the same have made one.
    pub(super) fn iter(&self) -> impl Iterator<Item = Promise> + '_ {
        let seeds = (0..self.seeds.len()).filter(|place| !self.is_replaced(&self.seeds[*place]));
        let seeds = seeds.map(Promise::Seed);
        let begun = self.begun.iter();
        let iterations = begun.flat_map(|(load, begun)| begun.acknowledged().map(|it| (*load, it)));
        let mut seen = BTreeSet::new();
        let iterations = iterations.filter(move |(load, it)| {
            let (index, journey, image) = drawn(self.shared, *load, it.id);
            let action = &journey.action;
            action.stores()
                && !action.shares_tags()
                && !matches!(action, Action::Delete(_) if it.was_unknown)
                && (action.stores_apart() || seen.insert((index, image)))
        });
        let tags = self.writes.written();
        seeds
            .chain(iterations.map(|(load, it)| Promise::Iteration(load, it)))
            .chain(tags.map(|(register, _)| Promise::Tag(register)))
    }

    /// Whether pushes have given the tag of a seed to others: nothing keeps its manifest any more.
    fn is_replaced(&self, seed: &Seed) -> bool {
        let mut written = self.writes.written();
        let registers = &self.shared.registers;
        written.any(|(register, _)| *registers.name(register) == seed.name)
    }

    /// Returns every iteration that may have pushed under a tag, and whether it is known to have done so once.
    pub(super) fn all_under(
        &self,
        register: Register,
    ) -> impl Iterator<Item = (usize, IterationId, bool)> + '_ {
        let begun = self.begun.iter();
        let all = begun.flat_map(|(load, begun)| begun.all().map(|(id, once)| (*load, id, once)));
        all.filter(move |(load, id, _)| {
            let (index, journey, image) = drawn(self.shared, *load, *id);
            let registers = &self.shared.registers;
            journey.action.shares_tags() && registers.number(index, image) == Some(register)
        })
    }

    /// Draws what a write of a tag has put there.
    pub(super) fn written(&self, write: &TagWrite) -> Option<There> {
        let written = Some((write.began, write.ended));
        let mut drawn = self.of_iteration(write.load, write.id, written).into_iter();
        drawn.find_map(|it| match it {
            Promised::There(there) => Some(There {
                tags: Vec::new(),
                ..there
            }),
            _ => None,
        })
    }

    /// Returns `true` if a promise is to have something deleted.
    pub(super) fn is_deletion(&self, promise: Promise) -> bool {
        match promise {
            Promise::Seed(_) | Promise::Tag(_) => false,
            Promise::Iteration(load, it) => {
                let (_, journey, _) = drawn(self.shared, load, it.id);
                matches!(journey.action, Action::Delete(_))
            }
        }
    }

    /// Draws what a promise is about.
    pub(super) fn draw(&self, promise: Promise) -> Vec<Promised> {
        match promise {
            Promise::Seed(place) => vec![Promised::There(seeded(&self.seeds[place]))],
            Promise::Iteration(load, it) => self.of_iteration(load, it.id, it.ended),
            Promise::Tag(register) => {
                let of_tag = self.writes.get(register).cloned().unwrap_or_default();
                vec![Promised::Tag(register, of_tag)]
            }
        }
    }

    /// Draws what an iteration has promised that ended between these moments.
    pub(super) fn of_iteration(
        &self,
        load: usize,
        id: IterationId,
        written: Option<(Instant, Instant)>,
    ) -> Vec<Promised> {
        let images = &self.shared.images;
        let (index, journey, image) = drawn(self.shared, load, id);
        let salt = id.salt(self.shared.run_id);
        let stored = |name: ImageName, image: Image| {
            let tags = match name.reference {
                Reference::Tag(tag) => vec![tag],
                Reference::Digest(_) => Vec::new(),
            };
            Promised::There(There {
                repository: name.repository,
                tags,
                image,
                referrers: Vec::new(),
                written,
            })
        };
        let promised = match &journey.action {
            Action::Push(push) => {
                let job = images.push(index, push, image, salt);
                job.map(|job| stored(job.name, job.image))
            }
            Action::CopyImage(copy) => {
                let job = images.copy(copy, image, salt);
                job.map(|job| stored(job.name, job.image))
            }
            Action::Delete(delete) => {
                let job = images.delete(index, delete, image, salt);
                let mut clients = journey.clients.iter();
                let by_digest = clients.all(|it| it.habits.delete != DeleteBy::Tag);
                job.map(|job| {
                    let digest = job.manifest.digest(Algorithm::Sha256);
                    Promised::Gone(Gone {
                        name: job.name,
                        digest: by_digest.then_some(digest),
                        written,
                    })
                })
            }
            Action::Replay(_) => {
                let replayed = images.replay(index);
                let session = replayed.and_then(|all| Some((all, all.session(id.number())?)));
                let stored = session.map(|(all, session)| all.promised(session));
                let there = |(repository, image)| {
                    Promised::There(There {
                        repository,
                        tags: Vec::new(),
                        image,
                        referrers: Vec::new(),
                        written,
                    })
                };
                return stored.into_iter().flatten().map(there).collect();
            }
            _ => None,
        };
        promised.into_iter().collect()
    }

    /// Returns the digests of everything else that the run puts under a name, where that is the same each time.
    pub(super) fn others(&self, name: &ImageName) -> BTreeSet<Digest> {
        let seeds = self.seeds.iter().map(seeded);
        let first = self.begun.iter().flat_map(|(load, begun)| {
            let mut seen = BTreeSet::new();
            let ids = begun.acknowledged().filter(move |it| {
                let (index, journey, image) = drawn(self.shared, *load, it.id);
                !journey.action.stores_apart() && seen.insert((index, image))
            });
            ids.flat_map(|it| self.of_iteration(*load, it.id, it.ended))
        });
        let first = first.filter_map(|it| match it {
            Promised::There(there) => Some(there),
            Promised::Gone(_) | Promised::Tag(..) => None,
        });
        seeds
            .chain(first)
            .filter(|it| it.repository == name.repository)
            .filter(|it| {
                it.tags
                    .iter()
                    .any(|tag| name.reference.text() == tag.as_str())
            })
            .map(|it| it.image.descriptor().digest)
            .collect()
    }
}

fn seeded(seed: &Seed) -> There {
    let own = match &seed.name.reference {
        Reference::Tag(tag) => Some(tag.clone()),
        Reference::Digest(_) => None,
    };
    There {
        repository: seed.name.repository.clone(),
        tags: own.into_iter().chain(seed.further_tags()).collect(),
        image: seed.image.clone(),
        referrers: seed.artifacts(),
        written: None,
    }
}
