//! What is taken from one text of metrics: sums of the samples that are wanted, and buckets of histograms.

use std::collections::HashMap;

use super::histogram::Buckets;
use super::known::{self, COMMON, Common, START_TIME};
use super::reading::{Life, Number, Reading};
use super::record::{Product, SeriesKind, Unit};
use super::source::{Metric, What};
use super::text::{Kind, Line, Sample};

/// What is wanted of an endpoint, by the names of metrics.
#[derive(Debug)]
pub(super) struct Wanted {
    metrics: Vec<Metric>,
    /// Terms of common words, by the name of their metric: the word's place, and the term's in it.
    common: HashMap<&'static str, Vec<(usize, usize)>>,
    /// Metrics by the names of the samples that they are made of.
    own: HashMap<String, Vec<usize>>,
    /// Of metrics that are quantiles: what they had counted at the last reading.
    buckets: Vec<Option<Buckets>>,
}

/// What one text had of it.
#[derive(Debug)]
pub(super) struct Picked<'w> {
    wanted: &'w Wanted,
    common: Vec<[Option<f64>; 2]>,
    own: Vec<Option<f64>>,
    kinds: Vec<Option<SeriesKind>>,
    buckets: Vec<Option<Buckets>>,
    started: Option<f64>,
    processes: u32,
    product: Option<(usize, Product)>,
    has_bad_buckets: bool,
}

impl Wanted {
    pub(super) fn new(metrics: Vec<Metric>) -> Self {
        let mut common: HashMap<&'static str, Vec<(usize, usize)>> = HashMap::new();
        for (place, it) in COMMON.iter().enumerate() {
            for (term, (metric, _)) in it.terms.iter().enumerate() {
                common.entry(metric.name).or_default().push((place, term));
            }
        }
        let mut own: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, metric) in metrics.iter().enumerate() {
            let name = match metric.what {
                What::Quantile(_) => format!("{}_bucket", metric.name),
                What::As(_) | What::AsTyped => metric.name.clone(),
            };
            own.entry(name).or_default().push(place);
        }
        Self {
            buckets: vec![None; metrics.len()],
            metrics,
            common,
            own,
        }
    }

    /// Begins with a text.
    pub(super) fn begin(&self) -> Picked<'_> {
        Picked {
            wanted: self,
            common: vec![[None; 2]; COMMON.len()],
            own: vec![None; self.metrics.len()],
            kinds: vec![None; self.metrics.len()],
            buckets: vec![None; self.metrics.len()],
            started: None,
            processes: 0,
            product: None,
            has_bad_buckets: false,
        }
    }

    /// Keeps the buckets of a reading for the next.
    pub(super) fn keep(&mut self, buckets: Vec<Option<Buckets>>) {
        self.buckets = buckets;
    }
}

impl Picked<'_> {
    /// Takes a line.
    pub(super) fn see(&mut self, line: Line<'_>) {
        match line {
            Line::Type { name, kind } => self.note_kind(name, kind),
            Line::Sample(sample) => self.sample(&sample),
        }
    }

    fn note_kind(&mut self, name: &str, kind: Kind) {
        for (metric, known) in self.wanted.metrics.iter().zip(&mut self.kinds) {
            // A family `a` of OpenMetrics has the counter `a_total`; a histogram or summary `a` has `a_count` and `a_sum`.
            let rest = metric.name.strip_prefix(name);
            *known = match (rest, kind) {
                (Some("" | "_total"), Kind::Counter)
                | (Some("_count" | "_sum" | "_bucket"), Kind::Histogram | Kind::Summary) => {
                    Some(SeriesKind::Counter)
                }
                (Some(""), Kind::Gauge | Kind::Summary) => Some(SeriesKind::Gauge),
                _ => continue,
            };
        }
    }

    fn sample(&mut self, sample: &Sample<'_>) {
        self.product = self.product.max(known::product(sample.name));
        if sample.name == START_TIME {
            // Several processes behind one endpoint have no life in common.
            self.started = if self.processes == 0 {
                Some(sample.value)
            } else {
                None
            };
            self.processes += 1;
        }
        let has = |name: &str, value: &str| sample.label(name) == Some(value);
        for (place, term) in self.wanted.common.get(sample.name).into_iter().flatten() {
            let (metric, _) = &COMMON[*place].terms[*term];
            if metric.labels.iter().all(|(name, value)| has(name, value)) {
                *self.common[*place][*term].get_or_insert(0.0) += sample.value;
            }
        }
        for place in self.wanted.own.get(sample.name).into_iter().flatten() {
            let metric = &self.wanted.metrics[*place];
            if !metric.labels.iter().all(|(name, value)| has(name, value)) {
                continue;
            }
            if let What::Quantile(_) = metric.what {
                let buckets = self.buckets[*place].get_or_insert_default();
                let is_good = sample
                    .label("le")
                    .is_some_and(|le| buckets.add(le, sample.value));
                self.has_bad_buckets |= !is_good;
            } else {
                *self.own[*place].get_or_insert(0.0) += sample.value;
            }
        }
    }

    /// Returns which registry it is, if a metric has told.
    pub(super) fn product(&self) -> Option<Product> {
        self.product.map(|(_, product)| product)
    }

    /// Puts what was found into a reading, and returns the buckets for the next.
    pub(super) fn finish(self, reading: &mut Reading) -> Vec<Option<Buckets>> {
        reading.life = self.started.and_then(life);
        for (place, metric) in self.wanted.metrics.iter().enumerate() {
            let number = match metric.what {
                What::Quantile(quantile) => self.quantile(place, quantile, reading),
                What::As(kind) => self.own[place].map(|it| (kind, it)),
                What::AsTyped => {
                    let counts = metric.name.ends_with("_total");
                    let usual = if counts {
                        SeriesKind::Counter
                    } else {
                        SeriesKind::Gauge
                    };
                    self.own[place].map(|it| (self.kinds[place].unwrap_or(usual), it))
                }
            };
            if let Some((kind, value)) = number {
                let number = Number {
                    name: metric.shown.clone().into(),
                    unit: Unit::of_name(&metric.name),
                    kind,
                    value,
                };
                put(reading, number);
            }
        }
        for (common, sums) in COMMON.iter().zip(&self.common) {
            let is_there = reading.numbers.iter().any(|it| it.name == common.word);
            if let (Some(value), false) = (common.value(*sums), is_there) {
                put(reading, number_of(common, value));
            }
        }
        self.tell_missing(reading);
        if self.has_bad_buckets {
            let text = "a histogram has buckets without bounds, or too many of them";
            reading.problems.push(text.into());
        }
        self.buckets
    }

    /// Returns a quantile of what was counted since the last reading; nothing if nothing was.
    fn quantile(
        &self,
        place: usize,
        quantile: f64,
        reading: &mut Reading,
    ) -> Option<(SeriesKind, f64)> {
        let Some(now) = &self.buckets[place] else {
            self.missing(place, reading);
            return None;
        };
        let before = self.wanted.buckets[place].as_ref()?;
        Some((SeriesKind::Gauge, now.quantile_since(before, quantile)?))
    }

    fn missing(&self, place: usize, reading: &mut Reading) {
        let name = &self.wanted.metrics[place].name;
        reading
            .problems
            .push(format!("there is no histogram `{name}` with these labels").into());
    }

    /// Tells of metrics that were asked for and are not there.
    fn tell_missing(&self, reading: &mut Reading) {
        for (place, metric) in self.wanted.metrics.iter().enumerate() {
            let is_value = !matches!(metric.what, What::Quantile(_));
            if is_value && self.own[place].is_none() {
                let name = &metric.name;
                reading
                    .problems
                    .push(format!("there is no metric `{name}` with these labels").into());
            }
        }
    }
}

/// Adds a number, or what is wrong with it.
fn put(reading: &mut Reading, number: Number) {
    if number.value.is_finite() {
        reading.numbers.push(number);
    } else {
        let name = &number.name;
        reading
            .problems
            .push(format!("`{name}` is not a finite number").into());
    }
}

fn number_of(common: &Common, value: f64) -> Number {
    Number {
        name: common.word.into(),
        unit: common.unit,
        kind: common.kind,
        value,
    }
}

/// Returns the life of a process that began at a time in seconds since 1970. Clients of Prometheus add to it the start of the machine,
/// which the system gives in whole seconds and rounds anew for each reading.
fn life(started: f64) -> Option<Life> {
    let is_time = started.is_finite() && (0.0..1e12).contains(&started);
    if !is_time {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is checked to fit"
    )]
    let started_ms = (started * 1e3) as u64;
    Some(Life {
        id: (0, started_ms),
        is_rounded: true,
        began: None,
    })
}

#[cfg(test)]
mod tests;
