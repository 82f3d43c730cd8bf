//! `run --metrics`: how a run goes, for Prometheus. Fed from what the screen is fed from, on the main thread.

use std::net::SocketAddr;

use anyhow::anyhow;
use regstorm::engine;
use regstorm::exposition::Exposition;
use regstorm::measure::{Live, Period};
use regstorm::report::prometheus;

use crate::exit::{Exit, Failure, OrExit as _};

/// What is scraped, up to the moment.
pub(crate) struct Metrics {
    exposition: Exposition,
    load: String,
    generator: String,
}

impl Metrics {
    /// Listens, before anything is sent to the target.
    pub(crate) fn start(address: SocketAddr) -> Result<Self, Failure> {
        let exposition = Exposition::start(address)
            .map_err(|error| anyhow!("--metrics {address}: {error}"))
            .or_exit(Exit::Usage)?;
        let metrics = Self {
            exposition,
            load: prometheus::load(&Live::new()),
            generator: String::new(),
        };
        metrics.show(Period::Prepare);
        Ok(metrics)
    }

    /// Where they are, as a browser takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/metrics", self.exposition.address())
    }

    /// Shows how far the run has come.
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
                self.show(*period);
            }
            engine::Progress::CleaningUp => self.show(Period::CleanUp),
            // A trial has its own counts; until they come, the last ones stand.
            engine::Progress::Opening
            | engine::Progress::Waiting { .. }
            | engine::Progress::Ready { .. }
            | engine::Progress::Seeding(_) => {}
        }
    }

    fn show(&self, period: Period) {
        let text = [
            prometheus::period(period).as_str(),
            &self.load,
            &self.generator,
        ]
        .concat();
        self.exposition.set(text);
    }
}
