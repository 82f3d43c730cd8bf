//! `run --metrics`: how a run goes, for Prometheus. Fed from what the screen is fed from, on the main thread.

use std::collections::BTreeMap;

use regstorm::engine;
use regstorm::measure::{Live, Period};
use regstorm::report::prometheus;
use regstorm::telemetry::{Number, Update};

/// What is scraped, up to the moment.
pub(crate) struct Metrics {
    period: Period,
    load: String,
    generator: String,
    server: BTreeMap<String, Vec<Number>>, // by source
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            period: Period::Prepare,
            load: prometheus::load(&Live::new()),
            generator: String::new(),
            server: BTreeMap::new(),
        }
    }

    /// Takes in how far the run has come.
    pub(crate) fn tell(&mut self, at: &engine::Progress<'_>) {
        match at {
            engine::Progress::Load {
                period,
                live,
                generator,
                ..
            } => {
                self.load = prometheus::load(live);
                self.generator = prometheus::generator(generator);
                self.period = *period;
            }
            engine::Progress::Auditing => self.period = Period::Audit,
            engine::Progress::CleaningUp => self.period = Period::CleanUp,
            engine::Progress::Telemetry(told) => {
                if let Update::Numbers(numbers) = &told.what {
                    self.server.insert(told.source.clone(), numbers.clone());
                }
            }
            // A trial has its own counts; until they come, the last ones stand.
            engine::Progress::Opening
            | engine::Progress::Waiting { .. }
            | engine::Progress::Ready { .. }
            | engine::Progress::Seeding(_)
            | engine::Progress::Hook(_) => {}
        }
    }

    pub(crate) fn text(&self) -> String {
        [
            prometheus::period(self.period).as_str(),
            &self.load,
            &self.generator,
            &prometheus::server(&self.server),
        ]
        .concat()
    }
}
