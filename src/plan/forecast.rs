//! What a plan will ask of a registry: iterations, requests, bytes and connections, before the first is sent.

use super::haste::Haste;
use super::seeding::SeedForecast;
use super::{Action, Journey, JourneyClient, Load, Plan, Replay};
use crate::oci::Operation;
use crate::scenario::Requests;
use crate::schedule::Spacing;

/// What a plan will ask of a registry.
///
/// Requests are those of the journeys. What the registry decides comes on top: tokens, retries, redirects, pages shorter
/// than asked for, fallbacks. Bytes are those of layers, and of tables beside them; manifests and configs come on top.
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
    /// The same by client, where the journey has several, of which the above is the mean by weight. Their names are those of
    /// the clients.
    pub clients: Vec<Self>,
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
    fn unknown(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            requests: None,
            bytes_down: None,
            bytes_up: None,
            haste: None,
            clients: Vec::new(),
        }
    }

    /// Returns the forecast of a client, by its place in the journey.
    pub fn of_client(&self, place: usize) -> &Self {
        self.clients.get(place).unwrap_or(self)
    }

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
        if let Action::Replay(replay) = &journey.action {
            return of_replay(&journey.name, replay);
        }
        let Some(sizes) = self.asked_sizes(journey) else {
            return JourneyForecast::unknown(&journey.name);
        };
        let clients: Vec<JourneyForecast> = journey
            .clients
            .iter()
            .map(|client| of_client(journey, client, &sizes))
            .collect();
        let mut forecast = match clients.as_slice() {
            [only] => only.clone(),
            several => mean_of(journey, several),
        };
        forecast.name.clone_from(&journey.name);
        forecast.haste = Haste::of(journey, &sizes);
        if clients.len() > 1 {
            forecast.clients = clients;
        }
        forecast
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

/// What one session of a replay asks for, on average. All clients send the same.
fn of_replay(name: &str, replay: &Replay) -> JourneyForecast {
    let all = replay.all_requests();
    let each = |of_all: u64| float(of_all) / float(count(replay.sessions.sessions().len()).max(1));
    let requests = all.counts().iter();
    JourneyForecast {
        requests: Some(requests.map(|(it, number)| (*it, each(*number))).collect()),
        bytes_down: Some(each(all.down)),
        bytes_up: Some(each(all.up)),
        ..JourneyForecast::unknown(name)
    }
}

/// What one iteration of a client asks for, on average over the images.
fn of_client(journey: &Journey, client: &JourneyClient, sizes: &[Vec<u64>]) -> JourneyForecast {
    let asked: Vec<Requests> = sizes
        .iter()
        .map(|it| journey.action.requests(&client.habits, it, sizes.len()))
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
        requests: Some(requests),
        bytes_down: Some(mean(&asked, |asked| asked.down)),
        bytes_up: Some(mean(&asked, |asked| asked.up)),
        ..JourneyForecast::unknown(client.profile.name)
    }
}

/// What one iteration asks for, on average over the clients of the journey.
fn mean_of(journey: &Journey, clients: &[JourneyForecast]) -> JourneyForecast {
    let weighted = |of: &dyn Fn(&JourneyForecast) -> Option<f64>| {
        let shares = clients.iter().enumerate();
        let parts = shares.map(|(place, it)| Some(of(it)? * journey.share(place)));
        parts.sum::<Option<f64>>()
    };
    let mut requests: Vec<(Operation, f64)> = Vec::new();
    for (operation, _) in clients
        .iter()
        .filter_map(|it| it.requests.as_ref())
        .flatten()
    {
        if requests.iter().all(|(it, _)| it != operation) {
            let of = |it: &JourneyForecast| {
                let counts = it.requests.as_ref()?.iter();
                Some(
                    counts
                        .filter(|(it, _)| it == operation)
                        .map(|(_, count)| count)
                        .sum(),
                )
            };
            requests.push((*operation, weighted(&of).unwrap_or_default()));
        }
    }
    JourneyForecast {
        requests: Some(requests),
        bytes_down: weighted(&|it| it.bytes_down),
        bytes_up: weighted(&|it| it.bytes_up),
        ..JourneyForecast::unknown(&journey.name)
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
