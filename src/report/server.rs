//! The target's side of a run in words: what it used, how that was read, and what moved with the latency.

use std::fmt::Write as _;

use crate::result::{Document, Lag, MovedWith, Rise};
use crate::telemetry::{Series, ServerFigure, ServerMetric, SourceRecord, Telemetry};
use crate::units;

/// The words that a summary has, beside processor time and memory, and how each is said.
const OTHERS: [(&str, &str); 12] = [
    ("throttled", "throttled"),
    ("gc_pause", "gc pause"),
    ("open_files", "open files"),
    ("goroutines", "goroutines"),
    ("requests_in_flight", "in flight"),
    ("storage_time", "storage time"),
    ("database_time", "database time"),
    ("read_bytes", "read"),
    ("written_bytes", "written"),
    ("size.growth", "size grew"),
    ("cache_hit_share", "cache hits"),
    ("proxy_hit_share", "proxy hits"),
];

/// More problems than these are in the report only.
const MOST_PROBLEMS: usize = 3;

/// Returns what a word or a series is, for people.
pub(super) fn title(series: &str) -> &str {
    match series {
        "cpu" => "Processor cores used",
        "throttled" => "Share of time throttled by the cgroup",
        "memory" => "Memory",
        "heap" => "Heap in use",
        "open_files" => "Open files",
        "threads" => "Threads",
        "goroutines" => "Goroutines",
        "gc_pause" => "Share of time in pauses of the collector",
        "requests_in_flight" => "Requests in flight",
        "storage_time" => "Time in storage, in a second",
        "storage_operations" => "Operations of storage",
        "database_time" => "Time in the database, in a second",
        "read_bytes" => "Bytes read from disk",
        "written_bytes" => "Bytes written to disk",
        "reads" => "Reads of the disk",
        "writes" => "Writes to the disk",
        "busy" => "Share of time that the disk was busy",
        "queue" => "Requests of the disk under way",
        "size" => "Size of the storage",
        "cache_hits" => "Hits of the cache",
        "cache_misses" => "Misses of the cache",
        "proxy_hits" => "Hits of the pull-through cache",
        "proxy_misses" => "Misses of the pull-through cache",
        other => other,
    }
}

/// Returns what the target used, in short parts.
pub(super) fn usage(document: &Document) -> Vec<String> {
    let known = |word: &str| {
        let figure = document.server_figure(&ServerMetric::of_word(word))?;
        figure.value.is_some().then_some(figure)
    };
    let mut parts = Vec::new();
    parts.extend(known("cpu").map(ServerFigure::text));
    let of_kind = [("cpu_per_pull", "a pull"), ("cpu_per_push", "a push")];
    let all = of_kind
        .into_iter()
        .chain([("cpu_per_iteration", "an iteration")]);
    let mut per = all.filter_map(|(word, what)| Some((known(word)?, what)));
    parts.extend(
        per.next()
            .map(|(it, what)| format!("cpu {} {what}", it.text())),
    );
    parts.extend(known("cpu_per_gb").map(|it| format!("cpu {} a GB", it.text())));
    parts.extend(memory(document));
    for (word, said) in OTHERS {
        let is_nothing = |it: &&ServerFigure| it.value.is_none_or(|value| value == 0.0);
        parts.extend(
            known(word)
                .filter(|it| !is_nothing(it))
                .map(|it| format!("{said} {}", it.text())),
        );
    }
    parts
}

/// `memory 41.2 MB to 45 MB, max 46.1 MB, 120 kB/min (90 kB/min to 150 kB/min)`
fn memory(document: &Document) -> Option<String> {
    let figure = |word: &str| document.server_figure(&ServerMetric::of_word(word));
    let mean = figure("memory")?;
    let telemetry = document.telemetry.as_ref()?;
    let source = telemetry.sources.iter().find(|it| it.name == mean.source)?;
    let series = source.series.iter().find(|it| it.name == "memory")?;
    let (first, last) = (series.first?, series.last?);
    let mut text = format!("memory {} to {}", units::amount(first), units::amount(last));
    if let Some(max) = figure("memory.max").and_then(|it| it.value) {
        // Writing to a string does not fail.
        let _ = write!(text, ", max {}", units::amount(max));
    }
    match figure("memory.slope") {
        Some(slope) if slope.value.is_some() => {
            let _ = write!(text, ", slope {}", slope.text());
        }
        _ => text.push_str(", slope not known"),
    }
    Some(text)
}

/// Returns how often the target was restarted, if it was.
pub(super) fn restarts(document: &Document) -> Option<String> {
    let figure = document.server_figure(&ServerMetric::of_word("restarts"))?;
    let restarts = figure.value.filter(|it| *it > 0.0)?;
    let times = if restarts > 1.0 {
        "restarts"
    } else {
        "restart"
    };
    Some(format!(
        "{} {times} of {}",
        units::number(restarts),
        figure.source
    ))
}

/// Returns how the readings of a source went: `120 of 121 readings, 1 failed, 2 late`.
pub(super) fn readings(source: &SourceRecord) -> String {
    let it = source.readings;
    let mut text = format!(
        "{} of {} readings",
        units::count(it.good),
        units::count(it.due)
    );
    for (count, what) in [
        (it.failed, "failed"),
        (it.missed, "missed"),
        (it.late, "late"),
    ] {
        if count > 0 {
            // Writing to a string does not fail.
            let _ = write!(text, ", {} {what}", units::count(count));
        }
    }
    text
}

/// Returns a line for each source, and what reading all cost.
pub(super) fn sources(telemetry: &Telemetry, window_us: u64) -> Vec<String> {
    let lines = telemetry.sources.iter().map(|it| {
        let problems = it.problems.iter().take(MOST_PROBLEMS);
        let problems =
            problems.map(|it| format!("; {} ({} times)", it.text, units::count(it.count)));
        format!(
            "{}: {}{}",
            it.name,
            readings(it),
            problems.collect::<String>()
        )
    });
    lines.chain(cost(telemetry, window_us)).collect()
}

/// `reading took 0.21% of a core and 3.1 kB/s`
pub(super) fn cost(telemetry: &Telemetry, window_us: u64) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown of it")]
    let share = |part: u64| (window_us > 0).then(|| part as f64 / window_us as f64);
    let cores = share(telemetry.cost.cpu_us)?;
    let bytes = units::per_second(share(telemetry.cost.received_bytes)? * 1e6, "B");
    Some(format!(
        "reading took {} of a core, {bytes}",
        units::share(cores)
    ))
}

/// Returns what moved with the latency, as hints; nothing where nothing was tried.
pub(super) fn hints(moved: &MovedWith) -> Vec<String> {
    let latency = format!("p{} of {}", moved.quantile.percentile(), moved.metric);
    let mut lines = Vec::new();
    if moved.tried > 0 {
        let found = moved
            .series
            .iter()
            .map(|it| format!("{} {:+.2}", it.series, it.rho));
        let found: Vec<String> = found.collect();
        let said = if found.is_empty() {
            "nothing more than chance does".to_owned()
        } else {
            found.join(", ")
        };
        lines.push(format!("moved with {latency}: {said} ({})", tried(moved)));
    }
    lines.extend(moved.lags.iter().map(|it| lag(&latency, it)));
    lines.extend(moved.rise.map(|it| rise(&latency, it)));
    lines
}

/// `rank correlation over 60 steps of 2 s; 14 series tried, of which chance takes the closest to 0.42 or beyond in 5 of 100 runs`
fn tried(moved: &MovedWith) -> String {
    let steps = format!("{} steps of {} s", moved.steps, moved.step_s);
    let chance = moved.rho_of_chance.map_or_else(String::new, |it| {
        format!("; chance takes one of them beyond {it:.2} in 5 of 100 runs")
    });
    let tried = units::count(moved.tried as u64);
    format!("rank correlation over {steps}; series tried: {tried}{chance}")
}

fn lag(latency: &str, lag: &Lag) -> String {
    let when = after(lag.after_s);
    format!(
        "{latency} moved {when} {} of {} ({:+.2})",
        lag.series, lag.source, lag.rho
    )
}

fn rise(latency: &str, rise: Rise) -> String {
    let when = after(rise.after_s);
    format!(
        "{latency} rose {when} restarts ({} of {})",
        rise.times, rise.restarts
    )
}

fn after(seconds: u64) -> String {
    if seconds == 0 {
        "with".to_owned()
    } else {
        format!("{seconds} s after")
    }
}

/// What a hint is, and is not.
pub(super) const HINT: &str =
    "A hint where to look: what moves together need not be cause and effect.";

/// Returns every series of that name with its source.
pub(super) fn series_of<'a>(
    telemetry: &'a Telemetry,
    name: &str,
) -> Vec<(&'a SourceRecord, &'a Series)> {
    let sources = telemetry.sources.iter();
    let found = sources.filter_map(|source| {
        let series = source.series.iter().find(|it| it.name == name)?;
        Some((source, series))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{document, observed};

    /// 998 pulls in a minute are 16.63 a second; half a core by that are 30.1 ms.
    #[test]
    fn usage_is_what_the_sources_say() {
        let document = observed();
        let usage = usage(&document);
        assert_eq!(usage[..2], ["0.5 cores", "cpu 30.1 ms a pull"]);
        let memory = usage.iter().find(|it| it.starts_with("memory")).unwrap();
        assert!(
            memory.starts_with(
                "memory 100 MB to 100 MB, max 100 MB, slope 600 kB/min (600 kB/min to 600 kB/min)"
            ),
            "{memory}"
        );
        assert!(usage.contains(&"goroutines 39.5".to_owned()), "{usage:?}");
        assert_eq!(restarts(&document).unwrap(), "1 restart of registry");
        let telemetry = document.telemetry.as_ref().unwrap();
        assert_eq!(
            sources(telemetry, document.window_us),
            [
                "registry: 60 of 61 readings, 1 failed, 2 late; connection refused (1 times)",
                "metrics: 61 of 61 readings",
                "reading took 0.2% of a core, 10 kB/s",
            ]
        );
    }

    /// Slices in a row have the same half of a core and the same pulls a second; shards have one registry between them.
    #[test]
    fn runs_in_a_row_add_up_and_shards_share() {
        let cpu = |document: &Document| {
            let metric = ServerMetric::of_word("cpu_per_pull");
            document.server_figure(&metric).map(|it| it.value.unwrap())
        };
        let one = cpu(&observed()).unwrap();
        let mut row = observed();
        row.append(observed()).unwrap();
        assert!((cpu(&row).unwrap() - one).abs() < 1e-9, "{row:?}");
        let telemetry = row.telemetry.as_ref().unwrap();
        let source = &telemetry.sources[0];
        assert_eq!(source.restarts_us, [30_500_000, 90_500_000]);
        assert_eq!(
            (source.readings.good, source.series[0].windows.len()),
            (120, 120)
        );
        assert_eq!(
            source.series[0].windows[64], None,
            "the fifth of the second"
        );

        let shard = |index| {
            let mut document = observed();
            document.shard = serde_json::from_value(serde_json::json!({
                "index": index, "count": 2, "run": "1", "from": "--shard",
            }))
            .unwrap();
            let telemetry = document.telemetry.take().unwrap();
            document.set_telemetry(telemetry);
            document
        };
        let mut both = shard(0);
        assert_eq!(cpu(&both), None, "what others did is not known");
        both.merge(shard(1)).unwrap();
        assert!((cpu(&both).unwrap() - one / 2.0).abs() < 1e-9);
        assert_eq!(both.telemetry.unwrap().sources[0].readings.good, 60);
    }

    #[test]
    fn a_hint_says_how_much_was_tried() {
        let hints = hints(&observed().moved().unwrap());
        assert_eq!(hints.len(), 1, "{hints:?}");
        let words = "moved with p99 of pull.response_time: goroutines +1.00 (rank correlation over 60 steps of 1 s; series tried: 2; ";
        assert!(hints[0].starts_with(words), "{hints:?}");
        assert!(document().moved().is_none());
    }
}
