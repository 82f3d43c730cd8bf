//! Which series an iteration belongs to: one for each client of each journey in each stage of each load, known before the run.

use std::time::Duration;

use crate::measure::{Catalogue, Track, TrackId};
use crate::plan::{self, Plan};
use crate::schedule::{Span, stage_at};

/// The tracks of a plan, found by load, stage, place in the mix and client.
#[derive(Debug, Clone)]
pub(super) struct Tracks {
    loads: Vec<OfLoad>,
}

#[derive(Debug, Clone)]
struct OfLoad {
    first: usize,
    clients: usize,     // of all journeys of the mix
    shares: Vec<usize>, // the clients of the journeys before each, in the mix
    stages: Vec<Span>,  // since the load's first measured iteration
}

impl Tracks {
    /// Returns the places of a plan's tracks, and the catalogue with them.
    pub(super) fn of(plan: &Plan) -> (Self, Catalogue) {
        let catalogue = journeys(plan);
        let mut tracks = Vec::new();
        let mut loads = Vec::with_capacity(plan.loads.len());
        for load in &plan.loads {
            let stages = load.stages();
            let journeys = || load.mix.iter().map(|share| &plan.journeys[share.journey]);
            let mut clients = 0;
            let shares = journeys().map(|journey| {
                clients += journey.clients.len();
                clients - journey.clients.len()
            });
            loads.push(OfLoad {
                first: tracks.len(),
                shares: shares.collect(),
                clients,
                stages: stages.iter().map(|stage| stage.span).collect(),
            });
            for stage in stages {
                for share in &load.mix {
                    let journey = catalogue.journey(share.journey);
                    let clients = &plan.journeys[share.journey].clients;
                    tracks.extend(clients.iter().filter_map(|client| {
                        Some(Track {
                            journey: journey?,
                            load: load.name.clone(),
                            stage: stage.name.to_owned(),
                            client: (clients.len() > 1).then(|| client.profile.name.to_owned()),
                        })
                    }));
                }
            }
        }
        (Self { loads }, catalogue.with_tracks(tracks))
    }

    /// Returns the stage of a load at that time since its first measured iteration; what is later belongs to the last.
    pub(super) fn stage(&self, load: usize, at: Duration) -> usize {
        stage_at(&self.loads[load].stages, at)
    }

    /// Returns the track of a client of a journey, by the place of the journey in the load's mix and its own in the journey.
    pub(super) fn track(
        &self,
        catalogue: &Catalogue,
        (load, stage): (usize, usize),
        (share, client): (usize, usize),
    ) -> TrackId {
        let of = &self.loads[load];
        let track = catalogue.track(of.first + stage * of.clients + of.shares[share] + client);
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
