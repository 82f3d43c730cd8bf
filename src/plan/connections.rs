//! The connections that a plan opens at most.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::forecast::LoadForecast;
use super::{ConnectionPolicy, Journey, JourneyClient, Load, Plan};
use crate::exchange::HttpVersion;

impl Plan {
    /// A user has a connection for each blob in flight, or one for all over HTTP/2, and keeps those apart that are kept
    /// in another way; a pool is as large as it is, however many draw from it. A user that numbers its own iterations is one of the
    /// clients of a journey, any other user all of them.
    pub(super) fn load_connections(&self, load: &Load) -> u64 {
        let vus = load.executor.vus();
        let pools = load.mix.iter().map(|share| self.pool(share.journey));
        let left = self.left_connections(load).saturating_mul(vus.into());
        let pools: u64 = pools.sum::<u64>().saturating_add(left);
        if let ([share], false) = (load.mix.as_slice(), load.numbers_iterations()) {
            let journey = &self.journeys[share.journey];
            let users = journey.users(vus).into_iter().zip(&journey.clients);
            let own = users.map(|(users, client)| {
                let (kept, closed) = own(journey, client);
                (kept + closed).saturating_mul(users.into())
            });
            return own.fold(pools, u64::saturating_add);
        }
        let mut kept: Vec<(Way, u64)> = Vec::new();
        let mut closed = 0;
        for share in &load.mix {
            let journey = &self.journeys[share.journey];
            let needs = journey.clients.iter().map(|client| own(journey, client));
            let most = needs.clone().map(|(kept, _)| kept);
            let most: u64 = if load.numbers_iterations() {
                most.sum()
            } else {
                most.max().unwrap_or(0)
            };
            // While these come and go, those that another journey keeps stay open.
            closed = needs.map(|(_, closed)| closed).fold(closed, u64::max);
            let way = match journey.clients.as_slice() {
                [only] => Way::Habits(only.habits.max_idle, only.habits.http),
                _ => Way::Journey(share.journey),
            };
            match kept.iter_mut().find(|(it, _)| *it == way) {
                Some((_, so_far)) => *so_far = most.max(*so_far),
                None => kept.push((way, most)),
            }
        }
        let kept: u64 = kept.iter().map(|(_, most)| most).sum();
        let of_user: u64 = kept.saturating_add(closed);
        of_user.saturating_mul(vus.into()).saturating_add(pools)
    }

    /// The connections that a user of a load leaves at once, whichever of its journeys leave them.
    fn left_connections(&self, load: &Load) -> u64 {
        let clients = load
            .mix
            .iter()
            .flat_map(|share| &self.journeys[share.journey].clients);
        let left = clients.filter_map(|it| it.habits.misbehave.leave_connections);
        left.map(|it| count(it.count.get())).max().unwrap_or(0)
    }

    /// The connections of the pools of a journey, over all workers.
    fn pool(&self, journey: usize) -> u64 {
        let clients = self.journeys[journey].clients.iter();
        let pools = clients.map(|client| match client.habits.connections {
            ConnectionPolicy::Shared { pool_size } => {
                bounded(client, count(pool_size.get())) * count(self.workers.get())
            }
            _ => 0,
        });
        pools.sum()
    }

    /// Loads run side by side, and a journey's pool is one, whichever loads use it.
    pub(super) fn connections(&self, loads: &[LoadForecast]) -> u64 {
        let shares = || self.loads.iter().flat_map(|load| &load.mix);
        let every_time: u64 = shares().map(|share| self.pool(share.journey)).sum();
        let journeys: BTreeSet<usize> = shares().map(|share| share.journey).collect();
        let once: u64 = journeys.into_iter().map(|journey| self.pool(journey)).sum();
        let all = loads
            .iter()
            .fold(0_u64, |sum, load| sum.saturating_add(load.connections));
        all - every_time.min(all) + once
    }
}

/// How connections are kept that one user keeps apart from others.
#[derive(PartialEq)]
enum Way {
    Habits(Option<NonZeroUsize>, HttpVersion),
    /// Of a journey with several clients, which share none.
    Journey(usize),
}

/// The connections of one user that is this client: those that it keeps, and those that come and go.
fn own(journey: &Journey, client: &JourneyClient) -> (u64, u64) {
    let parallel = count(journey.action.in_flight(&client.habits));
    match client.habits.connections {
        ConnectionPolicy::Shared { .. } => (0, 0),
        ConnectionPolicy::PerRequest => (0, parallel),
        ConnectionPolicy::PerVu | ConnectionPolicy::PerIteration => (bounded(client, parallel), 0),
    }
}

/// One connection is enough where it is certain that it carries everything. What `auto` comes to is for the registry
/// to say.
fn bounded(client: &JourneyClient, connections: u64) -> u64 {
    match client.habits.http {
        HttpVersion::Http2 => 1,
        HttpVersion::Http1 | HttpVersion::Auto => connections,
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
