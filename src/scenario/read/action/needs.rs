//! What must be in the registry before a journey begins.

use crate::lazy::soci::SociLayers;
use crate::oci::RepositoryName;
use crate::scenario::selection::Selection;

/// What must be in the registry before a journey begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs<'a> {
    /// The image set.
    pub set: usize,
    /// Where its images are put.
    pub place: SeedPlace<'a>,
    /// How many tags each has.
    pub tags: usize,
    /// How many artifacts refer to each, and their type.
    pub artifacts: Option<(usize, &'a str)>,
    /// Which of its layers the SOCI index of each has, if there is to be one.
    pub soci: Option<SociLayers>,
}

impl<'a> Needs<'a> {
    /// The images of a selection, one tag each, in repositories of their own.
    pub(super) const fn of(images: &'a Selection) -> Self {
        Self {
            set: images.set,
            place: SeedPlace::Apart(&images.repository),
            tags: 1,
            artifacts: None,
            soci: None,
        }
    }
}

/// Where the images of a set are put before the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeedPlace<'a> {
    /// Each in a repository of its own, whose name starts with this one.
    Apart(&'a RepositoryName),
    /// All in this one.
    Together(&'a RepositoryName),
}

/// The type of the artifacts that seeding attaches where the journey asks for any.
pub const ARTIFACT_TYPE: &str = "application/vnd.regstorm.artifact.v1";
