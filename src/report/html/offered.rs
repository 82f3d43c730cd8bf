//! What the plan asks for over time, from the plan alone: arrivals a second or users, and where its stages are.

use serde_json::Value;

use crate::result::Document;
use crate::units;

/// A line of a plan: what it asks for from the opening of the measured window on.
pub(super) struct Offered {
    /// Whether these are users; otherwise iterations a second.
    pub(super) users: bool,
    /// Seconds, and how much from there on, in straight lines.
    pub(super) points: Vec<(f64, f64)>,
}

/// A stage of a line.
pub(super) struct Stage {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) name: String,
}

impl Offered {
    /// Reads the plan; `None` unless it has one load, which begins with the window and follows a clock.
    pub(super) fn of(document: &Document) -> Option<Self> {
        let load = only_load(document)?;
        let end = document.window().as_secs_f64();
        let number = |key: &str| load.get(key)?.as_f64();
        let unit = load.get("time_unit").map_or(Some(1.0), seconds)?;
        let level = |users: bool, much: f64| Self {
            users,
            points: vec![(0.0, much), (end, much)],
        };
        match load.get("executor")?.as_str()? {
            "constant-arrival-rate" => Some(level(false, number("rate")? / unit)),
            "constant-vus" => Some(level(true, number("vus")?)),
            "ramping-arrival-rate" => line(load, number("start_rate")?, unit, false),
            "ramping-vus" => line(load, number("start_vus")?, 1.0, true),
            _ => None,
        }
    }

    /// Returns the highest value.
    pub(super) fn most(&self) -> f64 {
        self.points.iter().map(|it| it.1).fold(0.0, f64::max)
    }
}

/// Returns the stages of the plan's only load; none unless it begins with the window.
pub(super) fn stages(document: &Document) -> Vec<Stage> {
    let stages = only_load(document).and_then(|it| it.get("stages")?.as_array());
    let mut all = Vec::new();
    let mut from = 0.0;
    for (index, stage) in stages.into_iter().flatten().enumerate() {
        let Some(length) = stage.get("duration").and_then(seconds) else {
            return Vec::new();
        };
        let name = stage.get("name").and_then(Value::as_str);
        all.push(Stage {
            from,
            to: from + length,
            name: name.map_or_else(|| format!("stage-{}", index + 1), str::to_owned),
        });
        from += length;
    }
    all
}

fn only_load(document: &Document) -> Option<&Value> {
    let loads = document.plan.resolved.get("load")?.as_array()?;
    let [load] = loads.as_slice() else {
        return None;
    };
    let starts = load.get("start_time").map_or(Some(0.0), seconds)?;
    (starts <= 0.0).then_some(load)
}

fn line(load: &Value, start: f64, unit: f64, users: bool) -> Option<Offered> {
    let mut points = vec![(0.0, start / unit)];
    let mut at = 0.0;
    for stage in load.get("stages")?.as_array()? {
        at += seconds(stage.get("duration")?)?;
        points.push((at, stage.get("target")?.as_f64()? / unit));
    }
    Some(Offered { users, points })
}

fn seconds(value: &Value) -> Option<f64> {
    let length = units::parse_duration(value.as_str()?).ok()?;
    Some(length.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::testing;

    #[test]
    fn a_line_is_what_the_plan_says() {
        let mut document = testing::document();
        let load = json!({
            "executor": "ramping-arrival-rate", "start_rate": 60, "time_unit": "1m", "start_time": "0s",
            "stages": [
                {"duration": "4s", "name": "up", "target": 1800},
                {"duration": "1m", "name": "hold", "target": 1800},
            ],
        });
        document.plan.resolved = json!({ "load": [load] });
        let offered = Offered::of(&document).unwrap();
        assert!(!offered.users);
        // 60 and 1,800 a minute are 1 and 30 a second.
        assert_eq!(offered.points, [(0.0, 1.0), (4.0, 30.0), (64.0, 30.0)]);
        let stages = stages(&document);
        assert_eq!(stages[1].name, "hold");
        assert!((stages[1].from - 4.0).abs() < 1e-9 && (stages[1].to - 64.0).abs() < 1e-9);

        // Of two loads nothing is drawn: their clocks differ.
        document.plan.resolved = json!({ "load": [load, load] });
        assert!(Offered::of(&document).is_none());
        document.plan.resolved = json!({ "load": [{"executor": "constant-vus", "vus": 8}] });
        let users = Offered::of(&document).unwrap();
        assert!(users.users && users.most() > 7.9);
    }
}
