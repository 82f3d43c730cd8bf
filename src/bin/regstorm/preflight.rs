//! What a plan needs of this machine, looked at before anything is sent.

use anyhow::anyhow;
use nix::sys::resource::{Resource, setrlimit};
use regstorm::engine;
use regstorm::health::{Demand, Limits, Route};
use regstorm::plan::{ConnectionPolicy, Place, Plan};

/// Descriptors that a run needs beside its connections: files, event loops, standard streams.
const OTHER_DESCRIPTORS: u64 = 128;

/// What a virtual user takes with its connections: 25 KiB with one that carries manifests (10,000 of them, `benches/peers`),
/// several times as much while blobs come, whose read buffers grow.
const BYTES_PER_VU: u64 = 64 * 1024;

/// Lets the process open as many files as the plan needs, and says so when something will not fit: the number that
/// does, and the setting to change.
pub(crate) fn check(plan: &Plan) -> anyhow::Result<()> {
    let demand = demand(plan);
    let mut limits = Limits::read();
    // Each pair of a source and an endpoint has all ports for itself.
    let addresses = &plan.target.addresses;
    let ways = addresses.source_ips.len().max(1) * addresses.connect_to.len().max(1);
    limits.ports = limits.ports.map(|it| it.saturating_mul(ways as u64));
    if let (Some(soft), Some(hard)) = (limits.open_files_soft, limits.open_files_hard)
        && soft < hard
    {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    let problems: Vec<String> = demand
        .problems(&limits)
        .iter()
        .map(ToString::to_string)
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(anyhow!("{}; nothing was sent", problems.join("; ")))
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
    let histograms = engine::catalogue(plan).empty_bytes() as u64;
    Demand {
        connections: forecast.connections,
        descriptors_per_connection: ends,
        other_descriptors: OTHER_DESCRIPTORS,
        new_connections_per_s: new_connections(plan),
        route,
        vus: plan
            .loads
            .iter()
            .map(|load| u64::from(load.executor.vus()))
            .sum(),
        bytes_per_vu: BYTES_PER_VU,
        // Only the pages that latencies fall into are touched: a tenth of them at the most.
        other_bytes: histograms / 10 * plan.workers.get() as u64,
    }
}

/// Connections that are newly made in a second, where a schedule tells how many iterations there are.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates, and a rate is never negative"
)]
fn new_connections(plan: &Plan) -> u64 {
    let forecast = plan.forecast();
    let mut all = 0.0;
    for (load, sums) in plan.loads.iter().zip(&forecast.loads) {
        let Some(rate) = sums.peak_rate else { continue };
        let weights: f64 = load.mix.iter().map(|share| f64::from(share.weight)).sum();
        for share in &load.mix {
            let journey = &plan.journeys[share.journey];
            let each = match journey.habits.connections {
                ConnectionPolicy::PerRequest => forecast.journeys[share.journey]
                    .total_requests()
                    .unwrap_or(1.0),
                ConnectionPolicy::PerIteration => {
                    f64::from(u32::try_from(journey.in_flight()).unwrap_or(u32::MAX))
                }
                ConnectionPolicy::PerVu | ConnectionPolicy::Shared { .. } => 0.0,
            };
            all += rate * each * f64::from(share.weight) / weights;
        }
    }
    all.ceil() as u64
}
