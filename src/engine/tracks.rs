//! Which series an iteration belongs to: one for each journey in each stage of each load, known before the run.

use std::time::Duration;

use crate::measure::{Catalogue, Track, TrackId};
use crate::plan::{self, Plan};
use crate::schedule::{Span, stage_at};

/// The tracks of a plan, found by load, stage and place in the mix.
#[derive(Debug, Clone)]
pub(super) struct Tracks {
    loads: Vec<OfLoad>,
}

#[derive(Debug, Clone)]
struct OfLoad {
    first: usize,
    mix: usize,
    stages: Vec<Span>, // since the load's first measured iteration
}

impl Tracks {
    /// Returns the places of a plan's tracks, and the catalogue with them.
    pub(super) fn of(plan: &Plan) -> (Self, Catalogue) {
        let catalogue = journeys(plan);
        let mut tracks = Vec::new();
        let mut loads = Vec::with_capacity(plan.loads.len());
        for load in &plan.loads {
            let stages = load.stages();
            loads.push(OfLoad {
                first: tracks.len(),
                mix: load.mix.len(),
                stages: stages.iter().map(|stage| stage.span).collect(),
            });
            for stage in stages {
                tracks.extend(load.mix.iter().filter_map(|share| {
                    Some(Track {
                        journey: catalogue.journey(share.journey)?,
                        load: load.name.clone(),
                        stage: stage.name.to_owned(),
                    })
                }));
            }
        }
        (Self { loads }, catalogue.with_tracks(tracks))
    }

    /// Returns the stage of a load at that time since its first measured iteration; what is later belongs to the last.
    pub(super) fn stage(&self, load: usize, at: Duration) -> usize {
        stage_at(&self.loads[load].stages, at)
    }

    /// Returns the track of a journey, by its place in the load's mix.
    pub(super) fn track(
        &self,
        catalogue: &Catalogue,
        load: usize,
        stage: usize,
        share: usize,
    ) -> TrackId {
        let of = &self.loads[load];
        let track = catalogue.track(of.first + stage * of.mix + share);
        track.expect("the catalogue has every track of the plan")
    }
}

/// Returns the series of a plan's record: its journeys in all their stages, which views choose from.
pub fn catalogue(plan: &Plan) -> Catalogue {
    Tracks::of(plan).1
}

/// Returns the operations that each journey will use, so that their histograms are there before the first response.
fn journeys(plan: &Plan) -> Catalogue {
    let journeys = plan
        .journeys
        .iter()
        .map(|journey| (journey.name.clone(), plan::operations(journey)));
    Catalogue::new(journeys.collect())
}
