//! What a plan will do before the measurement: what it pushes, and what it looks for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, CleanUp, ImageSource, Plan, Push, Replay, SeedPlace};
use crate::lazy::soci::SociLayers;
use crate::oci::ImageSelector;
use crate::trace::replay::Act;

/// What is pushed before the measurement: a `HEAD`, a `POST` and a `PUT` for each blob of each image.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedForecast {
    /// Images that are known in number.
    pub images: u64,
    /// Requests for these.
    pub requests: u64,
    /// Bytes of their layers.
    pub bytes: u64,
    /// Archives, whose images are not counted above.
    pub archives: u64,
    /// Requests that find out what lies in the registry: images that are said to be there, and, where clean-up deletes
    /// anything, what it has to spare.
    pub looks: u64,
    /// Globs of existing images, whose catalogue and lists of tags are not counted above.
    pub globs: u64,
}

impl Plan {
    /// What is pushed and looked for before the measurement.
    pub(super) fn seeding(&self) -> SeedForecast {
        let mut forecast = SeedForecast {
            images: 0,
            requests: 0,
            bytes: 0,
            archives: 0,
            looks: self.looks(),
            globs: self.globs(),
        };
        if !self.prepare.seed {
            return forecast;
        }
        // Two journeys that find a set at the same place need it there once.
        let mut places: BTreeMap<(usize, SeedPlace<'_>), Extras<'_>> = BTreeMap::new();
        let shares = self.loads.iter().flat_map(|load| &load.mix);
        let needs = shares.filter_map(|share| self.journeys[share.journey].action.needs());
        for needs in needs {
            let extras = places.entry((needs.set, needs.place)).or_default();
            extras.tags = extras.tags.max(count(needs.tags));
            if let Some((number, artifact_type)) = needs.artifacts {
                let of_type = extras.artifacts.entry(artifact_type).or_default();
                *of_type = count(number).max(*of_type);
            }
            extras.soci = extras.soci.or(needs.soci);
        }
        for ((set, _), extras) in places {
            match &self.images[set].source {
                ImageSource::Synthetic(_) => {
                    for sizes in self.layer_sizes(set).iter().flatten() {
                        forecast.add(sizes, &extras);
                        if self.prepare.clean_up != CleanUp::None {
                            forecast.looks += 1 + extras.artifacts.values().sum::<u64>();
                            forecast.looks += u64::from(extras.tables(sizes) > 0);
                        }
                    }
                }
                ImageSource::Archive(_) => forecast.archives += 1,
                ImageSource::Existing(_) => {}
            }
        }
        for replay in self.replays() {
            forecast.add_replay(replay, self.prepare.clean_up);
        }
        forecast
    }

    /// The replays of the journeys that loads use.
    pub fn replays(&self) -> impl Iterator<Item = &Replay> {
        let shares = self.loads.iter().flat_map(|load| &load.mix);
        let used: BTreeSet<usize> = shares.map(|share| share.journey).collect();
        used.into_iter()
            .filter_map(|index| match &self.journeys[index].action {
                Action::Replay(replay) => Some(replay),
                _ => None,
            })
    }

    /// What is looked for beside the seeds: existing images once for each set, and what pushes may find there.
    fn looks(&self) -> u64 {
        let shares = self.loads.iter().flat_map(|load| &load.mix);
        let used: BTreeSet<usize> = shares.map(|share| share.journey).collect();
        let journeys = || used.iter().map(|index| &self.journeys[*index]);
        let existing = self
            .used_sets()
            .into_iter()
            .map(|set| match &self.images[set].source {
                ImageSource::Existing(references) => {
                    let names = references
                        .iter()
                        .filter(|it| matches!(it, ImageSelector::Name(_)));
                    count(names.count())
                }
                _ => 0,
            });
        let pushes = journeys().filter_map(|journey| match &journey.action {
            Action::Push(push) if !push.fresh_repository => Some(self.looks_of(push)),
            Action::CopyImage(copy) if !copy.fresh_repository => {
                Some(self.looks_of(&copy.as_push(false)))
            }
            _ => None,
        });
        let spared: u64 = match self.prepare.clean_up {
            CleanUp::None => 0,
            CleanUp::Manifests | CleanUp::All => pushes.sum::<u64>() + self.looks_of_replays(),
        };
        existing.sum::<u64>() + spared
    }

    /// The manifests and, where they are to go, the blobs that replays store.
    fn looks_of_replays(&self) -> u64 {
        let looks = self.replays().map(|replay| {
            let mut stored = BTreeSet::new();
            for step in replay.sessions.all_steps() {
                let it = match step.act {
                    Act::ManifestPut { manifest, .. } => Some((false, manifest)),
                    Act::Mount { blob, .. } | Act::Post { blob, upload: None } => {
                        Some((true, blob))
                    }
                    Act::Close { upload, .. } => {
                        Some((true, replay.sessions.uploads()[upload as usize].blob))
                    }
                    _ => None,
                };
                let it =
                    it.filter(|(is_blob, _)| !is_blob || self.prepare.clean_up == CleanUp::All);
                stored.extend(it.map(|it| (step.repository, it)));
            }
            count(stored.len())
        });
        looks.sum()
    }

    /// The globs of the sets that are used.
    fn globs(&self) -> u64 {
        let sets = self.used_sets().into_iter();
        let globs = sets.flat_map(|set| self.images[set].source.globs());
        count(globs.count())
    }

    /// The image sets of the journeys that loads use.
    pub fn used_sets(&self) -> BTreeSet<usize> {
        let shares = self.loads.iter().flat_map(|load| &load.mix);
        let images = shares.filter_map(|share| self.journeys[share.journey].images());
        images.map(|images| images.set).collect()
    }

    /// The manifests and, where they are to go, the blobs that iterations of a push have in common.
    fn looks_of(&self, push: &Push) -> u64 {
        let ImageSource::Synthetic(spec) = &self.images[push.images.set].source else {
            return 0;
        };
        let looks = |layers: usize| {
            let kept = spec.shared_base_layers.max(push.cache.layers(layers));
            let blobs = match (self.prepare.clean_up, push.unique) {
                (CleanUp::All, true) => kept,
                (CleanUp::All, false) => layers + 1,
                _ => 0,
            };
            count(blobs) + u64::from(!push.unique)
        };
        let sizes = self.layer_sizes(push.images.set).unwrap_or_default();
        sizes.iter().map(|sizes| looks(sizes.len())).sum()
    }
}

impl SeedForecast {
    /// Each manifest is put with its blobs, of which each is asked for, opened and put; the blobs that belong to none are
    /// put with a manifest for each hundred of a repository.
    fn add_replay(&mut self, replay: &Replay, clean_up: CleanUp) {
        let sessions = &replay.sessions;
        let needs = sessions.needs();
        let mut images = count(needs.manifests.len());
        let of_manifests = needs.manifests.iter();
        let of_manifests =
            of_manifests.map(|it| sessions.manifests()[it.manifest as usize].blobs.len());
        let blobs = of_manifests.sum::<usize>() + needs.blobs.len();
        for alone in needs.blobs.chunk_by(|a, b| a.repository == b.repository) {
            images += count(alone.len()).div_ceil(100);
        }
        self.images += images;
        self.requests += images + 3 * count(blobs);
        self.bytes += sessions.seeded_bytes();
        if clean_up != CleanUp::None {
            self.looks += images;
        }
    }

    /// Each image has a repository of its own: its config and every layer is asked for, opened and put. A further tag
    /// is one `PUT`; an artifact is an image of one layer, and all of them have the same config. A SOCI index is one with a table
    /// for each layer that is large enough.
    fn add(&mut self, sizes: &[u64], extras: &Extras<'_>) {
        self.images += 1;
        self.requests += 3 * (count(sizes.len()) + 1) + 1;
        self.requests += extras.tags.saturating_sub(1);
        let artifacts: u64 = extras.artifacts.values().sum();
        if artifacts > 0 {
            self.requests += 5 * artifacts + 2;
        }
        // The same config again, unless it is the first.
        match extras.tables(sizes) {
            0 => {}
            tables => self.requests += 3 * tables + if artifacts > 0 { 2 } else { 4 },
        }
        self.bytes += sizes.iter().sum::<u64>();
    }
}

/// What seeding puts beside each image of a set.
#[derive(Debug, Default)]
struct Extras<'a> {
    tags: u64,
    artifacts: BTreeMap<&'a str, u64>, // by type
    soci: Option<SociLayers>,
}

impl Extras<'_> {
    /// How many tables the SOCI index of an image has.
    fn tables(&self, sizes: &[u64]) -> u64 {
        let has_table = |size: &&u64| self.soci.is_some_and(|it| it.has_table(**size));
        count(sizes.iter().filter(has_table).count())
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
