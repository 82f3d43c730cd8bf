//! What a plan will ask of a registry: iterations, requests, bytes and connections, before the first is sent.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::haste::Haste;
use super::seeding::SeedForecast;
use super::{ConnectionPolicy, Journey, Load, Plan};
use crate::exchange::HttpVersion;
use crate::oci::Operation;
use crate::scenario::Requests;
use crate::schedule::Spacing;

/// What a plan will ask of a registry.
///
/// Requests are those of the journeys. What the registry decides comes on top: tokens, retries, redirects, pages shorter
/// than asked for, fallbacks. Bytes are those of layers; manifests and configs come on top.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// What one iteration asks for, for each journey of the plan.
    pub journeys: Vec<JourneyForecast>,
    /// What each load of the plan comes to.
    pub loads: Vec<LoadForecast>,
    /// What is pushed before the measurement.
    pub seeding: SeedForecast,
    /// The most connections that are open at once.
    pub connections: u64,
}

/// What one iteration of a journey asks for.
///
/// A push is counted as if the registry had none of its blobs yet, or all of them where they are to be mounted.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyForecast {
    /// The name of the journey.
    pub name: String,
    /// Requests by operation; a mean where sizes vary. `None` until the images are read from their archive or
    /// their registry.
    pub requests: Option<Vec<(Operation, f64)>>,
    /// Bytes of layers that come from the registry; the mean of the set's images.
    pub bytes_down: Option<f64>,
    /// Bytes of layers that go to the registry.
    pub bytes_up: Option<f64>,
    /// Its largest iteration, if that cannot end in time.
    pub haste: Option<Haste>,
}

/// What a load comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadForecast {
    /// Virtual users, the most there are.
    pub vus: u32,
    /// Iterations, those of the warm-up included; with random arrivals, those to be expected. `None` where the time
    /// that they take decides.
    pub iterations: Option<u64>,
    /// The highest rate of iterations, per second; `None` where the time that they take decides.
    pub peak_rate: Option<f64>,
    /// Requests of one iteration, the mean of the mix; `None` where a journey's are not known.
    pub requests_per_iteration: Option<f64>,
    /// Bytes down of one iteration, the mean of the mix.
    pub bytes_down_per_iteration: Option<f64>,
    /// Bytes up of one iteration, the mean of the mix.
    pub bytes_up_per_iteration: Option<f64>,
    /// The most connections of its users.
    pub connections: u64,
}

impl JourneyForecast {
    /// All requests of one iteration.
    pub fn total_requests(&self) -> Option<f64> {
        let requests = self.requests.as_ref()?;
        Some(requests.iter().map(|(_, count)| count).sum())
    }
}

impl Plan {
    /// What the plan will ask of a registry.
    pub fn forecast(&self) -> Forecast {
        let journeys: Vec<JourneyForecast> = self
            .journeys
            .iter()
            .map(|journey| self.journey_forecast(journey))
            .collect();
        let loads: Vec<LoadForecast> = self
            .loads
            .iter()
            .map(|load| self.load_forecast(load, &journeys))
            .collect();
        Forecast {
            connections: self.connections(&loads),
            seeding: self.seeding(),
            journeys,
            loads,
        }
    }

    fn journey_forecast(&self, journey: &Journey) -> JourneyForecast {
        let name = journey.name.clone();
        let Some(sizes) = self.asked_sizes(journey) else {
            return JourneyForecast {
                name,
                requests: None,
                bytes_down: None,
                bytes_up: None,
                haste: None,
            };
        };
        let asked: Vec<Requests> = sizes
            .iter()
            .map(|it| journey.action.requests(&journey.habits, it, sizes.len()))
            .collect();
        let mut requests: Vec<(Operation, f64)> = Vec::new();
        for operation in asked.iter().flat_map(Requests::counts).map(|(it, _)| *it) {
            if requests.iter().all(|(it, _)| *it != operation) {
                let of = |asked: &Requests| {
                    let counts = asked.counts().iter();
                    counts
                        .filter(|(it, _)| *it == operation)
                        .map(|(_, count)| count)
                        .sum()
                };
                requests.push((operation, mean(&asked, of)));
            }
        }
        JourneyForecast {
            name,
            requests: Some(requests),
            bytes_down: Some(mean(&asked, |asked| asked.down)),
            bytes_up: Some(mean(&asked, |asked| asked.up)),
            haste: Haste::of(journey, &sizes),
        }
    }

    fn load_forecast(&self, load: &Load, journeys: &[JourneyForecast]) -> LoadForecast {
        let weights: f64 = load.mix.iter().map(|share| f64::from(share.weight)).sum();
        let of_mix = |of: &dyn Fn(&JourneyForecast) -> Option<f64>| {
            let parts = load
                .mix
                .iter()
                .map(|share| Some(of(&journeys[share.journey])? * f64::from(share.weight)));
            parts.sum::<Option<f64>>().map(|sum| sum / weights)
        };
        LoadForecast {
            vus: load.executor.vus(),
            iterations: planned(load),
            peak_rate: load.executor.peak_rate(),
            requests_per_iteration: of_mix(&JourneyForecast::total_requests),
            bytes_down_per_iteration: of_mix(&|journey| journey.bytes_down),
            bytes_up_per_iteration: of_mix(&|journey| journey.bytes_up),
            connections: self.load_connections(load),
        }
    }

    /// A user has a connection for each blob in flight, or one for all over HTTP/2, and keeps those apart that are kept
    /// in another way; a pool is as large as it is, however many draw from it.
    fn load_connections(&self, load: &Load) -> u64 {
        let mut kept: Vec<((Option<NonZeroUsize>, HttpVersion), u64)> = Vec::new();
        let mut closed = 0;
        for share in &load.mix {
            let journey = &self.journeys[share.journey];
            let (habits, parallel) = (&journey.habits, count(journey.in_flight()));
            match habits.connections {
                ConnectionPolicy::Shared { .. } => {}
                // While these come and go, those that another journey keeps stay open.
                ConnectionPolicy::PerRequest => closed = parallel.max(closed),
                ConnectionPolicy::PerVu | ConnectionPolicy::PerIteration => {
                    let (way, most) = ((habits.max_idle, habits.http), bounded(journey, parallel));
                    match kept.iter_mut().find(|(it, _)| *it == way) {
                        Some((_, so_far)) => *so_far = most.max(*so_far),
                        None => kept.push((way, most)),
                    }
                }
            }
        }
        let kept: u64 = kept.iter().map(|(_, most)| most).sum();
        let of_user: u64 = kept.saturating_add(closed);
        let own = of_user.saturating_mul(load.executor.vus().into());
        let pools = load.mix.iter().map(|share| self.pool(share.journey));
        own.saturating_add(pools.sum())
    }

    /// The connections of the pools of a journey, over all workers.
    fn pool(&self, journey: usize) -> u64 {
        match self.journeys[journey].habits.connections {
            ConnectionPolicy::Shared { pool_size } => {
                bounded(&self.journeys[journey], count(pool_size.get())) * count(self.workers.get())
            }
            _ => 0,
        }
    }

    /// Loads run side by side, and a journey's pool is one, whichever loads use it.
    fn connections(&self, loads: &[LoadForecast]) -> u64 {
        let shares = || self.loads.iter().flat_map(|load| &load.mix);
        let every_time: u64 = shares().map(|share| self.pool(share.journey)).sum();
        let journeys: BTreeSet<usize> = shares().map(|share| share.journey).collect();
        let once: u64 = journeys.into_iter().map(|journey| self.pool(journey)).sum();
        let all = loads
            .iter()
            .fold(0_u64, |sum, load| sum.saturating_add(load.connections));
        all - every_time.min(all) + once
    }

    /// The sizes of the layers of each image of a journey. Where its requests do not depend on them, they need not be
    /// known.
    fn asked_sizes(&self, journey: &Journey) -> Option<Vec<Vec<u64>>> {
        let known = journey
            .images()
            .and_then(|images| self.layer_sizes(images.set));
        if journey.action.moves_layers() {
            return known;
        }
        known.or_else(|| Some(vec![Vec::new()]))
    }
}

/// One connection is enough where it is certain that it carries everything. What `auto` comes to is for the registry
/// to say.
fn bounded(journey: &Journey, connections: u64) -> u64 {
    match journey.habits.http {
        HttpVersion::Http2 => 1,
        HttpVersion::Http1 | HttpVersion::Auto => connections,
    }
}

/// The iterations that are due, where a number or a schedule decides.
fn planned(load: &Load) -> Option<u64> {
    let pool = load.executor.pool();
    match (load.executor.curve(load.warmup), pool.map(|it| it.arrival)) {
        (Some(curve), Some(Spacing::Poisson)) => Some(rounded(curve.expected())),
        (Some(curve), _) => Some(curve.planned()),
        (None, _) => load.executor.iterations(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and a number of arrivals is never negative"
)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

/// What one image costs, averaged over the images of a set.
fn mean(images: &[Requests], of: impl Fn(&Requests) -> u64) -> f64 {
    let all: u64 = images.iter().map(of).sum();
    float(all) / float(count(images.len()).max(1))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a forecast is shown with three digits"
)]
const fn float(number: u64) -> f64 {
    number as f64
}
