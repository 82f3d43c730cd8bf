//! An HdrHistogram interval log: the latencies of each window, for the tools of HdrHistogram.
//!
//! Version 1.3 of the format: comments, a legend, and a line for each window and metric, told apart by `Tag`. Values are
//! microseconds, `Interval_Max` is in milliseconds. A window in which nothing ended well has no line. One that the end of the measured time cuts is as long as
//! its part before that end; what was under way then and ended later is in it all the same.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use crate::measure::Period;
use crate::result::Document;

/// Returns the windows of the document, in order of time.
pub fn render(document: &Document) -> String {
    let mut text = String::from("#[Histogram log format version 1.3]\n");
    // Writing to a string does not fail.
    if let Some(base) = window_opened(document) {
        let seconds = base.as_secs_f64();
        let shown = humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + base);
        let _ = writeln!(
            text,
            "#[StartTime: {seconds:.3} (seconds since epoch), {shown}]"
        );
        let _ = writeln!(text, "#[BaseTime: {seconds:.3} (seconds since epoch)]");
    }
    text.push_str(
        "#[Values in microseconds, Interval_Max in milliseconds, two significant digits]\n",
    );
    text.push_str(
        "#[Offsets are from the opening of the measured window. BaseTime is when the run began and what its \
         preparation and warm-up took; images are opened in between]\n",
    );
    text.push_str("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
    let seconds = document.time_series.window_seconds();
    let series = &document.latency_series;
    let windows = series.iter().map(|it| it.windows.len()).max().unwrap_or(0);
    for (window, start) in (0..windows).zip((0_u64..).map(|it| it * seconds)) {
        for series in series {
            let Some(histogram) = series.windows.get(window).filter(|it| !it.is_empty()) else {
                continue;
            };
            let tag = tag(&series.metric.to_string());
            let max = histogram.buckets().last().map(|it| it.high);
            let max = thousandths(max.unwrap_or_default().as_micros());
            let packed = histogram.encode();
            let length = length(start, seconds, document.window_us);
            let _ = writeln!(text, "Tag={tag},{start}.000,{length},{max},{packed}");
        }
    }
    text
}

/// When the measured window opened, since the epoch; nothing when the document does not say when the run began.
fn window_opened(document: &Document) -> Option<Duration> {
    let began = humantime::parse_rfc3339(&document.environment.started).ok()?;
    let before = document.periods.iter();
    let before = before.filter(|it| matches!(it.period, Period::Prepare | Period::WarmUp));
    let before: u64 = before.map(|it| it.duration_us).sum();
    let began = began.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    began.checked_add(Duration::from_micros(before))
}

/// Returns the tag of a metric, which has no comma, blank or line break.
fn tag(metric: &str) -> String {
    let bad = |c: char| c == ',' || c.is_whitespace() || c.is_control();
    metric.replace(bad, "_")
}

/// Returns how much of a window lies within the measured time, in seconds. One that begins after its end is whole.
fn length(start: u64, seconds: u64, measured_us: u64) -> String {
    let whole = seconds * 1_000_000;
    let left = measured_us.saturating_sub(start.saturating_mul(1_000_000));
    let micros = if left == 0 { whole } else { left.min(whole) };
    thousandths(u128::from(micros.div_ceil(1_000)))
}

/// Milliseconds in seconds, or microseconds in milliseconds.
fn thousandths(number: u128) -> String {
    format!("{}.{:03}", number / 1000, number % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Phase;
    use crate::measure::{IterationClock, Metric, PackedHistogram};
    use crate::oci::Operation;
    use crate::report::testing;
    use crate::result::LatencySeries;

    fn packed<const N: usize>(micros: [u64; N]) -> PackedHistogram {
        PackedHistogram::of_values(micros.map(Duration::from_micros))
    }

    #[test]
    fn a_line_for_each_window_in_which_something_ended() {
        let mut document = testing::document();
        let one = packed([100, 100, 100, 200]);
        let other = packed([127, 127]);
        let none = PackedHistogram::default();
        document.latency_series = vec![
            LatencySeries {
                metric: Metric::of_journey("pull, all\n", IterationClock::Response),
                windows: vec![one.clone(), none, other],
            },
            LatencySeries {
                metric: Metric::of_operation(Operation::BlobGet, Phase::Total),
                windows: vec![one.clone()],
            },
        ];
        let text = render(&document);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("#[Histogram log format version 1.3]"));
        // Began at 2026-01-02T03:04:05Z; preparation took 2 s, warm-up 3 s.
        assert_eq!(
            lines.next(),
            Some("#[StartTime: 1767323050.000 (seconds since epoch), 2026-01-02T03:04:10.000Z]")
        );
        assert_eq!(
            lines.next(),
            Some("#[BaseTime: 1767323050.000 (seconds since epoch)]")
        );
        let rest: Vec<&str> = lines.filter(|it| !it.starts_with('#')).collect();
        assert_eq!(
            rest[0],
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        );
        let fields: Vec<Vec<&str>> = rest[1..].iter().map(|it| it.split(',').collect()).collect();
        let packed = one.encode();
        assert_eq!(
            fields[0],
            [
                "Tag=pull__all_.response_time",
                "0.000",
                "1.000",
                "0.200",
                &packed
            ]
        );
        assert_eq!(
            fields[1][..4],
            ["Tag=blob-get.total", "0.000", "1.000", "0.200"]
        );
        assert_eq!(
            fields[2][..4],
            ["Tag=pull__all_.response_time", "2.000", "1.000", "0.127"]
        );
        assert_eq!(fields.len(), 3);
    }

    #[test]
    fn the_end_of_the_measured_time_cuts_a_window() {
        // Windows of 2 s, of which 4.5 s were measured; the last holds what ended late.
        let lengths = [0, 2, 4, 6].map(|start| length(start, 2, 4_500_000));
        assert_eq!(lengths, ["2.000", "2.000", "0.500", "2.000"]);
        assert_eq!(length(0, 64, 1), "0.001");
    }

    #[test]
    fn a_time_that_is_none_is_left_out() {
        let mut document = testing::document();
        document.environment.started = "yesterday".into();
        assert!(!render(&document).contains("BaseTime: "));
    }
}
