//! What was read in several runs, or by several shards of one, becomes one.

use std::collections::BTreeSet;
use std::mem;

use super::record::{Cost, Readings, Series, SourceRecord, Telemetry};

/// Restarts whose times are kept.
const MOST_RESTARTS: usize = 100;

impl Telemetry {
    /// Puts what was read in a later run of the same plan behind this, so many seconds after this began. Increases, readings,
    /// restarts and problems are added up.
    pub fn append(&mut self, mut later: Self, after_s: u64) {
        self.widen(later.window_s);
        later.widen(self.window_s);
        later.delay(after_s);
        let at = self.windows_in(after_s);
        for series in self.sources.iter_mut().flat_map(|it| &mut it.series) {
            series.windows.truncate(at);
        }
        for theirs in later.sources {
            match self.sources.iter_mut().find(|it| it.name == theirs.name) {
                Some(mine) => mine.append(theirs),
                None => self.sources.push(theirs),
            }
        }
        self.cost.add(later.cost);
    }

    /// Adds what another process read meanwhile, of the same target: the same numbers, so of each source that counts of which
    /// more readings were good.
    pub fn beside(&mut self, mut other: Self) {
        self.widen(other.window_s);
        other.widen(self.window_s);
        for theirs in other.sources {
            match self.sources.iter_mut().find(|it| it.name == theirs.name) {
                Some(mine) if theirs.readings.good > mine.readings.good => *mine = theirs,
                Some(_) => {}
                None => self.sources.push(theirs),
            }
        }
        self.cost.add(other.cost);
    }

    /// Lets the measured window begin that many seconds earlier, to the nearest window.
    pub fn delay(&mut self, seconds: u64) {
        let at = self.windows_in(seconds);
        let micros = seconds.saturating_mul(1_000_000);
        for source in &mut self.sources {
            for time in &mut source.restarts_us {
                *time = time.saturating_add(micros);
            }
            for problem in &mut source.problems {
                problem.first_us = problem.first_us.saturating_add(micros);
            }
            for series in &mut source.series {
                let windows = mem::take(&mut series.windows);
                series.windows.resize(at, None);
                series.windows.extend(windows);
            }
        }
    }

    /// Joins neighbours until windows are that long or longer.
    pub fn widen(&mut self, window_s: u64) {
        while self.window_s < window_s {
            self.window_s = self.window_s.max(1) * 2;
            for series in self.sources.iter_mut().flat_map(|it| &mut it.series) {
                let joined = series.windows.chunks(2).map(mean_of_known);
                series.windows = joined.collect();
            }
        }
    }

    /// Returns how many windows, to the nearest, are in so many seconds.
    fn windows_in(&self, seconds: u64) -> usize {
        let windows = seconds.saturating_add(self.window_s / 2) / self.window_s.max(1);
        usize::try_from(windows).unwrap_or(usize::MAX)
    }
}

impl SourceRecord {
    fn append(&mut self, later: Self) {
        self.product = self.product.or(later.product);
        self.readings.add(later.readings);
        self.restarts = self.restarts.saturating_add(later.restarts);
        self.restarts_us.extend(later.restarts_us);
        self.restarts_us.truncate(MOST_RESTARTS);
        for theirs in later.problems {
            match self.problems.iter_mut().find(|it| it.text == theirs.text) {
                Some(mine) => mine.count = mine.count.saturating_add(theirs.count),
                None => self.problems.push(theirs),
            }
        }
        let known: BTreeSet<String> = self.series.iter().map(|it| it.name.clone()).collect();
        for theirs in later.series {
            if !known.contains(&theirs.name) {
                self.series.push(theirs);
            } else if let Some(mine) = self.series.iter_mut().find(|it| it.name == theirs.name) {
                mine.append(&theirs);
            }
        }
    }
}

impl Series {
    /// The later one has windows from the same begin on, none of them known before its own.
    fn append(&mut self, later: &Self) {
        let own = self.windows.len();
        if later.windows.len() > own {
            self.windows.extend_from_slice(&later.windows[own..]);
        }
        self.covered_us = self.covered_us.saturating_add(later.covered_us);
        self.increase = both(self.increase, later.increase, |a, b| a + b);
        self.highest = both(self.highest, later.highest, f64::max);
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
    }
}

impl Readings {
    fn add(&mut self, other: Self) {
        self.due = self.due.saturating_add(other.due);
        self.good = self.good.saturating_add(other.good);
        self.late = self.late.saturating_add(other.late);
        self.failed = self.failed.saturating_add(other.failed);
        self.missed = self.missed.saturating_add(other.missed);
    }
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.cpu_us = self.cpu_us.saturating_add(other.cpu_us);
        self.received_bytes = self.received_bytes.saturating_add(other.received_bytes);
    }
}

fn both(a: Option<f64>, b: Option<f64>, of: impl Fn(f64, f64) -> f64) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(of(a, b)),
        (known, other) => known.or(other),
    }
}

fn mean_of_known(windows: &[Option<f64>]) -> Option<f64> {
    let mut known = windows.iter().copied().flatten();
    let first = known.next()?;
    // Neighbours are two, or the last is one alone.
    Some(known.next().map_or(first, |it| f64::midpoint(first, it)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(seconds: u64, increase: f64, windows: &[Option<f64>], restarts: &[u64]) -> Telemetry {
        serde_json::from_value(json!({
            "window_s": seconds,
            "sources": [{
                "name": "app", "kind": "process", "from": "pid 7", "restarts": restarts.len(), "restarts_us": restarts,
                "readings": {"due": 5, "good": 4, "late": 1, "failed": 1, "missed": 0},
                "problems": [{"text": "refused", "count": 1, "first_us": 500}],
                "series": [{
                    "name": "cpu", "unit": "seconds", "kind": "counter", "windows": windows,
                    "covered_us": 3_000_000, "increase": increase,
                }],
            }],
            "cost": {"cpu_us": 10, "received_bytes": 100},
        }))
        .unwrap()
    }

    #[test]
    fn a_later_run_comes_behind_and_adds_up() {
        let mut all = read(1, 1.5, &[Some(0.5), Some(0.5), Some(0.25)], &[]);
        // Its windows begin after four seconds, of which the last was not read.
        all.append(read(1, 2.0, &[Some(1.0), None], &[1_500_000]), 4);
        let source = &all.sources[0];
        let windows = [Some(0.5), Some(0.5), Some(0.25), None, Some(1.0), None];
        assert_eq!(source.series[0].windows, windows);
        assert_eq!(
            (source.series[0].increase, source.series[0].covered_us),
            (Some(3.5), 6_000_000)
        );
        assert_eq!(
            (source.restarts, source.restarts_us.as_slice()),
            (1, &[5_500_000][..])
        );
        assert_eq!(
            (
                source.readings.due,
                source.readings.good,
                source.readings.failed
            ),
            (10, 8, 2)
        );
        assert_eq!((source.problems.len(), source.problems[0].count), (1, 2));
        assert_eq!((source.problems[0].first_us, all.cost.cpu_us), (500, 20));
    }

    /// Two windows of a second are one of two: the mean of what is known.
    #[test]
    fn windows_of_two_lengths_become_the_longer() {
        let mut all = read(1, 1.5, &[Some(0.5), Some(1.5), None, Some(2.0), None], &[]);
        all.append(read(2, 2.0, &[Some(7.0)], &[]), 6);
        assert_eq!(all.window_s, 2);
        let windows = [Some(1.0), Some(2.0), None, Some(7.0)];
        assert_eq!(all.sources[0].series[0].windows, windows);
    }

    #[test]
    fn what_was_read_behind_the_end_is_cut() {
        let mut all = read(1, 1.5, &[Some(0.5), Some(0.5), Some(9.0)], &[]);
        all.append(read(1, 2.0, &[Some(1.0)], &[]), 2);
        assert_eq!(
            all.sources[0].series[0].windows,
            [Some(0.5), Some(0.5), Some(1.0)]
        );
    }

    /// Two shards read one process: its processor time counts once.
    #[test]
    fn shards_read_the_same() {
        let mut first = read(1, 1.5, &[Some(0.5)], &[]);
        let mut other = read(1, 1.6, &[Some(0.6)], &[]);
        other.sources[0].readings.good = 5;
        first.beside(other.clone());
        assert_eq!(first.sources, other.sources);
        assert_eq!(first.cost.cpu_us, 20);
        other.sources[0].name = "db".into();
        first.beside(other);
        assert_eq!(first.sources.len(), 2);
    }
}
