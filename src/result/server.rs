//! The numbers of the target's side of a run, made of what was read of it and what the load did.

use super::{Document, ShardPart, UpstreamSection};
use crate::telemetry::{self, Journey, ServerFigure, ServerMetric, Telemetry, Work};

impl Document {
    /// Sets what was read of the target, and the numbers that are made of it.
    pub fn set_telemetry(&mut self, telemetry: Telemetry) {
        self.telemetry = Some(telemetry);
        self.derive_server();
    }

    /// Sets what was fetched from the upstream, and the number that is made of it.
    pub fn set_upstream(&mut self, upstream: UpstreamSection) {
        self.upstream = Some(upstream);
        self.derive_server();
    }

    /// Makes it the document of one shard, which did a part of what the target used its processor for.
    pub fn set_shard(&mut self, part: ShardPart) {
        self.shard = Some(part);
        self.derive_server();
    }

    /// Returns a number of the target's side; `None` if no source gave it.
    pub fn server_figure(&self, metric: &ServerMetric) -> Option<&ServerFigure> {
        self.server.iter().find(|it| it.is_of(metric))
    }

    /// Makes the numbers of the target's side anew.
    pub(super) fn derive_server(&mut self) {
        let telemetry = self.telemetry.as_ref();
        let figures = telemetry.map(|it| telemetry::figures(it, &self.work()));
        self.server = figures.unwrap_or_default();
        self.server
            .extend(self.upstream.as_ref().map(UpstreamSection::figure));
        if self.shard.is_some() {
            // A shard knows what the target used for all of them, and did itself only a part of it.
            self.server
                .retain(|it| !it.metric.name().starts_with("cpu_per_"));
            return;
        }
        let thresholds = self.thresholds.iter_mut();
        let mut server = thresholds
            .filter(|it| it.metric.load().is_none())
            .peekable();
        if server.peek().is_some() {
            for threshold in server {
                threshold.judge_server(&self.server);
            }
            self.judge();
        }
    }

    /// Returns what the load did in the measured window.
    fn work(&self) -> Work {
        let bytes = self
            .operations
            .iter()
            .map(|it| it.counts.bytes_within_window);
        Work {
            window_s: self.window().as_secs_f64(),
            iterations: self.journeys.iter().map(|it| it.counts.within_window).sum(),
            only: self.only_journey(),
            bytes: bytes.map(|it| it.sent.saturating_add(it.received)).sum(),
        }
    }

    /// Returns what every journey that ran does, if that is one thing.
    fn only_journey(&self) -> Option<Journey> {
        let ran = self
            .journeys
            .iter()
            .filter(|it| it.counts.starts.started > 0);
        let mut all = ran.map(|it| self.action(&it.name));
        let first = all.next()??;
        all.all(|it| it == Some(first)).then_some(first)
    }

    /// Returns what a journey does, by the plan.
    fn action(&self, journey: &str) -> Option<Journey> {
        let journeys = self.plan.resolved.get("journey")?;
        match journeys.get(journey)?.get("action")?.as_str()? {
            "pull" => Some(Journey::Pull),
            "push" => Some(Journey::Push),
            _ => None,
        }
    }
}
