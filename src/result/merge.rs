//! Two shards of one run become one document, count by count.

use std::time::Duration;

use crate::measure::{AddressUse, PackedHistogram, RangeRow, Sum, TimeSeries};

use super::wall_time::micros_of;
use super::{
    Document, FailureSection, JourneySection, LatencySeries, MergeError, OperationSection,
    PeriodSection, StageSection,
};

impl Document {
    /// Adds the document of another shard that ran at the same time.
    ///
    /// Windows are put where the wall clock has them. Rates become those of both together, from the begin of the first to the end of the last;
    /// thresholds are judged again by what both have counted; one that ended a shard stays as it was when it did. The
    /// environment stays that of the first, with the labels that agree; those that do not are noted and kept with
    /// each shard. Of the generators the one in worse health is kept; notes say what was wrong with the other.
    ///
    /// # Errors
    /// When the two are not shards of one run, see [`MergeError`]. The document is then as it was.
    pub fn merge(&mut self, mut other: Self) -> Result<(), MergeError> {
        self.check_same_run(&other)?;
        self.note_health(&other);
        // Those that are merged already stay where they are: there may be a thousand.
        let own = self.shard.as_ref().map(|_| self.as_shards());
        let theirs = other.as_shards();
        self.align_with(&mut other);
        let hooks = std::mem::take(&mut other.hooks);
        self.add(other)?;
        self.add_hooks(hooks, 0);
        self.judge_hooks();
        if let Some(own) = own {
            self.shards = own;
        }
        self.shards.extend(theirs);
        self.shard = None;
        self.stored = None;
        self.note_shards();
        self.derive_server();
        Ok(())
    }

    /// Adds what a shard should have started after it was stopped, and did not: it is lost from then on.
    ///
    /// # Errors
    /// When that is of another plan.
    pub fn owe(&mut self, owed: Self) -> Result<(), MergeError> {
        self.check_same_plan(&owed)?;
        self.add(owed)?;
        if let Some(part) = &mut self.shard {
            part.lost = true;
        }
        Ok(())
    }

    /// Lets both begin with the one that began first.
    fn align_with(&mut self, other: &mut Self) {
        let opened = [&*self, other].map(|it| micros_of(&it.window_opened));
        if opened[0] <= opened[1] {
            other.begin_earlier(opened[1] - opened[0]);
            other.window_opened.clone_from(&self.window_opened);
        } else {
            self.begin_earlier(opened[0] - opened[1]);
            self.window_opened.clone_from(&other.window_opened);
        }
    }

    fn begin_earlier(&mut self, micros: u64) {
        let before = self.time_series.window_seconds();
        let at = self.time_series.delay(micros);
        let times = (self.time_series.window_seconds() / before).trailing_zeros();
        for series in &mut self.latency_series {
            PackedHistogram::widen(&mut series.windows, times);
            series.put_behind(at);
        }
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.delay((at as u64).saturating_mul(self.time_series.window_seconds()));
        }
        for kind in &mut self.failures.exchanges.kinds {
            let at = &mut kind.example.at_us;
            *at = at.saturating_add(micros);
        }
        for operation in &mut self.operations {
            for exchange in &mut operation.slowest {
                exchange.at_us = exchange.at_us.saturating_add(micros);
            }
        }
        for hook in &mut self.hooks {
            hook.record.delay(micros);
        }
        self.window_us = self.window_us.saturating_add(micros);
    }

    /// Adds the counts of another document of the same plan.
    pub(super) fn add(&mut self, other: Self) -> Result<(), MergeError> {
        let before = [&self.time_series, &other.time_series].map(TimeSeries::window_seconds);
        if !self.time_series.merge(other.time_series) {
            return Err(MergeError::Journeys);
        }
        let window_us = self.window_us.max(other.window_us);
        self.interrupted |= other.interrupted;
        let window = Duration::from_micros(window_us);
        for (mine, theirs) in self.thresholds.iter_mut().zip(other.thresholds) {
            mine.merge(theirs, window);
        }
        if other.generator.health.verdict() > self.generator.health.verdict() {
            self.generator = other.generator;
        }
        self.totals.merge(&other.totals);
        self.transport.merge(other.transport);
        AddressUse::merge(&mut self.addresses, other.addresses);
        self.clamped = self.clamped.saturating_add(other.clamped);
        for (mine, theirs) in self.journeys.iter_mut().zip(other.journeys) {
            mine.merge(theirs);
        }
        self.integrity.merge(other.integrity);
        match (&mut self.audit, other.audit) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        self.judge();
        merge_operations(&mut self.operations, other.operations);
        for theirs in other.replays {
            let mut ours = self.replays.iter_mut();
            match ours.find(|it| it.load == theirs.load) {
                Some(mine) => mine.merge(&theirs),
                None => self.replays.push(theirs),
            }
        }
        self.set_window(window_us);
        self.merge_latencies(other.latency_series, before);
        match (&mut self.probe, other.probe) {
            (Some(mine), Some(theirs)) => {
                mine.window_us = mine.window_us.max(theirs.window_us);
                mine.rounds.merge(theirs.rounds);
                mine.rounds.rate(mine.window_us);
                mine.failures.merge(theirs.failures);
            }
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        match (&mut self.telemetry, other.telemetry) {
            (Some(mine), Some(theirs)) => mine.beside(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        self.add_periods(other.periods);
        self.failures.merge(other.failures);
        self.add_sums(other.closure.sums);
        for note in other.notes {
            self.note(note);
        }
        self.environment.extend(&other.environment);
        Ok(())
    }

    pub(super) fn add_periods(&mut self, others: Vec<PeriodSection>) {
        for theirs in others {
            let mut mine = self.periods.iter_mut();
            match mine.find(|it| it.period == theirs.period) {
                Some(mine) => mine.merge(&theirs),
                None => self.periods.push(theirs),
            }
        }
        self.periods.sort_by_key(|it| it.period);
    }

    pub(super) fn add_sums(&mut self, others: Vec<Sum>) {
        for theirs in others {
            let mine = &mut self.closure.sums;
            match mine.iter_mut().find(|it| it.name == theirs.name) {
                Some(sum) => {
                    sum.left = sum.left.saturating_add(theirs.left);
                    sum.right = sum.right.saturating_add(theirs.right);
                }
                None => mine.push(theirs),
            }
        }
    }

    /// Adds windows of latencies to those of the time series, which is merged already; `before` are the widths of both.
    fn merge_latencies(&mut self, others: Vec<LatencySeries>, before: [u64; 2]) {
        let width = self.time_series.window_seconds();
        let widen = |series: &mut LatencySeries, before: u64| {
            PackedHistogram::widen(&mut series.windows, (width / before).trailing_zeros());
        };
        for series in &mut self.latency_series {
            widen(series, before[0]);
        }
        for mut theirs in others {
            widen(&mut theirs, before[1]);
            let mut ours = self.latency_series.iter_mut();
            match ours.find(|it| it.metric == theirs.metric) {
                Some(mine) => PackedHistogram::merge_windows(&mut mine.windows, theirs.windows),
                None => self.latency_series.push(theirs),
            }
        }
        let windows = self.time_series.windows().count();
        for series in &mut self.latency_series {
            series
                .windows
                .resize_with(windows, PackedHistogram::default);
        }
        // What only one of them has seen comes where one run would have it: journeys, then operations in their order.
        self.latency_series.sort_by_key(|it| it.metric.operation());
    }

    /// Sets the length of the measured window, and every rate with it.
    pub(super) fn set_window(&mut self, window_us: u64) {
        self.window_us = window_us;
        for journey in &mut self.journeys {
            journey.rate(window_us);
        }
        for operation in &mut self.operations {
            operation.rate(window_us);
        }
    }
}

fn merge_operations(ours: &mut Vec<OperationSection>, others: Vec<OperationSection>) {
    for theirs in others {
        match ours.iter_mut().find(|it| it.name == theirs.name) {
            Some(mine) => mine.merge(theirs),
            None => ours.push(theirs),
        }
    }
    ours.sort_by_key(|it| it.name);
}

impl JourneySection {
    /// Leaves the rates to the caller, who knows the window.
    fn merge(&mut self, other: Self) {
        self.counts.merge(&other.counts);
        self.latencies.merge(&other.latencies);
        for theirs in other.stages {
            let known = |mine: &&mut StageSection| {
                (&mine.load, &mine.stage) == (&theirs.load, &theirs.stage)
            };
            match self.stages.iter_mut().find(known) {
                Some(mine) => mine.iterations.merge(theirs.iterations),
                None => self.stages.push(theirs),
            }
        }
        for theirs in other.clients {
            let mut clients = self.clients.iter_mut();
            match clients.find(|mine| mine.client == theirs.client) {
                Some(mine) => mine.iterations.merge(theirs.iterations),
                None => self.clients.push(theirs),
            }
        }
        merge_operations(&mut self.operations, other.operations);
        RangeRow::merge_all(&mut self.ranges, other.ranges);
    }
}

impl OperationSection {
    /// Leaves the rates to the caller, who knows the window.
    fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.counts.merge(&other.counts);
        self.latencies.merge(&other.latencies);
        self.add_slowest(other.slowest);
    }
}

impl PeriodSection {
    fn merge(&mut self, other: &Self) {
        self.duration_us = self.duration_us.max(other.duration_us);
        self.totals.merge(&other.totals);
        self.operations.merge(&other.operations);
    }
}

impl FailureSection {
    pub(super) fn merge(&mut self, other: Self) {
        self.exchanges.merge(other.exchanges);
        for theirs in other.iterations {
            self.add_iterations(theirs);
        }
        self.sort();
    }
}
