//! Everything that a plan says, as a tree of plain values: its text and its JSON form.

use serde::{Serialize, Serializer};

use super::Plan;
use crate::keys::plain::{Fields, Plain as Value, line};
use crate::scenario::shown;

impl Serialize for Plan {
    /// The same keys and values as the text, nested.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.listing().serialize(serializer)
    }
}

impl Plan {
    /// Every key and every value, a line each, `key.path = value` as `--set` takes it. Secrets are not in it.
    pub fn to_text(&self) -> String {
        self.lines()
            .iter()
            .map(|(path, value)| line(path, value))
            .collect()
    }

    /// The leaves of the tree with their paths.
    pub(super) fn lines(&self) -> Vec<(Vec<String>, Value)> {
        self.listing().leaves()
    }

    fn listing(&self) -> Value {
        let images = self.images.iter();
        let images = images.map(|set| (set.name.clone(), shown::images(&set.source).into()));
        let journeys = self.journeys.iter();
        let journeys =
            journeys.map(|it| (it.name.clone(), shown::journey(it, &self.images).into()));
        let loads = self.loads.iter();
        let loads = loads.map(|it| shown::load(it, &self.journeys, &self.loads).into());
        let hooks = self.hooks.iter().map(|it| shown::hook(it).into());
        let hooks: Vec<Value> = hooks.collect();
        let thresholds = self.thresholds.iter();
        let thresholds = thresholds.map(|it| shown::threshold(it).into()).collect();
        Fields::default()
            .put("name", self.name.as_str())
            .put("description", self.description.as_str())
            .put("seed", self.seed)
            .put("workers", self.workers)
            .put("target", shown::target(&self.target))
            .may("upstream", self.upstream.as_ref().map(shown::upstream))
            .put("images", Value::Table(images.collect()))
            .put("journey", Value::Table(journeys.collect()))
            .put("load", Value::Tables(loads.collect()))
            .may(
                "probe",
                self.probe
                    .as_ref()
                    .map(|it| shown::probe(it, &self.journeys)),
            )
            .may(
                "telemetry",
                (!self.telemetry.is_empty()).then(|| {
                    let sources = self.telemetry.iter();
                    Value::Tables(sources.map(|it| shown::telemetry(it).into()).collect())
                }),
            )
            .may("hook", (!hooks.is_empty()).then_some(Value::Tables(hooks)))
            .put("prepare", shown::prepare(&self.prepare))
            .put("audit", shown::audit(&self.audit))
            .put("threshold", Value::Tables(thresholds))
            .into()
    }
}
