//! The images of a plan, ready to be pushed, and where each journey finds or puts them.

use std::num::NonZeroUsize;
use std::path::Path;

use super::error::Error;
use crate::content::{self, Image, OpenOptions, Salt, SyntheticSet};
use crate::oci::{Reference, RepositoryName, Tag, Version};
use crate::plan::{Action, ImageSet, ImageSource, Journey, Plan};

/// The tag under which images are seeded, and under which images are pushed that are the same each time.
const FIXED_TAG: &str = "regstorm";

/// The images of a plan.
#[derive(Debug)]
pub(super) struct Images {
    sets: Vec<Set>,
    places: Vec<Vec<Reference>>, // by journey, by image
}

#[derive(Debug)]
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
            .map(|journey| places(journey, &plan.images[journey.images], &sets[journey.images]))
            .collect::<Result<_, _>>()?;
        Ok(Self { sets, places })
    }

    /// Where a journey finds or puts the images of its set.
    pub(super) fn places(&self, journey: usize) -> &[Reference] {
        &self.places[journey]
    }

    /// The image at a place of a set, as it is seeded. `None` when it is in the registry already and only there.
    pub(super) fn image(&self, set: usize, index: usize) -> Option<Image> {
        match &self.sets[set] {
            Set::Synthetic(synthetic) => Some(synthetic.image(index)),
            Set::Single(image) => Some(image.clone()),
            Set::Existing => None,
        }
    }

    /// A variant of that image that no registry has seen.
    pub(super) fn unique_image(&self, set: usize, index: usize, salt: Salt) -> Option<Image> {
        match &self.sets[set] {
            Set::Synthetic(synthetic) => Some(synthetic.unique_image(index, salt)),
            Set::Single(_) | Set::Existing => None,
        }
    }
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
        ImageSource::Archive {
            path,
            compression,
            reference,
            ..
        } => open_archive(path, *compression, reference.as_deref())
            .map(Set::Single)
            .map_err(|source| Error::Content {
                set: set.name.clone(),
                source,
            }),
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

fn places(journey: &Journey, set: &ImageSet, opened: &Set) -> Result<Vec<Reference>, Error> {
    let count = match (opened, &set.source) {
        (Set::Existing, ImageSource::Existing(references)) => return Ok(references.clone()),
        (Set::Synthetic(synthetic), _) => synthetic.len(),
        _ => 1,
    };
    (0..count)
        .map(|index| {
            let name = format!("{}/{index}", journey.repository);
            let repository: Result<RepositoryName, _> = name.parse();
            Ok(Reference {
                repository: repository.map_err(|_| Error::Repository {
                    journey: journey.name.clone(),
                })?,
                version: Version::Tag(fixed_tag()),
            })
        })
        .collect()
}

fn fixed_tag() -> Tag {
    FIXED_TAG.parse().expect("a constant that is a tag")
}

/// The tag of a push that happens once.
pub(super) fn unique_tag(salt: Salt) -> Tag {
    format!("r{:x}-u{}-i{}", salt.run, salt.vu, salt.iteration)
        .parse()
        .expect("letters, digits and hyphens, at most 61 of them")
}

/// Does the journey push content that no registry has seen?
pub(super) const fn pushes_unique(journey: &Journey) -> bool {
    matches!(&journey.action, Action::Push(push) if push.unique)
}
