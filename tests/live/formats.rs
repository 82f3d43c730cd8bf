//! What we write, as other programs read it: HdrHistogram's Python, promtool, and taplo.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use regstorm::measure::PackedHistogram;
use regstorm::result::Document;
use regstorm::units::Quantile;
use serde_json::Value;

use crate::support::{Program, regstorm, scratch, wait_for};

/// Three seconds of pulls: several windows of the time series.
const PULLS: &str = r#"name = "formats"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 1
layers = 2
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "constant-arrival-rate"
rate = 200
max_vus = 50
duration = "3s"
"#;

/// Reads a log: of each tag the number of values, each value with the number of those that are not more, and where its
/// windows begin, from the opening. Its own percentiles round the rank to the nearest, and are no witness.
const READ_LOG: &str = r#"
import json, sys
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600000000, 2))
sums, starts = {}, {}
while True:
    read = reader.get_next_interval_histogram()
    if read is None:
        break
    tag = read.get_tag()
    sums.setdefault(tag, HdrHistogram(1, 3600000000, 2)).add(read)
    starts.setdefault(tag, []).append(round(read.get_start_time_stamp() / 1000 - reader.get_start_time_sec(), 3))
print(json.dumps({tag: {
    "count": it.get_total_count(),
    "values": [(it.get_highest_equivalent_value(at.value_iterated_to), at.total_count_to_this_value)
               for at in it.get_recorded_iterator()],
    "starts": starts[tag],
} for tag, it in sums.items()}))
"#;

/// Tells the values of an encoded histogram in ascending order, and how many are not more than each.
///
/// Its own percentile text is no witness: its steps shrink from row to row, where those of HdrHistogram's Java halve.
const VALUES: &str = r"
import sys
from hdrh.histogram import HdrHistogram
read = HdrHistogram.decode(sys.argv[1])
for it in read.get_recorded_iterator():
    print(read.get_highest_equivalent_value(it.value_iterated_to), it.total_count_to_this_value)
";

/// A program of the virtual environment.
fn installed(name: &str) -> PathBuf {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin");
    let program = bin.join(name);
    assert!(program.exists(), "scripts/test makes {}", program.display());
    program
}

fn python(script: &str, argument: &str) -> String {
    Program::new(installed("python"))
        .args(["-c", script, argument])
        .run()
        .ok()
        .stdout
}

/// A run, its report, and the same in one format.
fn a_run(format: &str) -> (tempfile::TempDir, Document, PathBuf) {
    let dir = scratch();
    let [scenario, report, out] =
        ["scenario.toml", "report.json", "out"].map(|name| dir.path().join(name));
    fs::write(&scenario, PULLS).expect("a scenario");
    let ran = regstorm(["run", "--quiet", "--out"])
        .args([&report, &scenario])
        .run();
    // Whether this machine is fit to measure is no matter of formats.
    assert!([0, 4].contains(&ran.code()), "{ran}");
    regstorm(["report", "--quiet"])
        .args([report.as_os_str(), format.as_ref(), out.as_os_str()])
        .run()
        .ok();
    let document = Document::load(&report).expect("a report");
    (dir, document, out)
}

#[test]
fn the_interval_log_is_read_with_the_same_counts_and_percentiles() {
    let (_dir, document, log) = a_run("--hlog");
    let read = python(READ_LOG, &log.to_string_lossy());
    let read: Value = serde_json::from_str(&read).expect("JSON");
    let pulls = read["pull.response_time"]["count"].as_u64();
    assert_eq!(pulls, Some(document.totals.iterations.ok));
    assert!(pulls > Some(100), "{pulls:?}");
    let filled = document.latency_series.iter();
    let filled: Vec<_> = filled
        .filter(|it| it.windows.iter().any(|window| !window.is_empty()))
        .collect();
    assert_eq!(read.as_object().expect("tags").len(), filled.len());
    for series in filled {
        let told = &read[series.metric.to_string()];
        let values: Vec<(u64, u64)> =
            serde_json::from_value(told["values"].clone()).expect("values and counts");
        let all = told["count"].as_u64().expect("a count");
        for (percent, quantile) in [
            (50, Quantile::P50),
            (90, Quantile::P90),
            (99, Quantile::P99),
        ] {
            // The first value that so many in a hundred do not exceed.
            let first = values.iter().find(|it| it.1 * 100 >= all * percent);
            // Of too few we tell nothing.
            if let Some(ours) = PackedHistogram::quantile_of(&series.windows, quantile) {
                let theirs = first.map(|it| u128::from(it.0));
                assert_eq!(
                    theirs,
                    Some(ours.as_micros()),
                    "{} {quantile}",
                    series.metric
                );
            }
        }
        let begun = (0_u64..).zip(&series.windows);
        let seconds = document.time_series.window_seconds();
        let starts: Vec<Value> = begun
            .filter(|(_, window)| !window.is_empty())
            .map(|(index, _)| {
                format!("{}.0", index * seconds)
                    .parse::<f64>()
                    .expect("a number")
                    .into()
            })
            .collect();
        assert_eq!(told["starts"], Value::Array(starts), "{}", series.metric);
    }
}

#[test]
fn each_step_of_the_percentile_text_is_the_first_value_with_so_many_below() {
    let (_dir, document, out) = a_run("--hgrm");
    let response = &document.journeys[0].latencies.response_time;
    let values = python(VALUES, &response.encode());
    let values: Vec<(u64, u64)> = values
        .lines()
        .filter_map(|line| {
            let (value, count) = line.split_once(' ')?;
            Some((value.parse().ok()?, count.parse().ok()?))
        })
        .collect();
    let all = response.count();
    assert_eq!(values.last().map(|it| it.1), Some(all));
    let text = fs::read_to_string(out).expect("a file");
    let mut shares = Vec::new();
    for line in text
        .lines()
        .filter(|it| it.starts_with(' ') && !it.contains("Value"))
    {
        let cells: Vec<&str> = line.split_whitespace().collect();
        // Milliseconds with three decimals are whole microseconds without the point.
        let micros: u64 = cells[0].replace('.', "").parse().expect("a value");
        let share: f64 = cells[1].parse().expect("a share");
        let needed = share * real(all);
        let first = values.iter().find(|it| real(it.1) >= needed - 1e-6);
        let (value, count) = *first.expect("there are as many");
        assert_eq!(
            (micros, cells[2]),
            (value, count.to_string().as_str()),
            "{line}"
        );
        if let Some(other) = cells.get(3) {
            let other: f64 = other.parse().expect("a number");
            assert!((other - 1.0 / (1.0 - share)).abs() < 0.006, "{line}");
        }
        shares.push(share);
    }
    // Five steps to each half of what is left.
    let begin = [
        0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.775,
    ];
    for (share, is) in begin.iter().zip(&shares) {
        assert!((share - is).abs() < 1e-9, "{shares:?}");
    }
    assert!(shares.len() > begin.len() && shares.last().is_some_and(|it| *it >= 1.0));
}

#[expect(clippy::cast_precision_loss, reason = "no test makes 2^53 iterations")]
fn real(count: u64) -> f64 {
    count as f64
}

#[test]
fn promtool_finds_no_fault() {
    let (_dir, _, out) = a_run("--openmetrics");
    let text = fs::read_to_string(out).expect("a file");
    let checked = Program::new("promtool")
        .args(["check", "metrics"])
        .input(text);
    let checked = checked.run().ok();
    assert_eq!(checked.said(), "");
}

/// The body of one answer.
fn scrape(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a URL");
    let address = rest.strip_suffix("/metrics").expect("its path");
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    body.to_owned()
}

#[test]
fn promtool_finds_no_fault_while_a_run_goes_on() {
    let dir = scratch();
    let [scenario, log] = ["scenario.toml", "log"].map(|name| dir.path().join(name));
    fs::write(&scenario, PULLS.replace("3s", "60s")).expect("a scenario");
    let mut run = regstorm(["run", "--metrics", "127.0.0.1:0"])
        .args([&scenario])
        .start(&log);
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let url = || {
        let said = said();
        let line = said.lines().find_map(|it| it.strip_prefix("metrics  "));
        line.map(str::to_owned)
    };
    assert!(run.ready(|| url().is_some()), "{}", said());
    let url = url().expect("it said so");
    let limit = std::time::Duration::from_mins(2);
    let text = wait_for(limit, || {
        let text = scrape(&url);
        text.contains("regstorm_period{period=\"measure\"} 1")
            .then_some(text)
    });
    let text = text.expect("a scrape of the measured window");
    let checked = Program::new("promtool")
        .args(["check", "metrics"])
        .input(text);
    let checked = checked.run().ok();
    assert_eq!(checked.said(), "");
    run.kill();
}

/// Editors that know TOML are built on taplo: a first line names the schema.
#[test]
fn taplo_checks_a_scenario_by_the_schema_that_its_first_line_names() {
    let dir = scratch();
    let schema = regstorm(["schema", "scenario"]).run().ok().stdout;
    fs::write(dir.path().join("scenario.schema.json"), schema).expect("a schema");
    let lint = |scenario: &str| {
        let path = dir.path().join("scenario.toml");
        let text = format!("#:schema scenario.schema.json\n{scenario}");
        fs::write(&path, text).expect("a scenario");
        Program::new(installed("taplo"))
            .args(["lint".as_ref(), path.as_os_str()])
            .run()
    };
    assert_eq!(lint(PULLS).code(), 0);
    for (right, wrong) in [
        ("url = \"embedded\"", "url = \"embedded\"\nurll = 1"),
        ("source = \"synthetic\"", "source = \"synthetical\""),
    ] {
        assert!(PULLS.contains(right), "{right}");
        let refused = lint(&PULLS.replacen(right, wrong, 1));
        assert_ne!(refused.code(), 0, "{wrong}: {refused}");
    }
}
