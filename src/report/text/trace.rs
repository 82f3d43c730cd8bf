//! What is in a trace, and what became of the lines of its logs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::super::table::{Cell, Paint, TextTable};
use super::super::words::number_of;
use super::layout::Layout;
use crate::trace::{Naming, OperationRow, Overview, Popularity, Rates, SizeClass, Summary};
use crate::units;

/// Levels of a rate from nothing to the highest.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What an import has made.
pub(super) fn imported(summary: &Summary, layout: Layout, path: &Path) -> String {
    let mut text = head(summary, layout);
    text.push_str(&layout.line("trace", &path.display().to_string(), Paint::Plain));
    text
}

/// What is in a trace.
pub(super) fn overview(overview: &Overview, layout: Layout, path: &Path) -> String {
    let mut text = layout.line("trace", &path.display().to_string(), Paint::Bold);
    text.push_str(&head(&overview.summary, layout));
    text.push_str(&sessions(overview, layout));
    text.push_str(&rates(&overview.rates, layout));
    text.push('\n');
    text.push_str(&operations(overview, layout));
    text.push('\n');
    text.push_str(&layout.line("methods", &shares(&overview.methods), Paint::Plain));
    text.push_str(&layout.line("programs", &shares(&overview.agents), Paint::Plain));
    text.push('\n');
    text.push_str(&sizes(&overview.blob_sizes, layout));
    text.push_str(&popularity(overview, layout));
    text
}

/// The lines about the source.
fn head(summary: &Summary, layout: Layout) -> String {
    let mut text = String::new();
    let mut line = |label: &str, words: String, paint| {
        text.push_str(&layout.line(label, &words, paint));
    };
    for (label, words) in origin(summary) {
        line(label, words, Paint::Plain);
    }
    for (index, it) in summary.unreadable.iter().enumerate() {
        let label = if index == 0 { "unreadable" } else { "" };
        let [file, reason, shape] = [&it.file, &it.reason, &it.shape].map(|it| told(it));
        let words = format!("{file}:{}: {reason}: {shape}", it.line);
        line(label, words, Paint::Bad);
    }
    let names = match &summary.naming {
        Naming::Pseudonyms { key } => format!("pseudonyms, key {}", told(key)),
        Naming::Kept => "kept: addresses, users and repositories are in the trace".to_owned(),
    };
    line("names", names, Paint::Plain);
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        let span = last.since(first);
        line(
            "span",
            format!(
                "{} from {first} to {last} · {}",
                long(span),
                average(summary.requests, span)
            ),
            Paint::Plain,
        );
    }
    let mut requests = format!(
        "{} in {} (a pause of {} ends one)",
        units::count(summary.requests),
        number_of(summary.sessions, "session"),
        units::duration(summary.session_gap()),
    );
    if summary.sessions_cut > 0 {
        let cut = units::count(summary.sessions_cut);
        requests.push_str(", ");
        requests.push_str(&cut);
        requests.push_str(" of them cut because too many were open at once");
    }
    line("requests", requests, Paint::Bold);
    if summary.added > 0 {
        line(
            "added",
            format!(
                "{} HEADs with 404, one before each upload: the log has nothing that failed",
                units::count(summary.added)
            ),
            Paint::Plain,
        );
    }
    let lacks = lacks(summary);
    if !lacks.is_empty() {
        line("lacks", lacks.join(" · "), Paint::Plain);
    }
    text
}

/// Where a trace is from, and what became of each line of its logs, or of each request that passed the recorder: labels and
/// words.
fn origin(summary: &Summary) -> Vec<(&'static str, String)> {
    let (source, lines) = (&summary.source, &summary.lines);
    let count = units::count;
    if source.is_recording() {
        let seen = format!(
            "{} = {} to the API + {} outside the API",
            number_of(lines.all(), "request"),
            count(lines.requests),
            count(lines.outside),
        );
        let source = "recorded as it passed (`regstorm record`)".to_owned();
        return vec![("source", source), ("seen", seen)];
    }
    if source.files == 0 {
        return vec![("source", told(&source.formats.join(", ")))];
    }
    let files = number_of(source.files, "file");
    let bytes = units::bytes(source.bytes);
    let source = format!("{} · {files}, {bytes}", told(&source.formats.join(", ")));
    let lines = format!(
        "{} = {} requests + {} other messages + {} outside the API + {} unreadable + {} empty",
        count(lines.all()),
        count(lines.requests),
        count(lines.other),
        count(lines.outside),
        count(lines.unreadable),
        count(lines.empty),
    );
    vec![("source", source), ("lines", lines)]
}

/// A text of a trace, which may be of any hand, made fit for a terminal.
fn told(text: &str) -> String {
    units::foreign_words(text, MOST_CHARACTERS)
}

/// What the log does not tell. A recorder tells all: without a status there was no response.
fn lacks(summary: &Summary) -> Vec<String> {
    let all = summary.lines.requests;
    let missing = &summary.missing;
    let status = if summary.source.is_recording() {
        "response"
    } else {
        "status"
    };
    let rows = [
        ("duration", missing.duration),
        ("size of the response", missing.received),
        ("size of the request's body", missing.sent),
        (status, missing.status),
        ("client program", missing.agent),
    ];
    let rows = rows.iter().filter(|(_, requests)| *requests > 0);
    let mut lacks: Vec<String> = rows
        .map(|(what, requests)| {
            format!(
                "{what} of {} requests ({})",
                units::count(*requests),
                share(*requests, all)
            )
        })
        .collect();
    if summary.source.whole_seconds && all > 0 {
        lacks.push("fractions of seconds".to_owned());
    }
    lacks
}

fn sessions(overview: &Overview, layout: Layout) -> String {
    let mix = &overview.sessions;
    let each = |part: u64, whole: u64| match whole {
        0 => "-".to_owned(),
        _ => format!("{:.2}", ratio(part, whole)),
    };
    let words = format!(
        "{} pulls ({} blobs each), {} checks of manifests alone, {} pushes ({} uploads, {} of them mounted, {} manifests each), {} lists, {} others",
        units::count(mix.pulls),
        each(mix.pulled_blobs, mix.pulls),
        units::count(mix.checks),
        units::count(mix.pushes),
        each(mix.begun_uploads, mix.pushes),
        share(mix.mounted_blobs, mix.begun_uploads),
        each(mix.stored_manifests, mix.pushes),
        units::count(mix.lists),
        units::count(mix.others),
    );
    layout.line("sessions", &words, Paint::Plain)
}

fn rates(rates: &Rates, layout: Layout) -> String {
    let most = rates.requests.iter().copied().max().unwrap_or_default();
    let bars = rates.requests.iter().take(MOST_BARS).map(|requests| {
        let level = (requests * 8).div_ceil(most.max(1));
        BARS[usize::try_from(level).unwrap_or(8).min(8)]
    });
    let window = long(Duration::from_secs(rates.window_s));
    let mut text = layout.line(
        "rates",
        &format!(
            "at most {} requests in {window}, {} in one second",
            units::count(most),
            units::count(rates.most_in_a_second)
        ),
        Paint::Plain,
    );
    if rates.requests.len() > 1 {
        let bars: String = bars.collect();
        text.push_str(&layout.line("", &format!("|{bars}| {window} each"), Paint::Plain));
    }
    text
}

/// The most characters of one text that a trace says of itself.
const MOST_CHARACTERS: usize = 300;
/// The windows that are drawn.
const MOST_BARS: usize = 60;

fn operations(overview: &Overview, layout: Layout) -> String {
    let heading = [
        "operation",
        "requests",
        "share",
        "sent",
        "received",
        "p50",
        "p99",
    ];
    let mut table = TextTable::new(1, &heading);
    for row in &overview.operations {
        let cells = [
            row.operation.to_owned(),
            units::count(row.requests),
            share(row.requests, overview.summary.requests),
            units::bytes(row.sent_bytes),
            units::bytes(row.received_bytes),
            micros(row.p50_us),
            micros(row.p99_us),
            statuses(row),
        ];
        table.row(cells.into_iter().map(Cell::from).collect());
    }
    table.render(layout.colour, layout.width)
}

fn statuses(row: &OperationRow) -> String {
    let statuses = row.statuses.iter().map(|(status, requests)| {
        let status = match status {
            0 => "none".to_owned(),
            status => status.to_string(),
        };
        format!("{status}:{}", units::count(*requests))
    });
    statuses.collect::<Vec<_>>().join(" ")
}

fn sizes(classes: &[SizeClass], layout: Layout) -> String {
    let (mut requests, mut bytes) = (0, 0);
    for class in classes {
        requests += class.requests;
        bytes = class.bytes.saturating_add(bytes);
    }
    if requests == 0 {
        return String::new();
    }
    let mut table = TextTable::new(
        1,
        &[
            "size of blobs",
            "fetched",
            "share",
            "bytes",
            "share of bytes",
        ],
    );
    let mut above = None;
    for class in classes {
        let name = match (class.up_to_bytes, above) {
            (Some(most), _) => format!("to {}", units::bytes(most)),
            (None, Some(least)) => format!("above {}", units::bytes(least)),
            (None, None) => "all".to_owned(),
        };
        above = class.up_to_bytes;
        let cells = [
            name,
            units::count(class.requests),
            share(class.requests, requests),
            units::bytes(class.bytes),
            share(class.bytes, bytes),
        ];
        table.row(cells.into_iter().map(Cell::from).collect());
    }
    format!("{}\n", table.render(layout.colour, layout.width))
}

fn popularity(overview: &Overview, layout: Layout) -> String {
    let heading = [
        "popularity",
        "names",
        "requests",
        "top 1%",
        "top 10%",
        "requested before",
    ];
    let mut table = TextTable::new(1, &heading);
    let rows = [
        ("blobs", &overview.blobs),
        ("manifests", &overview.manifests),
        ("repositories", &overview.repositories),
        ("clients", &overview.clients),
    ];
    let part = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), units::share);
    for (what, it) in rows {
        let about = if it.one_in > 1 { "~" } else { "" };
        let cells = [
            what.to_owned(),
            format!("{about}{}", units::count(it.distinct)),
            units::count(it.requests),
            part(it.top_1_percent),
            part(it.top_10_percent),
            part(it.repeated),
        ];
        table.row(cells.into_iter().map(Cell::from).collect());
    }
    let mut text = table.render(layout.colour, layout.width);
    let by_sample = rows.iter().find(|(_, it)| it.one_in > 1);
    if let Some((what, it)) = by_sample {
        let words = format!("{what}: estimated from 1 of {} names", it.one_in);
        text.push_str(&layout.line("", &words, Paint::Plain));
    }
    if let Some(repeated) = overview.repeated_blobs {
        let words = format!(
            "{} of the GETs of a blob repeat one of the same client",
            units::share(repeated)
        );
        text.push_str(&layout.line("again", &words, Paint::Plain));
    }
    for (label, it) in [("most", &overview.repositories), ("", &overview.clients)] {
        text.push_str(&most(label, it, layout));
    }
    text
}

fn most(label: &str, it: &Popularity, layout: Layout) -> String {
    const SHOWN: usize = 5;
    let names = it.most.iter().take(SHOWN).map(|popular| {
        let share = share(popular.requests, it.requests);
        format!("{} ({share})", popular.name)
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return String::new();
    }
    layout.line(label, &names.join(" · "), Paint::Plain)
}

fn shares(counts: &BTreeMap<&'static str, u64>) -> String {
    let all: u64 = counts.values().sum();
    let mut counts: Vec<(&str, u64)> = counts.iter().map(|(name, it)| (*name, *it)).collect();
    counts.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
    let words = counts
        .iter()
        .map(|(name, requests)| format!("{name} {}", share(*requests, all)));
    words.collect::<Vec<_>>().join(" · ")
}

fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        _ => units::share(ratio(part, whole)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn average(requests: u64, span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 1.0 {
        return "no average rate below a second".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let rate = requests as f64 / seconds;
    format!("{} on average", units::per_second(rate, ""))
}

fn micros(value: Option<u64>) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |it| units::duration(Duration::from_micros(it)),
    )
}

/// A time of hours and days.
fn long(time: Duration) -> String {
    if time < Duration::from_hours(1) {
        return units::duration(time);
    }
    let whole = Duration::from_secs(time.as_secs());
    humantime::format_duration(whole).to_string()
}
