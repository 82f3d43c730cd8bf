//! What a run has put into the registry and clean-up deletes.

use std::collections::BTreeSet;

use super::choice::Choice;
use super::iteration_id::IterationId;
use super::shared::Shared;
use super::used::used_journeys;
use crate::content::{Blob, Image, Salt};
use crate::oci::{Digest, RepositoryName};
use crate::plan::{Action, CopyImage, Journey, Push, StoredContent};

/// What clean-up deletes from one repository.
#[derive(Debug, Clone)]
pub(super) struct Leftovers {
    pub(super) repository: RepositoryName,
    pub(super) manifests: Vec<Digest>, // an index before its images
    pub(super) blobs: Vec<Digest>,     // each once
}

impl From<&StoredContent> for Leftovers {
    fn from(it: &StoredContent) -> Self {
        Self {
            repository: it.repository.clone(),
            manifests: it.manifests.clone(),
            blobs: it.blobs.clone(),
        }
    }
}

impl From<Leftovers> for StoredContent {
    fn from(it: Leftovers) -> Self {
        Self {
            repository: it.repository,
            manifests: it.manifests,
            blobs: it.blobs,
        }
    }
}

impl Leftovers {
    pub(super) const fn new(repository: RepositoryName) -> Self {
        Self {
            repository,
            manifests: Vec::new(),
            blobs: Vec::new(),
        }
    }

    /// One manifest, whose blobs belong to other images.
    fn manifest(repository: RepositoryName, digest: Digest) -> Self {
        Self {
            manifests: vec![digest],
            ..Self::new(repository)
        }
    }

    /// Returns what an image, or an index with its images, puts into a repository.
    pub(super) fn of(repository: RepositoryName, image: &Image) -> Self {
        let mut leftovers = Self::new(repository);
        let mut seen = BTreeSet::new();
        let mut images = vec![image];
        while let Some(image) = images.pop() {
            images.extend(image.children());
            leftovers.manifests.push(image.descriptor().digest);
            let blobs = image.blobs().map(Blob::descriptor).map(|it| it.digest);
            let blobs = blobs.filter(|digest| seen.insert(*digest));
            leftovers.blobs.extend(blobs);
        }
        leftovers
    }
}

/// Returns what is stored by more than one iteration in the same form, and so may be there before the run.
pub(super) fn stored_again(shared: &Shared) -> impl Iterator<Item = Leftovers> + '_ {
    let pushed = pushed_again(shared).chain(copied_again(shared));
    pushed.chain(replayed_again(shared))
}

fn replayed_again(shared: &Shared) -> impl Iterator<Item = Leftovers> + '_ {
    let replays = used_journeys(&shared.plan);
    let replays = replays.filter_map(|(index, _)| shared.images.replay(index));
    let stored = replays.flat_map(|it| it.all_stored());
    stored.map(|it| Leftovers::from(&it))
}

fn copied_again(shared: &Shared) -> impl Iterator<Item = Leftovers> + '_ {
    let copies = used_journeys(&shared.plan).filter_map(|(_, journey)| match &journey.action {
        Action::CopyImage(copy) if !copy.fresh_repository => Some(copy),
        _ => None,
    });
    copies.flat_map(move |copy| {
        let images = 0..shared.images.count(copy.images.set);
        images.filter_map(move |image| copied(shared, copy, image, NO_SALT))
    })
}

/// Returns what an iteration of a copy stores.
fn copied(shared: &Shared, copy: &CopyImage, image: usize, salt: Salt) -> Option<Leftovers> {
    let job = shared.images.copy(copy, image, salt)?;
    Some(Leftovers::of(job.name.repository, &job.image))
}

/// Of what has the same name each time.
const NO_SALT: Salt = Salt {
    run: 0,
    vu: 0,
    iteration: 0,
};

fn pushed_again(shared: &Shared) -> impl Iterator<Item = Leftovers> + '_ {
    used_journeys(&shared.plan)
        .filter_map(|(index, journey)| match &journey.action {
            Action::Push(push) if !push.fresh_repository => Some((index, push)),
            _ => None,
        })
        .flat_map(move |(index, push)| {
            let places = shared.images.places(index).iter().enumerate();
            places.filter_map(move |(image, _)| same_each_time(shared, (index, push), image))
        })
}

/// Returns what the iterations have in common of an image that is pushed: all of it, or the layers that are not new.
fn same_each_time(
    shared: &Shared,
    (journey, push): (usize, &Push),
    image: usize,
) -> Option<Leftovers> {
    let salt = |iteration| Salt {
        run: shared.run_id,
        vu: u64::MAX,
        iteration,
    };
    let of = |salt| {
        let job = shared.images.push(journey, push, image, salt)?;
        Some(Leftovers::of(job.name.repository, &job.image))
    };
    let mut one = of(salt(0))?;
    if push.unique {
        let other = of(salt(1))?;
        one.manifests.clear();
        one.blobs.retain(|digest| other.blobs.contains(digest));
    }
    Some(one)
}

/// Returns what the iterations have stored, drawn once more instead of remembered. What several of them have in common
/// comes as often.
pub(super) fn stored<'a>(
    shared: &'a Shared,
    ids: impl Iterator<Item = (usize, IterationId)> + 'a,
) -> impl Iterator<Item = Leftovers> + 'a {
    // What comes from another process may name loads that this plan does not have.
    let ids = ids.filter(|(load, _)| *load < shared.plan.loads.len());
    let mut seen = BTreeSet::new();
    ids.flat_map(move |(load, id)| {
        let (index, journey, image) = drawn(shared, load, id);
        if !journey.action.stores_apart() && !seen.insert((index, image)) {
            return Vec::new();
        }
        let salt = id.salt(shared.run_id);
        match &journey.action {
            Action::Push(push) => {
                let job = shared.images.push(index, push, image, salt);
                let left = job.map(|job| Leftovers::of(job.name.repository, &job.image));
                left.into_iter().collect()
            }
            Action::Delete(delete) => {
                let job = shared.images.delete(index, delete, image, salt);
                let left = job.map(|job| {
                    let digest = job.manifest.descriptor().digest;
                    Leftovers::manifest(job.name.repository, digest)
                });
                left.into_iter().collect()
            }
            Action::Replay(_) => {
                let replayed = shared.images.replay(index);
                let session = replayed.and_then(|it| Some((it, it.session(id.number())?)));
                let stored = session.map(|(it, session)| it.stored(session));
                stored.iter().flatten().map(Leftovers::from).collect()
            }
            Action::CopyImage(copy) => copied(shared, copy, image, salt).into_iter().collect(),
            other => {
                debug_assert!(!other.stores(), "{} leaves content", other.word());
                Vec::new()
            }
        }
    })
}

/// Draws an iteration again: its journey, and the image of its set.
pub(super) fn drawn(shared: &Shared, load: usize, id: IterationId) -> (usize, &Journey, usize) {
    let plan = &shared.plan;
    let mut choice = Choice::of(plan.seed, id);
    let load = &plan.loads[load];
    let index = load.mix[choice.journey(load)].journey;
    let journey = &plan.journeys[index];
    let image = choice.image(journey.pick(), shared.images.places(index).len());
    (index, journey, image)
}
