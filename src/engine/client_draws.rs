//! Which client of its journey an iteration is, where there are several.
//!
//! Connections and tokens belong to a client, so a user that numbers its own iterations is one client for the whole run. How many
//! users each client has follows from the weights, which users these are from the seed. Where the load numbers its iterations
//! (arrivals, and what users share), the client is drawn by the weights from that number, whichever user takes it: clients that
//! are busy for longer do not get fewer of them, and the load is the same on any number of workers and shards.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::choice::{apart, stir};
use super::iteration_id::IterationId;
use crate::plan::{Journey, Load, Plan};

/// Sets these draws apart from all others of an iteration.
const CLIENT: u64 = 0x636c_6965_6e74; // "client"

/// Which client an iteration is, by load and by place in the mix.
#[derive(Debug, Clone)]
pub(super) struct ClientDraws {
    loads: Vec<OfLoad>,
}

#[derive(Debug, Clone)]
struct OfLoad {
    /// Where users number their iterations: the load's first user of the run, and the rank of each of its users.
    users: Option<(u64, Vec<u32>)>,
    /// By place in the mix: where the ranks of each client end, or its share of what is drawn. Empty for one client.
    ends: Vec<Vec<u64>>,
}

impl ClientDraws {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut first = 0;
        let mut loads = Vec::with_capacity(plan.loads.len());
        for (index, load) in plan.loads.iter().enumerate() {
            loads.push(OfLoad::new(plan, (index, load), first));
            if !load.executor.is_open() {
                first += u64::from(load.executor.vus());
            }
        }
        Self { loads }
    }

    /// Returns the client of an iteration, by its place in the journey at that place of the load's mix.
    pub(super) fn client(&self, seed: u64, load: usize, share: usize, id: IterationId) -> usize {
        let of = &self.loads[load];
        let ends = &of.ends[share];
        let Some(all) = ends.last() else {
            return 0;
        };
        let point = match (&of.users, id.user()) {
            (Some((first, ranks)), Some(vu)) => {
                let user = usize::try_from(vu.saturating_sub(*first)).unwrap_or(usize::MAX);
                ranks.get(user).copied().map_or(0, u64::from)
            }
            _ => apart(seed, id, CLIENT) % all,
        };
        ends.partition_point(|end| *end <= point)
            .min(ends.len() - 1)
    }
}

impl OfLoad {
    fn new(plan: &Plan, (index, load): (usize, &Load), first: u64) -> Self {
        let journeys = || load.mix.iter().map(|share| &plan.journeys[share.journey]);
        let has_several = journeys().any(|journey| journey.clients.len() > 1);
        let vus = load.executor.vus();
        let by_user = !load.numbers_iterations();
        let ends = |journey: &Journey| {
            let sizes: Vec<u32> = match journey.clients.len() {
                1 => Vec::new(),
                _ if by_user => journey.users(vus),
                _ => journey.clients.iter().map(|client| client.weight).collect(),
            };
            let mut end = 0;
            let ends = sizes.into_iter().map(|size| {
                end += u64::from(size);
                end
            });
            ends.collect()
        };
        Self {
            ends: journeys().map(ends).collect(),
            users: by_user.then(|| {
                let ranks = if has_several {
                    ranks(plan.seed, index, vus)
                } else {
                    Vec::new()
                };
                (first, ranks)
            }),
        }
    }
}

/// Returns the ranks of so many users, in an order that follows from the seed: the users of one client are then no neighbours,
/// which start with neighbouring images.
fn ranks(seed: u64, load: usize, users: u32) -> Vec<u32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(stir(stir(seed ^ CLIENT) ^ load as u64));
    let mut ranks: Vec<u32> = (0..users).collect();
    for last in (1..ranks.len()).rev() {
        ranks.swap(last, random.random_range(0..=last));
    }
    ranks
}
