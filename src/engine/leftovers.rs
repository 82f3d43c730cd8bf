//! What a run has put into the registry, as clean-up is to delete it.

use std::collections::BTreeSet;

use super::choice::Choice;
use super::images::stores_apart;
use super::prepare::used_journeys;
use super::turn::Begun;
use super::worker::Shared;
use crate::content::{Blob, Image};
use crate::oci::{Digest, RepositoryName};
use crate::plan::Action;

/// What is to go from one repository.
#[derive(Debug)]
pub(super) struct Leftovers {
    pub(super) repository: RepositoryName,
    pub(super) manifests: Vec<Digest>, // an index before its images
    pub(super) blobs: Vec<Digest>,     // each once
}

impl Leftovers {
    pub(super) const fn new(repository: RepositoryName) -> Self {
        Self {
            repository,
            manifests: Vec::new(),
            blobs: Vec::new(),
        }
    }

    /// One manifest, whose blobs are somebody else's.
    pub(super) fn manifest(repository: RepositoryName, digest: Digest) -> Self {
        Self {
            manifests: vec![digest],
            ..Self::new(repository)
        }
    }

    pub(super) fn of(repository: RepositoryName, image: &Image) -> Self {
        let mut leftovers = Self::new(repository);
        leftovers.add(image);
        leftovers
    }

    /// An image, or an index with its images.
    pub(super) fn add(&mut self, image: &Image) {
        let mut seen: BTreeSet<Digest> = self.blobs.iter().copied().collect();
        let mut images = vec![image];
        while let Some(image) = images.pop() {
            images.extend(image.children());
            self.manifests.push(image.descriptor().digest);
            let blobs = image.blobs().map(Blob::descriptor).map(|it| it.digest);
            self.blobs
                .extend(blobs.filter(|digest| seen.insert(*digest)));
        }
    }
}

/// What the users have pushed that is the same each time. Nothing, if no iteration has begun: what lies at these
/// places then is somebody else's.
pub(super) fn stored_again<'a>(
    shared: &'a Shared,
    begun: &[(usize, Begun)],
) -> impl Iterator<Item = Leftovers> + 'a {
    let begun = begun.iter().any(|(_, begun)| begun.count() > 0);
    used_journeys(&shared.plan)
        .filter(move |(_, it)| begun && !stores_apart(it))
        .filter_map(|(index, journey)| match &journey.action {
            Action::Push(push) => Some((index, push.images.set)),
            _ => None,
        })
        .flat_map(move |(index, set)| {
            let places = shared.images.places(index).iter().enumerate();
            places.filter_map(move |(image, place)| {
                let image = shared.images.image(set, image)?;
                Some(Leftovers::of(place.repository.clone(), &image))
            })
        })
}

/// What the users have stored at a place of its own, or of its own, each time: drawn once more, instead of remembered.
pub(super) fn stored_apart<'a>(
    shared: &'a Shared,
    begun: &'a [(usize, Begun)],
) -> impl Iterator<Item = Leftovers> + 'a {
    let plan = &shared.plan;
    let turns = begun
        .iter()
        .flat_map(|(load, begun)| begun.turns().map(move |turn| (*load, turn)));
    turns.filter_map(move |(load, turn)| {
        let mut choice = Choice::of(plan.seed, turn);
        let load = &plan.loads[load];
        let index = load.mix[choice.journey(load)].journey;
        let journey = &plan.journeys[index];
        let image = choice.image(journey.pick(), shared.images.places(index).len());
        let salt = turn.salt(shared.run_id);
        let images = &shared.images;
        match &journey.action {
            Action::Push(push) if stores_apart(journey) => {
                let job = images.push(index, push, image, salt)?;
                Some(Leftovers::of(job.reference.repository, &job.image))
            }
            Action::Delete(delete) => {
                let job = images.delete(index, delete, image, salt)?;
                let digest = job.manifest.descriptor().digest;
                Some(Leftovers::manifest(job.reference.repository, digest))
            }
            _ => None,
        }
    })
}
