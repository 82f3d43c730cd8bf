//! What a journey does, and what must be in the registry before it can.

use std::num::NonZeroUsize;

use super::journey::Selection;
use crate::oci::{Platform, RepositoryName, Verify};

/// What a journey does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Takes an image from the registry.
    Pull(Pull),
    /// Gives an image to the registry.
    Push(Push),
    /// Asks what a tag points at.
    Poll(Poll),
    /// Reads the tags of a repository, every page.
    ListTags(ListTags),
    /// Reads the repositories of the registry, every page.
    Catalog(Catalog),
    /// Reads what refers to an image, every page.
    Referrers(Referrers),
    /// Deletes a manifest, which it has stored itself.
    Delete(Delete),
}

/// How an image is pulled.
#[derive(Debug, Clone)]
pub struct Pull {
    /// The images.
    pub images: Selection,
    /// What is checked of each blob.
    pub verify: Verify,
    /// Which image of an index.
    pub platform: Platform,
    /// What of the image is on this side already.
    pub cache: Cache,
}

/// How an image is pushed.
#[derive(Debug, Clone)]
pub struct Push {
    /// The images.
    pub images: Selection,
    /// The repository to mount blobs from; never together with `unique`.
    pub mount_from: Option<RepositoryName>,
    /// Whether each iteration pushes into a repository of its own.
    pub fresh_repository: bool,
    /// Whether each iteration sends content that no registry has seen, as far as `cache` leaves any.
    pub unique: bool,
    /// What of the image the client and the registry have already.
    pub cache: Cache,
}

/// How a tag is asked for.
#[derive(Debug, Clone)]
pub struct Poll {
    /// The images whose tags are asked for.
    pub images: Selection,
    /// The request.
    pub method: PollMethod,
}

/// The request that asks what a tag points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollMethod {
    /// `HEAD`: the digest and nothing else. Where the client falls back to `GET`, so does the poll.
    Head,
    /// `GET`: the whole manifest.
    Get,
}

impl PollMethod {
    /// Every value with its word in scenarios and plans.
    pub const WORDS: &'static [(&'static str, Self)] = &[("head", Self::Head), ("get", Self::Get)];

    /// The word of this value.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Get => "get",
        }
    }
}

/// Whose tags are listed.
#[derive(Debug, Clone)]
pub struct ListTags {
    /// The images whose repositories are asked for their tags.
    pub images: Selection,
    /// How many tags seeding gives to each image, 1 to 100,000. `None`: existing images have those that they have.
    pub tags: Option<NonZeroUsize>,
}

/// What is in a catalogue.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The images that are put there first, each into a repository of its own. `None`: the registry is as it is.
    pub images: Option<Selection>,
}

/// Whose referrers are listed.
#[derive(Debug, Clone)]
pub struct Referrers {
    /// The images that are referred to.
    pub images: Selection,
    /// The only type of artifact that is asked for.
    pub artifact_type: Option<String>,
    /// How many artifacts seeding attaches to each image, 1 to 10,000. `None`: existing images have those that they
    /// have.
    pub referrers: Option<NonZeroUsize>,
}

/// What is deleted: in each iteration a manifest of its own, with the config and the layers of an image of the set.
#[derive(Debug, Clone)]
pub struct Delete {
    /// The images whose blobs the manifests name.
    pub images: Selection,
}

/// How much of an image is where it is to go before an iteration begins, as the client knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cache {
    /// Nothing.
    Cold,
    /// Everything: the iteration finds nothing new.
    Warm,
    /// This share of its layers, from the bottom one upwards; above 0 and below 1.
    Share(f64),
}

impl Cache {
    /// How many of so many layers, from the bottom one upwards, are there.
    pub fn layers(self, of: usize) -> usize {
        match self {
            Self::Cold => 0,
            Self::Warm => of,
            Self::Share(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a share of a number of layers is not below 0 and not above it"
                )]
                let layers = (share * of as f64).round() as usize;
                layers.min(of)
            }
        }
    }
}

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

impl Action {
    /// The word in scenarios and plans.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pull(_) => "pull",
            Self::Push(_) => "push",
            Self::Poll(_) => "poll",
            Self::ListTags(_) => "list-tags",
            Self::Catalog(_) => "catalog",
            Self::Referrers(_) => "referrers",
            Self::Delete(_) => "delete",
        }
    }

    /// The images it has to do with.
    pub const fn images(&self) -> Option<&Selection> {
        match self {
            Self::Pull(Pull { images, .. })
            | Self::Push(Push { images, .. })
            | Self::Poll(Poll { images, .. })
            | Self::ListTags(ListTags { images, .. })
            | Self::Referrers(Referrers { images, .. })
            | Self::Delete(Delete { images }) => Some(images),
            Self::Catalog(Catalog { images }) => images.as_ref(),
        }
    }

    /// What must be in the registry before the load begins: what it asks for, what it is said to have pushed before,
    /// what it mounts from. `None`: nothing need be there.
    pub fn needs(&self) -> Option<Needs<'_>> {
        let images = self.images()?;
        let mut needs = Needs {
            set: images.set,
            place: SeedPlace::Apart(&images.repository),
            tags: 1,
            artifacts: None,
        };
        match self {
            Self::Pull(_) | Self::Poll(_) | Self::Catalog(_) | Self::Delete(_) => {}
            Self::Push(push) => match (&push.mount_from, push.cache) {
                (Some(from), _) => needs.place = SeedPlace::Together(from),
                (None, Cache::Warm | Cache::Share(_)) => {}
                (None, Cache::Cold) => return None,
            },
            Self::ListTags(list) => needs.tags = list.tags.map_or(1, NonZeroUsize::get),
            Self::Referrers(list) => {
                let artifact_type = list.artifact_type.as_deref().unwrap_or(ARTIFACT_TYPE);
                needs.artifacts = list.referrers.map(|count| (count.get(), artifact_type));
            }
        }
        Some(needs)
    }
}
