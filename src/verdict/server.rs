//! Thresholds on numbers of the target's side, which are known when the run is over.

use super::bounds::{Bounds, Decision};
use super::evidence::{Basis, Moment, ServerDemand};
use super::number::micros;
use super::threshold_result::{Figure, Observation, Reason, Status, ThresholdResult};
use crate::plan::{Judged, Threshold};
use crate::telemetry::{FigureUnit, ServerFigure};

/// Returns what stands for such a threshold until the numbers are there.
pub(super) fn unread(threshold: &Threshold, moment: Moment) -> ThresholdResult {
    let reason = match moment {
        Moment::Underway => Reason::AtTheEnd,
        Moment::Done => Reason::NotRead,
    };
    ThresholdResult {
        metric: threshold.metric.clone(),
        expect: threshold.expectation.to_string(),
        stage: None,
        from_us: micros(threshold.from),
        until_us: threshold.until.map(micros),
        limit: threshold.expectation.limit().into(),
        observed: None,
        observed_text: "-".to_owned(),
        samples: 0,
        status: Status::Inconclusive(reason),
        ended_run: false,
        evidence: Basis::Server(ServerDemand {
            operator: threshold.expectation.operator(),
            min_samples: threshold.min_samples,
        }),
    }
}

impl ThresholdResult {
    /// Judges by the numbers of the target's side, if the threshold is on one of them.
    ///
    /// An estimate with an interval is judged as every value in it would be: a limit within the interval decides nothing.
    pub fn judge_server(&mut self, figures: &[ServerFigure]) {
        let (Basis::Server(demand), Judged::Server(metric)) = (&self.evidence, &self.metric) else {
            return;
        };
        let figure = figures.iter().find(|it| it.is_of(metric));
        let found = figure.map_or_else(Found::nothing, |it| Found::of(it, demand, self.limit));
        self.observed = found.observed;
        self.observed_text = found.text;
        self.samples = figure.map_or(0, |it| it.samples);
        self.status = found.status;
    }
}

struct Found {
    observed: Option<Observation>,
    text: String,
    status: Status,
}

impl Found {
    fn nothing() -> Self {
        Self {
            observed: None,
            text: "-".to_owned(),
            status: Status::Inconclusive(Reason::NotRead),
        }
    }

    fn of(figure: &ServerFigure, demand: &ServerDemand, limit: Figure) -> Self {
        let Some(value) = figure.value else {
            return Self {
                text: figure.why.clone().unwrap_or_else(|| "-".to_owned()),
                status: Status::Inconclusive(Reason::NotKnown),
                ..Self::nothing()
            };
        };
        let [low, high] = figure.interval.unwrap_or([value, value]);
        let of_unit = |it: f64| Figure::of_server(figure.unit, it);
        let bounds = Bounds {
            low,
            high: Some(high),
        };
        let status = match limit.of_same_unit(figure.unit) {
            None => Status::Inconclusive(Reason::OtherUnit),
            Some(_) if figure.samples < demand.min_samples => {
                let needed = demand.min_samples;
                Status::Inconclusive(Reason::TooFewSamples { needed })
            }
            Some(limit) => match bounds.against(demand.operator, limit) {
                Decision::Holds => Status::Pass,
                Decision::Broken => Status::Fail,
                Decision::Open => Status::Inconclusive(Reason::Uncertain),
            },
        };
        Self {
            observed: Some(Observation {
                at_least: of_unit(low),
                at_most: Some(of_unit(high)),
            }),
            text: figure.text(),
            status,
        }
    }
}

impl Figure {
    /// Returns a number of the target's side.
    pub(super) const fn of_server(unit: FigureUnit, value: f64) -> Self {
        match unit {
            FigureUnit::Cores => Self::Cores(value),
            FigureUnit::Seconds => Self::Seconds(value),
            FigureUnit::SecondsPerSecond => Self::SecondsPerSecond(value),
            FigureUnit::Bytes => Self::Amount(value),
            FigureUnit::BytesPerSecond => Self::BytesPerSecond(value),
            FigureUnit::Share => Self::Share(value),
            FigureUnit::Number => Self::Number(value),
            FigureUnit::PerSecond => Self::PerSecond(value),
        }
    }

    /// Returns its value if it is counted in that.
    fn of_same_unit(self, unit: FigureUnit) -> Option<f64> {
        let value = match self {
            Self::Cores(it)
            | Self::Seconds(it)
            | Self::SecondsPerSecond(it)
            | Self::Amount(it)
            | Self::BytesPerSecond(it)
            | Self::Share(it)
            | Self::Number(it)
            | Self::PerSecond(it) => it,
            Self::Micros(_) | Self::Count(_) | Self::Bytes(_) => return None,
        };
        (Self::of_server(unit, value) == self).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A threshold on the slope of memory: `< 1MiB/min`.
    fn result(metric: &str, limit: Figure) -> ThresholdResult {
        serde_json::from_value(json!({
            "metric": metric, "expect": "< 1MiB/min", "stage": null, "from_us": 0, "until_us": null, "limit": limit,
            "observed": null, "observed_text": "-", "samples": 0, "status": "pass", "ended_run": false,
            "evidence": {"operator": "<", "min_samples": 30},
        }))
        .unwrap()
    }

    fn slope(value: Option<f64>, interval: Option<[f64; 2]>, samples: u64) -> Vec<ServerFigure> {
        let figure = json!({
            "metric": "server.memory.slope", "source": "app", "unit": "bytes-per-second", "value": value,
            "interval": interval, "samples": samples, "why": value.is_none().then_some("too few windows"),
        });
        vec![serde_json::from_value(figure).unwrap()]
    }

    const LIMIT: Figure = Figure::BytesPerSecond(17_476.0);

    #[test]
    fn a_limit_in_the_interval_decides_nothing() {
        for (interval, wanted) in [
            ([9e3, 17e3], Status::Pass),
            ([17_476.0, 2e4], Status::Fail),
            ([9e3, 2e4], Status::Inconclusive(Reason::Uncertain)),
        ] {
            let mut result = result("server.memory.slope", LIMIT);
            result.judge_server(&slope(Some(1e4), Some(interval), 60));
            assert_eq!(result.status, wanted, "{interval:?}");
            assert_eq!(result.samples, 60);
        }
        let mut named = result("server.app.memory.slope", LIMIT);
        named.judge_server(&slope(Some(1e4), Some([9e3, 11e3]), 60));
        assert_eq!(named.status, Status::Pass);
        assert_eq!(named.observed_text, "600 kB/min (540 kB/min to 660 kB/min)");
    }

    #[test]
    fn what_is_not_known_says_why() {
        let judged = |limit, figures: &[ServerFigure]| {
            let mut result = result("server.memory.slope", limit);
            result.judge_server(figures);
            (result.status, result.observed_text)
        };
        let open = Status::Inconclusive;
        assert_eq!(judged(LIMIT, &[]), (open(Reason::NotRead), "-".into()));
        let unknown = slope(None, None, 5);
        assert_eq!(
            judged(LIMIT, &unknown),
            (open(Reason::NotKnown), "too few windows".into())
        );
        let few = slope(Some(1.0), None, 29);
        assert_eq!(
            judged(LIMIT, &few).0,
            open(Reason::TooFewSamples { needed: 30 })
        );
        let some = slope(Some(1.0), None, 30);
        assert_eq!(
            judged(Figure::Number(5.0), &some).0,
            open(Reason::OtherUnit)
        );
        assert_eq!(judged(LIMIT, &some).0, Status::Pass);
    }
}
