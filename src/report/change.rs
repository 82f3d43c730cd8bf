//! The words of a comparison: values, changes, intervals and decisions, the same in every format.

use std::time::Duration;

use crate::result::{
    Better, Decision, Design, Difference, MetricComparison, MetricUnit, TimeBudget,
};
use crate::units;

/// Where no change is shown, and where nothing is known.
pub(super) const NONE_SHOWN: &str = "~";

/// `9m 12s of a budget of 15m: decided`
pub(super) fn budget(budget: &TimeBudget) -> String {
    // Seconds say enough.
    let seconds =
        |micros| units::duration(Duration::from_secs(Duration::from_micros(micros).as_secs()));
    let whole = units::duration(Duration::from_micros(budget.budget_us));
    let took = seconds(budget.took_us);
    format!("{took} of a budget of {whole}: {}", budget.ended.words())
}

/// Returns what the intervals of a comparison are, as the heading of a column: `97.8% interval`.
pub(super) fn interval(design: &Design) -> String {
    if has_looked(design) {
        format!("{} interval", units::share(1.0 - design.alpha))
    } else {
        "interval before a look".to_owned()
    }
}

/// Returns what there is to know of a comparison with a time that ended before its first look.
pub(super) fn before_a_look(design: &Design) -> Option<String> {
    (!has_looked(design)).then(|| {
        let level = units::share(1.0 - design.alpha);
        format!("it ended before its first look: nothing is decided, and intervals are of {level}")
    })
}

/// Pairs that are counted have their level before the first one; with a time it is that of the last look.
fn has_looked(design: &Design) -> bool {
    design.budget.is_none() || !design.looks.is_empty()
}

/// One metric of a comparison in words.
pub(super) struct Words<'a>(pub(super) &'a MetricComparison);

impl Words<'_> {
    /// Returns a value: `412 ms`; `-` for none.
    pub(super) fn value(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "-".to_owned(), |it| shown(self.0.unit, it))
    }

    /// Returns the change, where the interval says that there is one; otherwise `~`.
    pub(super) fn change(&self) -> String {
        let is_shown = |[low, high]: [f64; 2]| low > 0.0 || high < 0.0;
        match (self.0.change, self.0.interval) {
            (Some(change), Some(interval)) if is_shown(interval) => self.signed(change),
            _ => NONE_SHOWN.to_owned(),
        }
    }

    /// `+8.1% to +16.7%`; `-` where nothing is known.
    pub(super) fn interval(&self) -> String {
        self.0.interval.map_or_else(
            || "-".to_owned(),
            |[low, high]| format!("{} to {}", self.signed(low), self.signed(high)),
        )
    }

    /// `5%`
    pub(super) fn margin(&self) -> String {
        self.points(&units::share(self.0.margin.abs()))
    }

    /// Returns the change from which on it is a regression, with its sign.
    pub(super) const fn worse(&self) -> f64 {
        let margin = self.0.margin.abs();
        match self.0.better {
            Better::Lower => margin,
            Better::Higher => -margin,
        }
    }

    /// `p99 +12.3% (+8.1% to +16.7%), margin 5%: 400 ms, now 450 ms`
    pub(super) fn sentence(&self) -> String {
        let Self(metric) = self;
        let why = metric.why.as_ref();
        let why = why.map_or_else(String::new, |why| format!("; {why}"));
        format!(
            "{} {}, interval {}, margin {}: base {}, candidate {}{why}",
            metric.metric,
            self.change(),
            self.interval(),
            self.margin(),
            self.value(metric.base),
            self.value(metric.candidate),
        )
    }

    /// Returns a change with its sign: `+8.1%`.
    pub(super) fn signed(&self, change: f64) -> String {
        let sign = if change < 0.0 { '-' } else { '+' };
        self.points(&format!("{sign}{}", units::share(change.abs())))
    }

    /// Shows a difference of shares in percentage points, so that it is not taken for a part of the share.
    fn points(&self, percent: &str) -> String {
        match self.0.unit {
            MetricUnit::Share => percent.replace('%', " pp"),
            _ => percent.to_owned(),
        }
    }
}

/// Returns a value in its unit, in three digits.
fn shown(unit: MetricUnit, value: f64) -> String {
    match unit {
        MetricUnit::Micros => units::seconds(value / 1e6),
        MetricUnit::Bytes => units::amount(value),
        MetricUnit::Cores => format!("{} cores", units::number(value)),
        MetricUnit::Number => units::number(value),
        MetricUnit::PerSecond => units::per_second(value, ""),
        MetricUnit::BytesPerSecond => units::per_second(value, "B"),
        MetricUnit::Share => units::share(value),
    }
}

pub(super) const fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Regression => "regression",
        Decision::Pass => "pass",
        Decision::Improvement => "improvement",
        Decision::Inconclusive => "inconclusive",
        Decision::NotGated => "not gated",
    }
}

/// `machine: base 4 cores, candidate 8 cores`
pub(super) fn difference(difference: &Difference) -> String {
    let aspect = difference.aspect.name();
    let allowed = if difference.allowed { " (allowed)" } else { "" };
    format!(
        "{aspect}: base {}, candidate {}{allowed}",
        difference.base, difference.candidate
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;
    use crate::result::BudgetEnd;

    #[test]
    fn an_interval_says_of_which_level_it_is() {
        let mut design = testing::comparison().design;
        assert_eq!(interval(&design), "97.5% interval");
        design.budget = Some(TimeBudget {
            budget_us: 900_000_000,
            took_us: 80_000_000,
            pair_us: Some(20_000_000),
            ended: BudgetEnd::Broken,
        });
        // An early look of many.
        design.alpha = 0.000_4;
        assert_eq!(interval(&design), "99.96% interval");
        assert_eq!(before_a_look(&design), None);
        // Before the first the level is one that nothing passes.
        design.looks.clear();
        design.alpha = 1e-9;
        assert_eq!(interval(&design), "interval before a look");
        let said = before_a_look(&design).expect("it had none");
        assert!(
            said.contains("nothing is decided") && said.ends_with("99.9999999%"),
            "{said}"
        );
    }

    #[test]
    fn a_change_is_told_only_where_one_is_shown() {
        let comparison = testing::comparison();
        let of = |name: &str| {
            let metric = comparison.metrics.iter().find(|it| it.metric == name);
            Words(metric.unwrap())
        };
        let slower = of("pull.response_time p(99)");
        assert_eq!(slower.change(), "+12.5%");
        assert_eq!(slower.interval(), "+8.1% to +16.9%");
        assert_eq!(slower.margin(), "5%");
        assert_eq!(slower.value(Some(412_000.0)), "412 ms");
        assert_eq!(slower.value(None), "-");
        assert_eq!(of("pull.response_time p(50)").change(), "~");
        let errors = of("pull.errors rate");
        assert_eq!(errors.change(), "+0.2 pp");
        assert_eq!(errors.margin(), "0.1 pp");
        assert_eq!(errors.value(Some(0.003)), "0.3%");
    }
}
