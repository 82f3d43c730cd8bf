//! What a plan will ask of a registry: iterations, requests, bytes and connections, before the first is sent.

use std::collections::BTreeSet;

use super::{
    Action, ConnectionPolicy, Executor, ImageSource, Journey, Load, Plan, Push, PushMethod, mean,
};
use crate::content::SyntheticSpec;
use crate::oci::Operation;

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
    /// Bytes of layers that come from the registry; exact for fixed sizes, a mean for others.
    pub bytes_down: Option<f64>,
    /// Bytes of layers that go to the registry.
    pub bytes_up: Option<f64>,
}

/// What a load comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadForecast {
    /// Virtual users.
    pub vus: u32,
    /// Iterations; `None` where time decides.
    pub iterations: Option<u64>,
    /// Requests of one iteration, the mean of the mix; `None` where a journey's are not known.
    pub requests_per_iteration: Option<f64>,
    /// Bytes down of one iteration, the mean of the mix.
    pub bytes_down_per_iteration: Option<f64>,
    /// Bytes up of one iteration, the mean of the mix.
    pub bytes_up_per_iteration: Option<f64>,
    /// The most connections of its users.
    pub connections: u64,
}

/// What is pushed before the measurement: each blob once, with a `HEAD`, a `POST` and a `PUT`.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedForecast {
    /// Images that are known in number.
    pub images: u64,
    /// Requests for these.
    pub requests: u64,
    /// Bytes of their layers; a mean where sizes vary.
    pub bytes: f64,
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
        let ImageSource::Synthetic(spec) = &self.images[journey.images].source else {
            return JourneyForecast {
                name,
                requests: None,
                bytes_down: None,
                bytes_up: None,
            };
        };
        let bytes = f64::from(spec.layers) * mean::of(&spec.layer_size);
        let (requests, down, up) = match &journey.action {
            Action::Pull(_) => (pull_requests(spec), bytes, 0.0),
            Action::Push(push) => {
                let up = if push.mount_from.is_some() {
                    0.0
                } else {
                    bytes
                };
                (push_requests(spec, push), 0.0, up)
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
        let mean = |of: &dyn Fn(&JourneyForecast) -> Option<f64>| {
            let parts = load
                .mix
                .iter()
                .map(|share| Some(of(&journeys[share.journey])? * f64::from(share.weight)));
            parts.sum::<Option<f64>>().map(|sum| sum / weights)
        };
        let iterations = match load.executor {
            Executor::ConstantVus { .. } => None,
            Executor::PerVuIterations {
                vus, iterations, ..
            } => Some(iterations.saturating_mul(vus.into())),
            Executor::SharedIterations { iterations, .. } => Some(iterations),
        };
        LoadForecast {
            vus: load.executor.vus(),
            iterations,
            requests_per_iteration: mean(&JourneyForecast::total_requests),
            bytes_down_per_iteration: mean(&|journey| journey.bytes_down),
            bytes_up_per_iteration: mean(&|journey| journey.bytes_up),
            connections: self.load_connections(load),
        }
    }

    /// A user has a connection for each blob in flight; a pool is as large as it is, however many draw from it.
    fn load_connections(&self, load: &Load) -> u64 {
        let of_user = load.mix.iter().map(|share| {
            let journey = &self.journeys[share.journey];
            match journey.connections {
                ConnectionPolicy::Shared { .. } => 0,
                _ => count(journey.parallel.get()),
            }
        });
        let own = of_user.max().unwrap_or(0) * u64::from(load.executor.vus());
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
            bytes: 0.0,
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
                ImageSource::Synthetic(spec) => forecast.add(spec),
                ImageSource::Archive { .. } => forecast.archives += 1,
                ImageSource::Existing(_) => {}
            }
        }
        forecast
    }
}

impl SeedForecast {
    fn add(&mut self, spec: &SyntheticSpec) {
        let images = u64::from(spec.count);
        let own = u64::from(spec.layers - spec.shared_base_layers.min(spec.layers));
        let shared = u64::from(spec.layers) - own;
        let blobs = images * (own + 1) + shared;
        self.images += images;
        // A HEAD for each blob of each image, two requests for each that is new, and the manifests.
        self.requests += images * (u64::from(spec.layers) + 1) + 2 * blobs + images;
        let lowest = mean::of_lowest(&spec.layer_size, spec.shared_base_layers);
        let base = f64::from(spec.shared_base_layers) * lowest;
        let image = f64::from(spec.layers) * mean::of(&spec.layer_size);
        self.bytes += base + f64::from(spec.count) * (image - base);
    }
}

/// The manifest by its tag, then by its digest, the config and the layers.
fn pull_requests(spec: &SyntheticSpec) -> Vec<(Operation, f64)> {
    vec![
        (Operation::ManifestHead, 1.0),
        (Operation::ManifestGet, 1.0),
        (Operation::BlobGet, f64::from(spec.layers) + 1.0),
    ]
}

/// The layers and the config, then the manifest.
fn push_requests(spec: &SyntheticSpec, push: &Push) -> Vec<(Operation, f64)> {
    let layers = f64::from(spec.layers);
    let blobs = layers + 1.0;
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
                // A config fits into one part.
                let parts = parts_of_layers(spec, size) + 1.0;
                requests.push((Operation::UploadPatch, parts));
            }
            PushMethod::Post | PushMethod::Put => {}
        }
        requests.push((Operation::UploadPut, blobs));
    }
    requests.push((Operation::ManifestPut, 1.0));
    requests
}

/// Exact where the sizes are; where they vary, a layer is taken to be as large as the mean.
fn parts_of_layers(spec: &SyntheticSpec, part: crate::units::ByteSize) -> f64 {
    use crate::content::SizeSpec;
    let part = mean::of(&SizeSpec::Fixed(part));
    let parts = |size: f64| (size / part).ceil().max(1.0);
    match &spec.layer_size {
        SizeSpec::PerLayer(sizes) => sizes
            .iter()
            .map(|size| parts(mean::of(&SizeSpec::Fixed(*size))))
            .sum(),
        sizes => f64::from(spec.layers) * parts(mean::of(sizes)),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
