//! What must be in the registry before the load begins: found from the journeys, and pushed.

use std::collections::BTreeMap;

use super::images::{FIXED_TAG, Images, apart, fixed_tag};
use super::used::used_journeys;
use crate::client::{self, Known, PushOptions, Watch};
use crate::content::Image;
use crate::oci::{Digest, ImageName, Reference, Tag};
use crate::plan::{Plan, SeedPlace};
use crate::registry::Client;

/// What must be at one place.
#[derive(Debug)]
pub(super) struct Seed {
    pub(super) name: ImageName,
    pub(super) image: Image,
    tags: usize,                        // that of `name` included
    artifacts: BTreeMap<String, usize>, // how many refer to the image, by type
    soci: Option<Image>,                // its index
}

impl Seed {
    /// Returns what the journeys that are used need, each place once.
    pub(super) fn all(plan: &Plan, images: &Images) -> Vec<Self> {
        let mut seeds: BTreeMap<ImageName, Self> = BTreeMap::new();
        let used = used_journeys(plan).filter(|_| plan.prepare.seed);
        for needs in used.filter_map(|(_, journey)| journey.action.needs()) {
            // There is an image at each place until the set ends; of existing ones there is none.
            let set = (0..images.count(needs.set)).filter_map(|index| {
                let image = images.image(needs.set, index)?;
                let soci = needs.soci.and_then(|_| images.soci_index(needs.set, index));
                Some((place(needs.place, index)?, image, soci))
            });
            for (name, image, soci) in set {
                let seed = seeds.entry(name).or_insert_with_key(|name| Self {
                    name: name.clone(),
                    image,
                    tags: 1,
                    artifacts: BTreeMap::new(),
                    soci: None,
                });
                seed.tags = seed.tags.max(needs.tags);
                seed.soci = seed.soci.take().or(soci);
                if let Some((count, artifact_type)) = needs.artifacts {
                    let of_type = seed.artifacts.entry(artifact_type.to_owned()).or_default();
                    *of_type = count.max(*of_type);
                }
            }
        }
        let replays = used_journeys(plan).filter(|_| plan.prepare.seed);
        let replays = replays.filter_map(|(journey, _)| images.replay(journey));
        for (name, image) in replays.flat_map(|it| it.seeds()) {
            seeds.entry(name).or_insert_with_key(|name| Self {
                name: name.clone(),
                image,
                tags: 1,
                artifacts: BTreeMap::new(),
                soci: None,
            });
        }
        seeds.into_values().collect()
    }

    pub(super) fn further_tags(&self) -> impl Iterator<Item = Tag> {
        (1..self.tags).map(|number| {
            format!("{FIXED_TAG}-t{number}")
                .parse()
                .expect("letters, digits and hyphens, at most 30 of them")
        })
    }

    pub(super) fn artifacts(&self) -> Vec<Image> {
        let subject = self.image.descriptor();
        let of_type = self.artifacts.iter();
        let plain = of_type.flat_map(|(kind, count)| {
            (0..*count).map(|number| Image::artifact(subject, kind, number))
        });
        plain.chain(self.soci.clone()).collect()
    }

    /// Returns the manifests of the image, and of what refers to it.
    pub(super) fn manifests(&self) -> Vec<Digest> {
        let mut manifests = Vec::new();
        let artifacts = self.artifacts();
        let mut images: Vec<&Image> = vec![&self.image];
        images.extend(&artifacts);
        while let Some(image) = images.pop() {
            images.extend(image.children());
            manifests.push(image.descriptor().digest);
        }
        manifests
    }

    /// Pushes it: the image, then its further tags, then what refers to it. Gives the bytes of the image's blobs that were
    /// sent.
    pub(super) async fn push(
        &self,
        client: &Client,
        watch: &dyn Watch,
    ) -> Result<u64, client::Error> {
        let options = PushOptions {
            mount_from: None,
            known: Known::Nothing,
        };
        let ImageName { repository, .. } = &self.name;
        let pushed = client::push(client, &self.name, &self.image, &options, watch).await?;
        let manifest = (self.image.manifest(), &self.image.descriptor().digest);
        for tag in self.further_tags() {
            client::tag(client, repository, &Reference::Tag(tag), manifest, watch).await?;
        }
        let subject = self.image.descriptor().digest;
        let artifacts = self.artifacts();
        let attached = (repository, &subject, artifacts.as_slice());
        client::attach(client, attached, &options, watch).await?;
        Ok(pushed.blobs.bytes)
    }
}

/// Returns where the image at that place of a set is put. `None`: there is no such name; where it matters, that was said
/// before.
fn place(place: SeedPlace<'_>, index: usize) -> Option<ImageName> {
    let (repository, tag) = match place {
        SeedPlace::Apart(prefix) => (apart(prefix, index)?, fixed_tag()),
        SeedPlace::Together(repository) => {
            let tag = format!("{FIXED_TAG}-{index}").parse().ok()?;
            (repository.clone(), tag)
        }
    };
    Some(ImageName {
        repository,
        reference: Reference::Tag(tag),
    })
}
