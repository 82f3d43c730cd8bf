//! The JSON report of a run, read as any other program would read it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::access_log::Tally;

/// The report of one run.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    document: Value,
    text: String,
}

impl Report {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("no report: {error}"))?;
        let document: Value = serde_json::from_str(&text)
            .map_err(|error| format!("the report is not JSON: {error}"))?;
        Ok(Self { document, text })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.document["interrupted"] == true
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.document["verdict"] == "fail"
    }

    /// The number at a JSON pointer.
    #[track_caller]
    pub(crate) fn number(&self, pointer: &str) -> u64 {
        let found = self.document.pointer(pointer).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("no number at {pointer} in\n{:#}", self.document))
    }

    /// The iterations of one journey in the measured period that ended well.
    #[track_caller]
    pub(crate) fn ok_iterations(&self, journey: &str) -> u64 {
        let found = list(&self.document["journeys"])
            .iter()
            .find(|it| it["name"] == journey)
            .unwrap_or_else(|| panic!("no journey {journey} in\n{:#}", self.document));
        found["outcomes"]["ok"].as_u64().expect("a count")
    }

    /// The iterations of one journey that ended well, or as they were told to.
    #[track_caller]
    pub(crate) fn iterations_as_meant(&self, journey: &str) -> u64 {
        let found = list(&self.document["journeys"]).iter();
        let found = { found }.find(|it| it["name"] == journey);
        let outcomes = &found.expect("the journey")["outcomes"];
        let count = |kind: &str| outcomes[kind].as_u64().unwrap_or_default();
        count("ok") + count("misbehaved")
    }

    /// The iterations of one journey that failed.
    #[track_caller]
    pub(crate) fn failed_iterations(&self, journey: &str) -> u64 {
        let found = list(&self.document["journeys"]).iter();
        let found = { found }.find(|it| it["name"] == journey);
        let failed = &found.expect("the journey")["outcomes"]["failed"];
        failed.as_u64().unwrap_or_default()
    }

    /// How many requests were sent, in all periods.
    pub(crate) fn requests(&self) -> u64 {
        let periods = list(&self.document["periods"]).iter();
        let all = periods.chain([&self.document["totals"]]);
        all.map(requests).sum()
    }

    /// How many of them were sent before the load.
    pub(crate) fn requests_before_the_load(&self) -> u64 {
        let mut periods = list(&self.document["periods"]).iter();
        let prepare = periods.find(|it| it["period"] == "prepare");
        prepare.map_or(0, requests)
    }

    /// How many of these went to the registry, and not to its token server.
    pub(crate) fn requests_to_the_registry_before_the_load(&self) -> u64 {
        let periods = list(&self.document["periods"]).iter();
        let prepare = periods.filter(|it| it["period"] == "prepare");
        let operations = prepare.flat_map(|it| list(&it["operations"]));
        let tokens = operations.filter(|it| it["name"] == "token");
        let tokens = tokens.flat_map(|it| map(&it["statuses"]).into_values());
        self.requests_before_the_load() - tokens.sum::<u64>()
    }

    /// Every exchange of every period: by operation and status how many, by operation the bytes received.
    pub(crate) fn exchanges(&self) -> Tally {
        let periods = list(&self.document["periods"]);
        let outside = periods
            .iter()
            .flat_map(|period| list(&period["operations"]));
        let mut tally = Tally::default();
        for operation in list(&self.document["operations"]).iter().chain(outside) {
            let name = operation["name"]
                .as_str()
                .expect("the name of an operation");
            for (status, count) in map(&operation["statuses"]) {
                let status = status.parse().expect("a status");
                tally.add(name, status, count);
            }
            let received = operation["bytes"]["received"].as_u64().expect("bytes");
            tally.add_bytes(name, received);
        }
        tally
    }

    /// Ends the test unless nothing failed, nothing was given up, and every sum closes.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let document = &self.document;
        assert_eq!(document["schema"], "regstorm.report/3");
        assert_eq!(document["interrupted"], false);
        assert_eq!(document["failures"]["kinds"], Value::Array(Vec::new()));
        assert_eq!(self.number("/failures/other"), 0);
        let totals = &document["totals"];
        for part in list(&document["periods"]).iter().chain([totals]) {
            for kind in ["iterations", "exchanges"] {
                assert_eq!(part[kind]["failed"], 0, "{kind} of {part:#}");
                assert_eq!(part[kind]["cancelled"], 0, "{kind} of {part:#}");
            }
            assert_eq!(part["starts"]["scheduled"], part["starts"]["started"]);
            assert_eq!(part["starts"]["started"], part["iterations"]["ok"]);
        }
        self.assert_sums();
    }

    /// Ends the test unless every sum closes.
    #[track_caller]
    pub(crate) fn assert_sums(&self) {
        let sums = list(&self.document["closure"]);
        assert!(!sums.is_empty(), "no sum was checked");
        for sum in sums {
            assert_eq!(sum["left"], sum["right"], "{sum}");
            assert_eq!(sum["holds"], true, "{sum}");
        }
    }
}

/// The exchanges of a period, however they ended.
fn requests(period: &Value) -> u64 {
    let outcomes = period["exchanges"].as_object().expect("outcomes");
    let counts = ["ok", "failed", "cancelled", "misbehaved"];
    let counts = counts
        .iter()
        .filter_map(|kind| outcomes.get(*kind)?.as_u64());
    counts.sum()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn map(value: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(value.clone()).expect("counts by name")
}
