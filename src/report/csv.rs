//! CSV for spreadsheets and history tools: long, a row for each latency, or wide, one row for a run.
//!
//! Fields are quoted as RFC 4180 has it. A text that a spreadsheet would take for a formula gets an apostrophe in front.
//! What is not known, such as a p99 of fewer than 100 samples, is an empty field.

use std::time::Duration;

use crate::measure::{IterationClock, LatencyHistogram, Outcomes, Starts};
use crate::result::{Document, JourneySection, OperationSection};
use crate::telemetry::FigureUnit;
use crate::units::Quantile;

use super::figures::{PERCENTILES, failed_share, flows};
use super::hooks;
use super::table::harmless;

/// The columns of the long form, which stay as they are; new ones come last.
const COLUMNS: [&str; 30] = [
    "started",
    "plan",
    "fingerprint",
    "labels",
    "verdict",
    "health",
    "window_us",
    "journey",
    "load",
    "stage",
    "operation",
    "latency",
    "scheduled",
    "began",
    "dropped",
    "ok",
    "failed",
    "cancelled",
    "per_s",
    "samples",
    "min_us",
    "mean_us",
    "p50_us",
    "p90_us",
    "p95_us",
    "p99_us",
    "p999_us",
    "max_us",
    "clamped",
    "misbehaved",
];

/// Returns a row for each latency of each journey, of its stages and operations, and of the operations of all journeys, whose
/// field `journey` is empty. Counts are of iterations or exchanges and stand in each of their rows; exchanges have no
/// `scheduled` and no `dropped`. `per_s` counts what ended well within the window. Latencies are of ok ones.
pub fn long(document: &Document) -> String {
    let mut text = line(COLUMNS.map(ToOwned::to_owned));
    let run = run(document);
    let mut rows = Vec::new();
    for journey in &document.journeys {
        iterations(&mut rows, journey, [&journey.name, "", ""], true);
        for stage in &journey.stages {
            let place = [journey.name.as_str(), &stage.load, &stage.stage];
            let timed = stage.length_us.is_some();
            iterations(&mut rows, &stage.iterations, place, timed);
        }
        for operation in &journey.operations {
            exchanges(&mut rows, operation, &journey.name);
        }
    }
    for operation in &document.operations {
        exchanges(&mut rows, operation, "");
    }
    for row in rows {
        let cells = run.iter().cloned().chain(row);
        text.push_str(&line(cells));
    }
    text
}

/// One row: `time` and what the run was, then every number under the name that it has in each run of the plan, such as
/// `pull.response_time.p(99)_us`. This is what change detectors such as Apache Otava read. Of a run that is invalid the
/// numbers are left empty: nothing in such a file could say that they are not the target's.
pub fn wide(document: &Document) -> String {
    let known = super::counts(document);
    let mut names: Vec<String> = ["time", "plan", "fingerprint", "labels", "verdict", "health"]
        .map(ToOwned::to_owned)
        .to_vec();
    let mut values = run(document);
    values.truncate(names.len());
    let mut add = |name: String, value: Option<String>| {
        names.push(text(&name));
        values.push(value.filter(|_| known).unwrap_or_default());
    };
    for (metric, histogram) in document.latencies() {
        for (percentile, quantile) in PERCENTILES {
            let value = micros(histogram.quantile(quantile));
            add(format!("{metric}.{percentile}_us"), Some(value));
        }
    }
    for flow in flows(document) {
        add(format!("{}.per_s", flow.of), Some(flow.per_s.to_string()));
        let failed = failed_share(flow.outcomes).map(|it| it.to_string());
        add(format!("{}.failed_share", flow.of), failed);
    }
    if let Some(upstream) = &document.upstream {
        for (name, value) in [
            ("blobs", upstream.blobs.to_string()),
            ("fetches", upstream.fetches.to_string()),
            ("most", upstream.most.to_string()),
        ] {
            add(format!("upstream.{name}"), Some(value));
        }
    }
    for hook in &document.hooks {
        let name = &hook.record.name;
        let ok = hook.record.counts.ok;
        add(format!("hook.{name}.ok"), Some(ok.to_string()));
        for (what, value) in hooks::numbers(hook) {
            add(
                format!("hook.{name}.{what}"),
                value.map(|it| it.to_string()),
            );
        }
    }
    for figure in &document.server {
        let name = format!("{}{}", figure.metric, suffix(figure.unit));
        add(name, figure.value.map(|it| it.to_string()));
    }
    line(names) + &line(values)
}

/// Returns what tells the unit at the end of a name.
const fn suffix(unit: FigureUnit) -> &'static str {
    match unit {
        FigureUnit::Seconds => "_s",
        FigureUnit::Bytes => "_bytes",
        FigureUnit::BytesPerSecond => "_bytes_per_s",
        FigureUnit::PerSecond => "_per_s",
        FigureUnit::Cores
        | FigureUnit::SecondsPerSecond
        | FigureUnit::Share
        | FigureUnit::Number => "",
    }
}

/// Returns the first columns, the same in every row.
fn run(document: &Document) -> Vec<String> {
    let labels = document.environment.labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    vec![
        text(&document.environment.started),
        text(&document.plan.name),
        text(&document.plan.fingerprint.to_string()),
        text(&labels.join(" ")),
        document.verdict.name().to_owned(),
        document.generator.health.verdict().name().to_owned(),
        document.window_us.to_string(),
    ]
}

/// The latencies of iterations: `place` is journey, load and stage. `timed`: a rate is known.
fn iterations(rows: &mut Vec<Vec<String>>, of: &JourneySection, place: [&str; 3], timed: bool) {
    for clock in IterationClock::ALL {
        let mut row: Vec<String> = place.map(text).to_vec();
        row.push(String::new());
        row.push(clock.name().to_owned());
        let per_s = timed.then_some(of.iterations_per_s);
        row.extend(counts(Some(of.counts.starts), of.counts.outcomes, per_s));
        row.extend(times(of.latencies.of(clock)));
        row.push(of.counts.outcomes.misbehaved.to_string());
        rows.push(row);
    }
}

/// The latencies of one operation: a row for each of its phases.
fn exchanges(rows: &mut Vec<Vec<String>>, of: &OperationSection, journey: &str) {
    for (phase, histogram) in of.latencies.phases.iter() {
        let operation = of.name.name();
        let mut row: Vec<String> = [journey, "", "", operation, phase.name()]
            .map(text)
            .to_vec();
        row.extend(counts(None, of.counts.outcomes, Some(of.requests_per_s)));
        row.extend(times(histogram));
        row.push(of.counts.outcomes.misbehaved.to_string());
        rows.push(row);
    }
}

fn counts(starts: Option<Starts>, outcomes: Outcomes, per_s: Option<f64>) -> [String; 7] {
    let of_starts = |which: fn(Starts) -> u64| {
        let known = starts.map(|it| which(it).to_string());
        known.unwrap_or_default()
    };
    let began = starts.map_or_else(|| outcomes.ended(), |it| it.started);
    [
        of_starts(|it| it.scheduled),
        began.to_string(),
        of_starts(|it| it.dropped),
        outcomes.ok.to_string(),
        outcomes.failed.to_string(),
        outcomes.cancelled.to_string(),
        per_s.map(|it| it.to_string()).unwrap_or_default(),
    ]
}

fn times(histogram: &LatencyHistogram) -> [String; 10] {
    let at = |quantile: Quantile| micros(histogram.quantile(quantile));
    let [p50, p90, p95, p99, p999] = PERCENTILES.map(|(_, quantile)| at(quantile));
    [
        histogram.count().to_string(),
        micros(histogram.min()),
        micros(histogram.mean()),
        p50,
        p90,
        p95,
        p99,
        p999,
        micros(histogram.max()),
        histogram.clamped().to_string(),
    ]
}

fn micros(time: Option<Duration>) -> String {
    time.map(|it| it.as_micros().to_string())
        .unwrap_or_default()
}

/// Returns the words of others, harmless to a spreadsheet.
fn text(words: &str) -> String {
    let words = harmless(words);
    // A spreadsheet may look past blanks.
    if words.trim_start().starts_with(['=', '+', '-', '@']) {
        format!("'{words}")
    } else {
        words
    }
}

/// Returns a record, ended as RFC 4180 has it.
fn line(fields: impl IntoIterator<Item = String>) -> String {
    let quoted = |field: String| {
        if field.contains([',', '"', '\r', '\n']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    };
    let fields: Vec<String> = fields.into_iter().map(quoted).collect();
    fields.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::testing;

    /// Returns the rows as another program reads them.
    fn read(text: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().unwrap().clone();
        let records = reader.records().map(|it| it.unwrap());
        let row = |record: csv::StringRecord| {
            let cells = names.iter().zip(&record);
            cells
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        records.map(row).collect()
    }

    #[test]
    fn a_row_for_each_latency() {
        let rows = read(&long(&testing::document()));
        let keys: Vec<[&str; 3]> = rows
            .iter()
            .map(|it| ["journey", "operation", "latency"].map(|name| it[name].as_str()))
            .collect();
        assert_eq!(
            keys,
            [
                ["pull", "", "response_time"],
                ["pull", "", "service_time"],
                ["pull", "", "start_lag"],
                ["pull", "blob-get", "first-byte"],
                ["pull", "blob-get", "total"],
                ["", "blob-get", "first-byte"],
                ["", "blob-get", "total"],
            ]
        );
        let service = &rows[1];
        for (column, value) in [
            ("started", "2026-01-02T03:04:05.000Z"),
            ("plan", "rollout"),
            ("labels", "build=1.4.2"),
            ("verdict", "pass"),
            ("health", "valid"),
            ("window_us", "20000000"),
            ("scheduled", "1010"),
            ("began", "1008"),
            ("dropped", "2"),
            ("ok", "1000"),
            ("failed", "6"),
            ("cancelled", "2"),
            ("per_s", "49.9"),
            ("samples", "1000"),
        ] {
            assert_eq!(service[column], value, "{column}");
        }
        // Of 1 to 1,000 ms, p99 is the 990th value, in buckets of a part in a thousand.
        let p99: u64 = service["p99_us"].parse().unwrap();
        assert!((990_000..=990_990).contains(&p99), "{p99}");
        // 50 first bytes do not know their p99, and one start lag does not know its median.
        assert_eq!(rows[5]["p99_us"], "");
        assert_eq!(rows[5]["scheduled"], "");
        assert_eq!(rows[2]["p50_us"], "");
        assert_eq!(rows[2]["max_us"], "1000");
    }

    #[test]
    fn the_row_has_the_numbers_of_the_target() {
        let rows = read(&wide(&testing::observed()));
        assert_eq!(rows[0]["server.cpu"], "0.5");
        let cpu: f64 = rows[0]["server.cpu_per_pull_s"].parse().unwrap();
        assert!((cpu - 0.5 * 60.0 / 998.0).abs() < 1e-12, "{cpu}");
        assert_eq!(rows[0]["server.memory.max_bytes"], "100290000");
        let slope: f64 = rows[0]["server.memory.slope_bytes_per_s"].parse().unwrap();
        assert!((slope - 1e4).abs() < 1e-6, "{slope}");
        assert_eq!(rows[0]["server.metrics.zot_repos"], "3");
        // There is nothing to conclude the slope of few windows from.
        let mut few = testing::observed();
        let mut telemetry = few.telemetry.take().unwrap();
        telemetry.sources[0].series[1].windows.truncate(10);
        few.set_telemetry(telemetry);
        assert_eq!(read(&wide(&few))[0]["server.memory.slope_bytes_per_s"], "");
    }

    #[test]
    fn one_row_for_history() {
        let mut document = testing::document();
        let rows = read(&wide(&document));
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["time"], "2026-01-02T03:04:05.000Z");
        assert_eq!(rows[0]["pull.per_s"], "49.9");
        assert_eq!(rows[0]["blob-get.first-byte.p(99)_us"], "");
        let p50: u64 = rows[0]["pull.service_time.p(50)_us"].parse().unwrap();
        assert!((500_000..=500_500).contains(&p50), "{p50}");
        // 6 of 1,008
        let share: f64 = rows[0]["pull.failed_share"].parse().unwrap();
        assert!((share - 6.0 / 1_008.0).abs() < 1e-12);
        testing::invalidate(&mut document);
        let rows = read(&wide(&document));
        assert_eq!(rows[0]["health"], "invalid");
        assert_eq!(rows[0]["pull.service_time.p(50)_us"], "");
        assert_eq!(rows[0]["pull.per_s"], "");
    }

    #[test]
    fn words_are_neither_formulas_nor_columns() {
        let mut document = testing::document();
        document.plan.name = testing::HOSTILE.into();
        document.journeys[0].name = "  -2+3, \"x\"".into();
        for text in [long(&document), wide(&document)] {
            let row = &read(&text)[0];
            assert!(
                row["plan"].starts_with("'=a|b`c`<script>"),
                "{}",
                row["plan"]
            );
            assert!(!row["plan"].contains(['\r', '\n', '\0']));
        }
        assert_eq!(read(&long(&document))[0]["journey"], "'  -2+3, \"x\"");
    }
}
