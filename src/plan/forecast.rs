//! What a plan will ask of a registry: iterations, requests, bytes and connections, before the first is sent.

use std::collections::BTreeSet;

use super::{Action, ConnectionPolicy, Executor, ImageSource, Journey, Load, Plan, Push};
use crate::content::SyntheticSet;
use crate::oci::{Operation, PushMethod};
use crate::schedule::Spacing;
use crate::units::Rate;

/// What a plan will ask of a registry.
///
/// Requests are those of the journeys. Pings, tokens, retries and redirects come on top, since they are the
/// registry's choice. Bytes are those of layers; manifests and configs come on top.
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
        let Some(sizes) = self.layer_sizes(journey.images) else {
            return JourneyForecast {
                name,
                requests: None,
                bytes_down: None,
                bytes_up: None,
            };
        };
        let bytes = mean(&sizes, |sizes| sizes.iter().sum());
        let (requests, down, up) = match &journey.action {
            Action::Pull(_) => (pull_requests(&sizes), bytes, 0.0),
            Action::Push(push) => {
                let up = if push.mount_from.is_some() {
                    0.0
                } else {
                    bytes
                };
                (push_requests(&sizes, push), 0.0, up)
            }
        };
        JourneyForecast {
            name,
            requests: Some(requests),
            bytes_down: Some(down),
            bytes_up: Some(up),
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
            peak_rate: peak_rate(load),
            requests_per_iteration: of_mix(&JourneyForecast::total_requests),
            bytes_down_per_iteration: of_mix(&|journey| journey.bytes_down),
            bytes_up_per_iteration: of_mix(&|journey| journey.bytes_up),
            connections: self.load_connections(load),
        }
    }

    /// A user has a connection for each blob in flight; a pool is as large as it is, however many draw from it.
    fn load_connections(&self, load: &Load) -> u64 {
        let (mut kept, mut closed) = (0, 0);
        for share in &load.mix {
            let journey = &self.journeys[share.journey];
            let parallel = count(journey.parallel.get());
            match journey.connections {
                ConnectionPolicy::Shared { .. } => {}
                // While these come and go, those that another journey keeps stay open.
                ConnectionPolicy::PerRequest => closed = parallel.max(closed),
                ConnectionPolicy::PerVu | ConnectionPolicy::PerIteration => {
                    kept = parallel.max(kept);
                }
            }
        }
        let of_user: u64 = kept.saturating_add(closed);
        let own = of_user.saturating_mul(load.executor.vus().into());
        let pools = load.mix.iter().map(|share| self.pool(share.journey));
        own.saturating_add(pools.sum())
    }

    /// The connections of the pools of a journey, over all workers.
    fn pool(&self, journey: usize) -> u64 {
        match self.journeys[journey].connections {
            ConnectionPolicy::Shared { pool_size } => {
                count(pool_size.get()) * count(self.workers.get())
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

    fn seeding(&self) -> SeedForecast {
        let mut forecast = SeedForecast {
            images: 0,
            requests: 0,
            bytes: 0,
            archives: 0,
        };
        if !self.prepare.seed {
            return forecast;
        }
        // Two journeys that pull a set from the same place need it there once.
        let places: BTreeSet<(usize, &str)> = self
            .loads
            .iter()
            .flat_map(|load| &load.mix)
            .map(|share| &self.journeys[share.journey])
            .filter(|journey| matches!(journey.action, Action::Pull(_)))
            .map(|journey| (journey.images, journey.repository.as_str()))
            .collect();
        for (set, _) in places {
            match &self.images[set].source {
                ImageSource::Synthetic(_) => {
                    for sizes in self.layer_sizes(set).iter().flatten() {
                        forecast.add(sizes);
                    }
                }
                ImageSource::Archive { .. } => forecast.archives += 1,
                ImageSource::Existing(_) => {}
            }
        }
        forecast
    }

    /// The sizes of the layers of each image of a set; `None` until they are read from an archive or a registry.
    fn layer_sizes(&self, set: usize) -> Option<Vec<Vec<u64>>> {
        let ImageSource::Synthetic(spec) = &self.images[set].source else {
            return None;
        };
        let drawn = SyntheticSet::new(spec.clone(), self.image_seed(set)).ok()?;
        let image = |index| drawn.layer_sizes(index).collect();
        Some((0..drawn.len()).map(image).collect())
    }
}

impl SeedForecast {
    /// Each image has a repository of its own: its config and every layer is asked for, opened and put.
    fn add(&mut self, sizes: &[u64]) {
        self.images += 1;
        self.requests += 3 * (count(sizes.len()) + 1) + 1;
        self.bytes += sizes.iter().sum::<u64>();
    }
}

/// The iterations that are due, where a number or a schedule decides.
fn planned(load: &Load) -> Option<u64> {
    let crew = load.executor.crew();
    match (load.executor.curve(load.warmup), crew.map(|it| it.arrival)) {
        (Some(curve), Some(Spacing::Poisson)) => Some(rounded(curve.expected())),
        (Some(curve), _) => Some(curve.planned()),
        (None, _) => load.executor.iterations(),
    }
}

/// The highest rate of a schedule, per second.
fn peak_rate(load: &Load) -> Option<f64> {
    match &load.executor {
        Executor::ConstantArrivalRate { rate, .. } => Some(rate.per_second()),
        Executor::RampingArrivalRate {
            start_rate, stages, ..
        } => {
            let targets = stages.iter().map(|stage| stage.target.per_second());
            Some(targets.fold(start_rate.per_second(), f64::max))
        }
        Executor::CapacitySearch(search) => search.max_rate.map(Rate::per_second),
        _ => None,
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
fn mean(images: &[Vec<u64>], of: impl Fn(&[u64]) -> u64) -> f64 {
    let all: u64 = images.iter().map(|sizes| of(sizes)).sum();
    float(all) / float(count(images.len()).max(1))
}

/// The manifest by its tag, then the config and the layers.
fn pull_requests(images: &[Vec<u64>]) -> Vec<(Operation, f64)> {
    vec![
        (Operation::ManifestGet, 1.0),
        (
            Operation::BlobGet,
            mean(images, |sizes| count(sizes.len()) + 1),
        ),
    ]
}

/// The layers and the config, then the manifest.
fn push_requests(images: &[Vec<u64>], push: &Push) -> Vec<(Operation, f64)> {
    let blobs = mean(images, |sizes| count(sizes.len()) + 1);
    let mut requests = Vec::new();
    if push.exists_check {
        requests.push((Operation::BlobHead, blobs));
    }
    if push.mount_from.is_some() {
        requests.push((Operation::UploadMount, blobs));
    } else if push.method == PushMethod::Post {
        requests.push((Operation::UploadPost, blobs));
    } else {
        requests.push((Operation::UploadStart, blobs));
        match push.method {
            PushMethod::Patch | PushMethod::PatchChunked => {
                requests.push((Operation::UploadPatch, blobs));
            }
            PushMethod::Chunks { size } => {
                // A config fits into one chunk.
                let chunks = |layer: &u64| layer.div_ceil(size.get().max(1));
                let all = mean(images, |sizes| sizes.iter().map(chunks).sum::<u64>() + 1);
                requests.push((Operation::UploadPatch, all));
            }
            PushMethod::Post | PushMethod::Put => {}
        }
        requests.push((Operation::UploadPut, blobs));
    }
    requests.push((Operation::ManifestPut, 1.0));
    requests
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
