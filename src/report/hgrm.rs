//! HdrHistogram's percentile text: a whole distribution, for its plotters.
//!
//! One file is of one metric. Values are milliseconds, as the plotters label their axis. The last steps are single
//! samples: this is a picture of all that was measured, and no claim that its far percentiles are known.

use std::fmt::Write as _;
use std::time::Duration;

use crate::measure::LatencyHistogram;
use crate::result::Document;

/// How many steps there are until half of the rest is left: HdrHistogram's own number.
const TICKS: u32 = 5;

/// Returns the names that [`render`] takes. The first stands for the run: the response time of the first journey.
pub fn metrics(document: &Document) -> Vec<String> {
    let latencies = document.latencies();
    latencies.map(|(metric, _)| metric.to_string()).collect()
}

/// Returns the distribution of a metric, such as `pull.response_time` or `blob-get.total`; `None` where the run has no such
/// metric.
pub fn render(document: &Document, metric: &str) -> Option<String> {
    let mut latencies = document.latencies();
    let (_, histogram) = latencies.find(|it| it.0.to_string() == metric)?;
    Some(distribution(metric, histogram))
}

fn distribution(metric: &str, histogram: &LatencyHistogram) -> String {
    let mut text = format!("#[{metric}, values in milliseconds]\n");
    let _ = writeln!(
        text,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    for step in histogram.steps(TICKS) {
        let (value, share, count) = (millis(Some(step.value)), step.share, step.count);
        // Writing to a string does not fail.
        let _ = write!(text, "{value:>12} {share:2.12} {count:>10}");
        if share < 1.0 {
            let _ = write!(text, " {:>14.2}", 1.0 / (1.0 - share));
        }
        text.push('\n');
    }
    let (mean, deviation) = (millis(histogram.mean()), millis(histogram.deviation()));
    let (max, count) = (millis(histogram.max()), histogram.count());
    let _ = writeln!(
        text,
        "#[Mean    = {mean:>12}, StdDeviation   = {deviation:>12}]"
    );
    let _ = writeln!(text, "#[Max     = {max:>12}, Total count    = {count:>12}]");
    text
}

/// To the microsecond.
fn millis(time: Option<Duration>) -> String {
    let micros = time.unwrap_or_default().as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn ends_with_all_values_at_the_maximum() {
        let document = testing::document();
        assert_eq!(metrics(&document)[0], "pull.response_time");
        assert_eq!(render(&document, "pull.nothing"), None);
        let text = render(&document, "pull.service_time").unwrap();
        let rows: Vec<Vec<f64>> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.contains("Value") && !line.is_empty())
            .map(|line| {
                line.split_whitespace()
                    .map(|it| it.parse().unwrap())
                    .collect()
            })
            .collect();
        // Half of 1 to 1,000 ms are not more than 500 ms.
        let half = rows.iter().find(|row| (row[1] - 0.5).abs() < 1e-9).unwrap();
        assert!((500.0..=500.5).contains(&half[0]), "{half:?}");
        assert_eq!((half[2] - 500.0, half[3] - 2.0), (0.0, 0.0));
        let last = rows.last().unwrap();
        assert_eq!(
            (last.len(), last[1] - 1.0, last[2] - 1_000.0),
            (3, 0.0, 0.0)
        );
        assert!((1_000.0..=1_001.0).contains(&last[0]));
        assert!(text.contains("Total count    =         1000]"), "{text}");
    }

    #[test]
    fn of_nothing_there_are_no_steps() {
        let text = render(&testing::empty(), "pull.response_time").unwrap();
        assert_eq!(
            text.lines().filter(|it| it.starts_with(' ')).count(),
            1,
            "{text}"
        );
    }
}
