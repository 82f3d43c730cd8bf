//! The clients of journeys, counted over all journeys: settings, tokens and connections are of one of them.

use crate::plan::{Journey, JourneyClient, Plan};

/// The clients of the journeys of a plan, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Variants {
    firsts: Vec<usize>, // by journey
    all: Vec<Variant>,
}

/// One client of one journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant {
    /// The journey, by its place in the plan.
    pub(super) journey: usize,
    /// The client, by its place in the journey.
    pub(super) client: usize,
}

impl Variants {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut variants = Self {
            firsts: Vec::with_capacity(plan.journeys.len()),
            all: Vec::new(),
        };
        for (journey, it) in plan.journeys.iter().enumerate() {
            variants.firsts.push(variants.all.len());
            let clients = 0..it.clients.len();
            variants
                .all
                .extend(clients.map(|client| Variant { journey, client }));
        }
        variants
    }

    /// Returns the place of a client of a journey.
    pub(super) fn place(&self, variant: Variant) -> usize {
        self.firsts[variant.journey] + variant.client
    }

    /// Returns the client at a place.
    pub(super) fn at(&self, place: usize) -> Variant {
        self.all[place]
    }

    /// Returns all of them in their order.
    pub(super) fn all(&self) -> &[Variant] {
        &self.all
    }
}

impl Variant {
    pub(super) fn journey(self, plan: &Plan) -> &Journey {
        &plan.journeys[self.journey]
    }

    pub(super) fn client(self, plan: &Plan) -> &JourneyClient {
        &self.journey(plan).clients[self.client]
    }
}
