//! The images of a plan, ready to be pushed, and where each journey finds or puts them.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::occasion::Occasion;
use super::replayed::Replayed;
use crate::content::{self, Blob, Image, OpenOptions, Salt, SyntheticSet};
use crate::oci::{ImageName, ImageSelector, Manifest, Reference, RepositoryName, Tag};
use crate::plan::{
    Action, CopyImage, Delete, ImageSet, ImageSource, Journey, Plan, Push, Selection,
};

/// The tag under which images are seeded, and under which images are pushed that are the same each time.
pub(super) const FIXED_TAG: &str = "regstorm";

/// The images of a plan.
#[derive(Debug, Clone)]
pub(super) struct Images {
    sets: Vec<Set>,
    places: Vec<Vec<ImageName>>,         // by journey, by image
    replays: Vec<Option<Arc<Replayed>>>, // by journey
}

#[derive(Debug, Clone)]
enum Set {
    Synthetic(SyntheticSet),
    Single(Image),
    Existing,
}

impl Images {
    /// Reads archives and hashes synthetic layers, so that neither falls into the measurement.
    pub(super) fn prepare(plan: &Plan, threads: NonZeroUsize) -> Result<Self, Error> {
        let mut sets = Vec::with_capacity(plan.images.len());
        for (index, set) in plan.images.iter().enumerate() {
            sets.push(open(set, plan.image_seed(index), threads)?);
        }
        let places = plan
            .journeys
            .iter()
            .map(|journey| match journey.images() {
                Some(images) => {
                    places(journey, images, &plan.images[images.set], &sets[images.set])
                }
                None => Ok(Vec::new()),
            })
            .collect::<Result<_, _>>()?;
        let replays = plan.journeys.iter().enumerate();
        let replays = replays.map(|(index, journey)| match &journey.action {
            Action::Replay(replay) => {
                // Behind the seeds of the image sets.
                let seed = plan.image_seed(plan.images.len() + index);
                Replayed::new(replay, seed, threads).map(|it| Some(Arc::new(it)))
            }
            _ => Ok(None),
        });
        Ok(Self {
            replays: replays.collect::<Result<_, _>>()?,
            sets,
            places,
        })
    }

    /// Returns the same images, but for a set that has these, which the registry has.
    pub(super) fn with_existing(&self, plan: &Plan, set: usize, existing: &[ImageName]) -> Self {
        let mut images = self.clone();
        for (places, journey) in images.places.iter_mut().zip(&plan.journeys) {
            if journey.images().is_some_and(|images| images.set == set) {
                *places = existing.to_vec();
            }
        }
        images
    }

    /// Returns where a journey finds or puts the images of its set.
    pub(super) fn places(&self, journey: usize) -> &[ImageName] {
        &self.places[journey]
    }

    /// Returns what a journey replays.
    pub(super) fn replay(&self, journey: usize) -> Option<&Arc<Replayed>> {
        self.replays[journey].as_ref()
    }

    /// Returns how long a session takes as it was recorded; no time for what is no replay.
    pub(super) fn recorded_time(&self, journey: usize, occasion: &Occasion) -> Duration {
        let session = self
            .replay(journey)
            .and_then(|it| it.session(occasion.number));
        session.map_or(Duration::ZERO, |it| occasion.length(it))
    }

    /// Returns the image at a place of a set, as it is seeded. `None` if it is only in the registry.
    pub(super) fn image(&self, set: usize, index: usize) -> Option<Image> {
        match &self.sets[set] {
            Set::Synthetic(synthetic) => Some(synthetic.image(index)),
            Set::Single(image) => Some(image.clone()),
            Set::Existing => None,
        }
    }

    /// Returns the SOCI index of the image at a place of a set; `None` if it has none, or if that is not made here.
    pub(super) fn soci_index(&self, set: usize, index: usize) -> Option<Image> {
        match &self.sets[set] {
            Set::Synthetic(synthetic) => synthetic.soci_index(index),
            Set::Single(_) | Set::Existing => None,
        }
    }

    /// Returns how many images a set has, without those that are only in the registry.
    pub(super) fn count(&self, set: usize) -> usize {
        match &self.sets[set] {
            Set::Synthetic(synthetic) => synthetic.len(),
            Set::Single(_) => 1,
            Set::Existing => 0,
        }
    }

    /// Returns the sizes of the layers of each image of a set, those of an index's images together; none of existing images.
    pub(super) fn layer_sizes(&self, set: usize) -> Vec<Vec<u64>> {
        match &self.sets[set] {
            Set::Synthetic(synthetic) => {
                let image = |index| synthetic.layer_sizes(index).collect();
                (0..synthetic.len()).map(image).collect()
            }
            Set::Single(image) => vec![layers(image)],
            Set::Existing => Vec::new(),
        }
    }

    /// Returns what an iteration of a push sends, and where to. `None` if its images are only in the registry.
    pub(super) fn push(
        &self,
        journey: usize,
        push: &Push,
        image: usize,
        salt: Salt,
    ) -> Option<PushJob> {
        let mut name = self.places(journey)[image].clone();
        let job = if push.unique {
            if !push.same_tag {
                name.reference = Reference::Tag(unique_tag(salt));
            }
            self.unique_image(push, image, salt)?
        } else {
            self.image(push.images.set, image)?
        };
        if push.fresh_repository {
            name.repository = fresh(&name.repository, salt)?;
        }
        Some(PushJob { name, image: job })
    }

    /// Returns what an iteration of a copy stores, and where. `None` as for a push.
    pub(super) fn copy(&self, copy: &CopyImage, image: usize, salt: Salt) -> Option<PushJob> {
        let mut repository = apart(&copy.to, image)?;
        if copy.fresh_repository {
            repository = fresh(&repository, salt)?;
        }
        Some(PushJob {
            name: ImageName {
                repository,
                reference: Reference::Tag(fixed_tag()),
            },
            image: self.image(copy.images.set, image)?,
        })
    }

    /// Returns where a copy stores an image, if not each iteration does so elsewhere.
    pub(super) fn copy_name(copy: &CopyImage, image: usize) -> Option<ImageName> {
        let repository = apart(&copy.to, image).filter(|_| !copy.fresh_repository)?;
        Some(ImageName {
            repository,
            reference: Reference::Tag(fixed_tag()),
        })
    }

    /// Returns a variant of an image with new layers, except those that the registry has.
    fn unique_image(&self, push: &Push, index: usize, salt: Salt) -> Option<Image> {
        match &self.sets[push.images.set] {
            Set::Synthetic(synthetic) => {
                let there = push.cache.layers(synthetic.layers(index));
                Some(synthetic.unique_image(index, salt, there))
            }
            Set::Single(_) | Set::Existing => None,
        }
    }

    /// Returns what an iteration of a deletion stores and deletes. `None` as for a push.
    pub(super) fn delete(
        &self,
        journey: usize,
        delete: &Delete,
        image: usize,
        salt: Salt,
    ) -> Option<DeleteJob> {
        let tag = unique_tag(salt);
        let manifest = self
            .image(delete.images.set, image)?
            .variant(tag.as_str())?;
        let mut name = self.places(journey)[image].clone();
        name.reference = Reference::Tag(tag);
        Some(DeleteJob { name, manifest })
    }
}

/// What a push sends, and where to.
#[derive(Debug)]
pub(super) struct PushJob {
    pub(super) name: ImageName,
    pub(super) image: Image,
}

/// What a deletion stores, under which tag, and deletes.
#[derive(Debug)]
pub(super) struct DeleteJob {
    pub(super) name: ImageName,
    pub(super) manifest: Manifest,
}

fn layers(image: &Image) -> Vec<u64> {
    let own = image.layers().iter().map(Blob::size);
    own.chain(image.children().iter().flat_map(layers))
        .collect()
}

fn open(set: &ImageSet, seed: u64, threads: NonZeroUsize) -> Result<Set, Error> {
    match &set.source {
        ImageSource::Synthetic(spec) => {
            let synthetic =
                SyntheticSet::new(spec.clone(), seed).map_err(|source| Error::Spec {
                    set: set.name.clone(),
                    source,
                })?;
            synthetic.prepare(threads.get());
            Ok(Set::Synthetic(synthetic))
        }
        ImageSource::Archive(it) => {
            open_archive(&it.file.path, it.compression, it.reference.as_deref())
                .map(Set::Single)
                .map_err(|source| Error::Content {
                    set: set.name.clone(),
                    source,
                })
        }
        ImageSource::Existing(_) => Ok(Set::Existing),
    }
}

fn open_archive(
    path: &Path,
    compression: content::Compression,
    reference: Option<&str>,
) -> Result<Image, content::ContentError> {
    let options = OpenOptions {
        compression,
        reference: reference.map(Into::into),
        ..OpenOptions::default()
    };
    content::open(path, &options)
}

fn places(
    journey: &Journey,
    images: &Selection,
    set: &ImageSet,
    opened: &Set,
) -> Result<Vec<ImageName>, Error> {
    let count = match (opened, &set.source) {
        // What globs name is found once the registry responds.
        (Set::Existing, ImageSource::Existing(references)) => {
            return Ok(references.iter().filter_map(name_of).cloned().collect());
        }
        (Set::Synthetic(synthetic), _) => synthetic.len(),
        _ => 1,
    };
    (0..count)
        .map(|index| {
            let too_long = || Error::Repository {
                journey: journey.name.clone(),
            };
            let repository = apart(&images.repository, index).ok_or_else(too_long)?;
            match &journey.action {
                Action::Push(push) if push.fresh_repository => {
                    fresh(&repository, LONGEST).ok_or_else(too_long)?;
                }
                Action::CopyImage(copy) => {
                    let target = apart(&copy.to, index).ok_or_else(too_long)?;
                    if copy.fresh_repository {
                        fresh(&target, LONGEST).ok_or_else(too_long)?;
                    }
                }
                _ => {}
            }
            Ok(ImageName {
                repository,
                reference: Reference::Tag(fixed_tag()),
            })
        })
        .collect()
}

fn name_of(reference: &ImageSelector) -> Option<&ImageName> {
    match reference {
        ImageSelector::Name(name) => Some(name),
        ImageSelector::Glob(_) => None,
    }
}

/// The salt with the longest name.
const LONGEST: Salt = Salt {
    run: u64::MAX,
    vu: u64::MAX,
    iteration: u64::MAX,
};

/// Returns the repository of one push. `None`: the name would be too long.
fn fresh(repository: &RepositoryName, salt: Salt) -> Option<RepositoryName> {
    format!("{repository}/{}", unique_tag(salt)).parse().ok()
}

/// Returns the tag of what is stored once.
fn unique_tag(salt: Salt) -> Tag {
    format!("r{:x}-u{}-i{}", salt.run, salt.vu, salt.iteration)
        .parse()
        .expect("letters, digits and hyphens, at most 61 of them")
}

/// Returns the repository of one image of a set.
pub(super) fn apart(prefix: &RepositoryName, index: usize) -> Option<RepositoryName> {
    format!("{prefix}/{index}").parse().ok()
}

/// Returns the tag of what is the same each time.
pub(super) fn fixed_tag() -> Tag {
    FIXED_TAG.parse().expect("a constant that is a tag")
}
