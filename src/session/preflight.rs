//! What a plan needs of the machine, before anything is sent.

use crate::engine;
use crate::health::{Demand, Limits, Problem, Route};
use crate::plan::{ConnectionPolicy, Place, Plan};

/// Descriptors that a run needs beside its connections: files, event loops, standard streams.
const OTHER_DESCRIPTORS: u64 = 128;

/// Memory of this process without workers: the program, its threads, the pool of synthetic layers, the report at the end.
const PROCESS_BYTES: u64 = 24_064 << 10;
/// Memory of a worker without users: its thread, its event loop, its part of the heap, and counters.
const WORKER_BYTES: u64 = 420 << 10;
/// What a worker with users takes beside that: buffers of bodies, spare blocks for latencies, and a few blocks for each of some
/// hundred histograms.
const BUSY_WORKER_BYTES: u64 = 2_100 << 10;
/// What each planned histogram adds to that, most of which have few values or none.
const HISTOGRAM_BYTES: u64 = 512;
/// Memory of a virtual user without connections (9,900 that wait for arrivals took 57 MB in all).
const BYTES_PER_VU: u64 = 2_500;
/// Memory of a connection, most of which are hyper's buffers, and two blocks of 32 requests each of the channel between it and its user:
/// the second one comes with the 33rd request (10,000 connections took 298 MB in all before, and 416 MB behind it).
const BYTES_PER_CONNECTION: u64 = 36 << 10;

/// Memory of a manifest of a replay, as it is sent and as it is seeded, and of each blob that it names (79,000 manifests, most of
/// them with one blob, took 299 MiB with all blobs).
const BYTES_PER_MANIFEST: u64 = 2_560;
const BYTES_PER_ENTRY: u64 = 640;
/// Memory of a blob of a replay, with its digest; its content is made anew whenever it is sent.
const BYTES_PER_BLOB: u64 = 320;
/// Memory of the time at which a thing was stored that a replay stores.
const BYTES_PER_STORE: u64 = 8;

/// How long an iteration of an open load is taken to last: its rate then tells how many users are busy at once.
const ITERATION_SECONDS: f64 = 0.1;

/// Returns what of a plan does not fit into these limits: connections, ports or memory.
pub fn preflight(plan: &Plan, mut limits: Limits) -> Vec<Problem> {
    // Each pair of a source and an endpoint has all ports for itself.
    let addresses = &plan.target.addresses;
    let ways = addresses.source_ips.len().max(1) * addresses.connect_to.len().max(1);
    limits.ports = limits.ports.map(|it| it.saturating_mul(ways as u64));
    demand(plan).problems(&limits)
}

fn demand(plan: &Plan) -> Demand {
    let forecast = plan.forecast();
    // The other ends of the connections are in this process, too, when the registry is.
    let (ends, route) = match &plan.target.place {
        Place::Embedded(_) => (2, Route::Loopback),
        Place::Url(url) => match url.host_str() {
            Some("localhost" | "127.0.0.1" | "[::1]") => (1, Route::Loopback),
            _ => (1, Route::Network),
        },
    };
    let vus: u64 = plan
        .loads
        .iter()
        .map(|load| u64::from(load.executor.vus()))
        .sum();
    Demand {
        connections: forecast.connections,
        descriptors_per_connection: ends,
        other_descriptors: OTHER_DESCRIPTORS,
        new_connections_per_s: new_connections(plan),
        route,
        vus,
        bytes_per_vu: BYTES_PER_VU
            + busy_connections(plan) * ends * BYTES_PER_CONNECTION / vus.max(1),
        other_bytes: PROCESS_BYTES + worker_bytes(plan, vus),
        replay_bytes: replay_bytes(plan),
    }
}

/// Returns the memory of the content of replays. Their requests are in memory already: the plan has them.
fn replay_bytes(plan: &Plan) -> u64 {
    let bytes = plan.replays().map(|replay| {
        let sessions = &replay.sessions;
        let manifests = sessions.manifests();
        let entries: usize = manifests.iter().map(|it| it.blobs.len()).sum();
        manifests.len() as u64 * BYTES_PER_MANIFEST
            + entries as u64 * BYTES_PER_ENTRY
            + sessions.blobs().len() as u64 * BYTES_PER_BLOB
            + sessions.fresh().count() as u64 * BYTES_PER_STORE
    });
    bytes.sum()
}

/// Returns the memory of all workers. Those that have no user record nothing.
fn worker_bytes(plan: &Plan, vus: u64) -> u64 {
    let workers = plan.workers.get() as u64;
    let histograms = engine::catalogue(plan).histograms() as u64;
    let busy = BUSY_WORKER_BYTES + histograms * HISTOGRAM_BYTES;
    workers * WORKER_BYTES + workers.min(vus) * busy
}

/// Returns how many connections are to be expected at once: those of all users of a closed load, and of as many of an open
/// load as arrive during an iteration. Most users that `max_vus` allows are idle.
fn busy_connections(plan: &Plan) -> u64 {
    let forecast = plan.forecast();
    let loads = forecast.loads.iter().map(|load| {
        let vus = u64::from(load.vus);
        let busy = load
            .peak_rate
            .map_or(vus, |rate| vus.min(whole(rate * ITERATION_SECONDS)));
        load.connections.saturating_mul(busy) / vus.max(1)
    });
    loads.sum()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates, and a rate is never negative"
)]
fn whole(rate: f64) -> u64 {
    rate.ceil() as u64
}

/// Returns the new connections per second, where a schedule says how many iterations there are.
fn new_connections(plan: &Plan) -> u64 {
    let forecast = plan.forecast();
    let mut all = 0.0;
    for (load, sums) in plan.loads.iter().zip(&forecast.loads) {
        let Some(rate) = sums.peak_rate else { continue };
        let weights: f64 = load.mix.iter().map(|share| f64::from(share.weight)).sum();
        for share in &load.mix {
            let journey = &plan.journeys[share.journey];
            for (place, client) in journey.clients.iter().enumerate() {
                let asked = forecast.journeys[share.journey].of_client(place);
                let each = match client.habits.connections {
                    ConnectionPolicy::PerRequest => asked.total_requests().unwrap_or(1.0),
                    ConnectionPolicy::PerIteration => {
                        let parallel = journey.action.in_flight(&client.habits);
                        f64::from(u32::try_from(parallel).unwrap_or(u32::MAX))
                    }
                    ConnectionPolicy::PerVu | ConnectionPolicy::Shared { .. } => 0.0,
                };
                let of_load = f64::from(share.weight) / weights * journey.share(place);
                all += rate * each * of_load;
                if let Some(left) = client.habits.misbehave.leave_connections {
                    all += left.per_second(load.executor.vus(), rate * of_load);
                }
            }
        }
    }
    whole(all)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::path::Path;

    use super::*;
    use crate::plan;
    use crate::scenario::{self, Overrides};

    fn plan_of(load: &str, workers: usize) -> Plan {
        let toml = format!(
            "name = \"test\"\nworkers = {workers}\n[target]\nurl = \"http://127.0.0.1:1\"\n\
             [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"1KiB\"\n\
             [journey.poll]\naction = \"poll\"\nimages = \"web\"\n\
             [[load]]\njourney = \"poll\"\n{load}\n"
        );
        plan_of_toml(&toml)
    }

    fn plan_of_toml(toml: &str) -> Plan {
        let overrides = Overrides::default();
        let loaded = scenario::load(toml, "test.toml", Path::new(""), &overrides, &|_| None);
        let scenario = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
        plan::resolve(scenario, NonZeroUsize::MIN)
    }

    #[test]
    fn a_worker_costs_more_when_it_has_users() {
        let users = "executor = \"constant-vus\"\nvus = 8\nduration = \"1s\"";
        let other = |workers| demand(&plan_of(users, workers)).other_bytes;
        let busy = (other(8) - other(1)) / 7;
        assert!(busy > BUSY_WORKER_BYTES, "{busy}");
        // Eight users live on eight workers; 56 others have nothing to do.
        assert_eq!(other(64) - other(8), 56 * WORKER_BYTES);
        assert!(busy < 4 << 20, "{busy}");
    }

    #[test]
    fn the_content_of_a_replay_costs_by_what_is_in_it() {
        let of = |load: &str| demand(&plan_of(load, 1)).replay_bytes;
        assert_eq!(
            of("executor = \"constant-vus\"\nvus = 8\nduration = \"1s\""),
            0
        );
        let replay = plan_of_toml(
            "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
             [journey.day]\naction = \"replay\"\ntrace = \"@sample\"\n\
             [[load]]\njourney = \"day\"\nexecutor = \"replay\"\nmax_vus = 1\n",
        );
        let bytes = demand(&replay).replay_bytes;
        // Some hundred blobs and some thirty manifests: less than a hundred kilobytes each, and not nothing.
        assert!((50_000..1_000_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn users_that_may_be_needed_cost_less_than_those_that_are() {
        let of = |load: &str| {
            let demand = demand(&plan_of(load, 1));
            demand.vus * demand.bytes_per_vu
        };
        // A poll needs one connection: 300 * 2,500 bytes, and 3 connections of 36 KiB; the mean is cut to whole bytes.
        let open =
            of("executor = \"constant-arrival-rate\"\nrate = 30\nduration = \"1s\"\nmax_vus = 300");
        assert_eq!(open / 1000, (300 * 2_500 + 3 * 36 * 1024) / 1000);
        let closed = of("executor = \"constant-vus\"\nvus = 300\nduration = \"1s\"");
        assert_eq!(closed, 300 * (2_500 + 36 * 1024));
    }
}
