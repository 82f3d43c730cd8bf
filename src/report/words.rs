//! Sentences that every format for people has in common, so that no two of them tell one thing differently.

use std::fmt::{self, Write as _};
use std::time::Duration;

use url::Url;

use crate::health::{Level, Signal};
use crate::measure::{
    BY_EXCHANGE, ClassCounts, Connections, CountKey, CountsBy, FailureKind, Period,
};
use crate::oci::Operation;
use crate::result::{
    Document, Example, IterationFailureEntry, JourneySection, PeriodSection, RunVerdict, SearchEnd,
    SearchSection, StageSection,
};
use crate::units;
use crate::verdict::Status;

use super::logged;
pub(super) use crate::units::number_of;

/// Returns why the run has its verdict.
pub(super) fn verdict(document: &Document) -> String {
    let count = |status: fn(&Status) -> bool| {
        let results = document.thresholds.iter();
        results.filter(|it| status(&it.status)).count()
    };
    let of = document.thresholds.len();
    match document.verdict {
        RunVerdict::NotJudged => not_judged(document),
        RunVerdict::Pass => format!("{of} of {of} thresholds hold"),
        RunVerdict::Fail => {
            let broken = count(|it| *it == Status::Fail);
            if let (0, Some(first)) = (broken, document.broken().into_iter().next()) {
                return first;
            }
            format!("{broken} of {of} thresholds broken")
        }
        RunVerdict::Inconclusive if document.is_part() => {
            "one shard's part: the thresholds are of all shards".to_owned()
        }
        RunVerdict::Inconclusive => match count(|it| matches!(it, Status::Inconclusive(_))) {
            0 if document.totals.iterations.ok == 0 => "no iteration succeeded".to_owned(),
            0 => {
                let starts = document.totals.starts;
                format!(
                    "{} of {} planned starts were dropped, and no threshold accounts for them",
                    units::count(starts.dropped),
                    units::count(starts.scheduled)
                )
            }
            open => format!("{open} of {of} thresholds cannot be decided"),
        },
        RunVerdict::Invalid if is_of_shards(document) => {
            "the shards did not make the planned load together".to_owned()
        }
        RunVerdict::Invalid => "the generator was the limit, not the target".to_owned(),
    }
}

/// Whether the run is invalid by what became of its shards alone.
fn is_of_shards(document: &Document) -> bool {
    let reasons = document.generator.health.reasons.iter();
    let mut invalid = reasons.filter(|it| it.level == Level::Invalid);
    invalid.all(|it| matches!(it.signal, Signal::StartSkew | Signal::LostShards))
}

/// Returns the verdict in one word, in capitals: the same in every format for people.
pub(super) const fn verdict_word(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Pass => "PASS",
        RunVerdict::NotJudged => "NOT JUDGED",
        RunVerdict::Inconclusive => "INCONCLUSIVE",
        RunVerdict::Fail => "FAIL",
        RunVerdict::Invalid => "INVALID",
    }
}

/// `28 of 180 iterations failed, nothing was judged`
fn not_judged(document: &Document) -> String {
    let totals = &document.totals;
    let mut text = format!(
        "{} of {} failed",
        units::count(totals.iterations.failed),
        number_of(totals.starts.started, "iteration")
    );
    if totals.starts.dropped > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, ", {} dropped", units::count(totals.starts.dropped));
    }
    text.push_str(", nothing was judged");
    text
}

/// Returns where the first failure of a kind is found in the log of the peer, and how a request came there that did not go to
/// the registry: `2026-01-02T03:04:52.310000Z registry:5000 /v2/app/manifests/1 request 3f2a`.
pub(super) fn place(document: &Document, kind: &FailureKind<Example>) -> String {
    let example = &kind.example;
    let place = logged::place(
        &example.time,
        (example.host.as_deref(), example.path.as_deref()),
        (example.request_id.as_deref(), example.trace_id.as_deref()),
    );
    match detour(document, kind) {
        Some(detour) => format!("{place} ({detour})"),
        None => place,
    }
}

/// Returns why a request went to another host than the target's.
fn detour(document: &Document, kind: &FailureKind<Example>) -> Option<&'static str> {
    let is_elsewhere = || {
        let target = Url::parse(document.plan.target()?).ok()?;
        let (host, port) = (target.host_str()?, target.port_or_known_default()?);
        let known = kind.example.host.as_ref()?;
        Some(*known != format!("{host}:{port}"))
    };
    match kind.operation {
        Operation::Redirected => Some("a redirect led there"),
        _ if !is_elsewhere().unwrap_or(false) => None,
        Operation::Token => Some("the registry names its token service there"),
        _ => Some("the registry sent the client there"),
    }
}

/// `9 × pull timeout (iteration-timeout), first at 2026-01-02T03:04:52.310000Z: given up after its iteration_timeout`
pub(super) fn failed_iterations(kind: &IterationFailureEntry) -> String {
    let mut text = format!(
        "{} × {} {}",
        units::count(kind.count),
        kind.journey,
        kind.class
    );
    // Writing to a string does not fail.
    if kind.period != Period::Measure {
        let _ = write!(text, " in {}", kind.period.name());
    }
    let _ = match kind.cause.as_str() {
        BY_EXCHANGE => write!(text, ": an exchange of the iteration failed, see above"),
        cause => write!(text, " ({cause}), first at {}: {}", kind.time, kind.text),
    };
    text
}

/// Returns what a search found: `between 412/s and 431/s, where this breaks: pull.response_time p(99) < 250ms`.
pub(super) fn capacity(search: &SearchSection) -> String {
    let rate = |per_s: f64| units::per_second(per_s, "");
    let broke = search.broke.as_deref().unwrap_or("nothing");
    let found = match (search.low_per_s, search.high_per_s, search.end) {
        (None, Some(high), _) => format!("below {}: {broke} breaks there", rate(high)),
        (None, None, _) => "not known: no trial said anything".to_owned(),
        (Some(low), Some(high), SearchEnd::GeneratorLimit | SearchEnd::TooFewSamples) => {
            format!("at least {}; at {} {broke}", rate(low), rate(high))
        }
        (Some(low), Some(high), _) => format!(
            "between {} and {}, where this breaks: {broke}",
            rate(low),
            rate(high)
        ),
        (Some(low), None, _) => format!("at least {}: nothing broke", rate(low)),
    };
    let standing = match (search.low_per_s, search.confirmed, search.end) {
        (None, ..) => "",
        (_, true, _) => " · confirmed",
        (_, false, SearchEnd::Stopped) => " · interrupted, not confirmed",
        (_, false, _) => " · not confirmed",
    };
    format!(
        "{found}{standing} · {} trials with {} exchanges; the tables are of trial {}",
        search.trials.len(),
        units::count(search.exchanges().ended()),
        search.told
    )
}

/// Returns a sentence if trials of one rate differ.
pub(super) fn disagreement(search: &SearchSection) -> Option<String> {
    let (rate, passed, of) = search.disagreement()?;
    Some(format!(
        "trials of one rate differ ({} passed {passed} of {of}): the target, or what it runs on, varies, and so will \
         another search; longer trials (hold, confirm) narrow it",
        units::per_second(rate, "")
    ))
}

/// Returns what clamping did to the numbers, if it did.
pub(super) fn clamped(document: &Document) -> Option<String> {
    (document.clamped > 0).then(|| {
        let count = units::count(document.clamped);
        format!("{count} durations were more than 1 h and are counted as 1 h")
    })
}

/// What a sum that does not close means.
pub(super) const BROKEN_SUMS: &str = "DO NOT CLOSE: a defect of regstorm, do not trust this report";

/// Returns what an open or closed model means for the numbers.
pub(super) const fn model(document: &Document) -> &'static str {
    if document.open_model {
        "open model: response time from the scheduled start, service time from the real one"
    } else {
        "closed model: starts wait for the target, so response time is service time"
    }
}

/// `warm-up 1,200 exchanges in 10.0 s, 3 failed, 33.6 MB received`
pub(super) fn period(section: &PeriodSection) -> String {
    let mut text = format!(
        "{} {} in {}",
        section.period.name(),
        number_of(section.totals.exchanges.ended(), "exchange"),
        units::duration(Duration::from_micros(section.duration_us))
    );
    if section.totals.exchanges.failed > 0 {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            ", {} failed",
            units::count(section.totals.exchanges.failed)
        );
    }
    for (bytes, way) in [
        (section.totals.bytes.sent, "sent"),
        (section.totals.bytes.received, "received"),
    ] {
        if bytes > 0 {
            let _ = write!(text, ", {} {way}", units::bytes(bytes));
        }
    }
    text
}

/// Returns a kind of failures by its class, with the status and the code that came with it: `unavailable 503 UNAVAILABLE`.
pub(super) fn kind(kind: &FailureKind<Example>) -> String {
    let mut words = vec![kind.class.name().to_owned()];
    words.extend(kind.status.map(|it| it.to_string()));
    words.extend(kind.code.clone());
    words.join(" ")
}

/// Minutes, seconds and milliseconds since the measured window opened: `0:47.310`.
pub(super) fn clock(micros: u64) -> String {
    let at = Duration::from_micros(micros);
    let (minutes, seconds) = (at.as_secs() / 60, at.as_secs() % 60);
    format!("{minutes}:{seconds:02}.{:03}", at.subsec_millis())
}

/// Returns a stage by the name of its load, and its own where that is another.
pub(super) fn stage(section: &StageSection) -> String {
    if section.load == section.stage {
        section.load.clone()
    } else {
        format!("{}, {}", section.load, section.stage)
    }
}

/// Returns the share of exchanges on a connection that had served before. Only all of them are 100%, only none is 0%; `-` where
/// there was no connection.
pub(super) fn reused(connections: Connections) -> String {
    let all = connections.new.saturating_add(connections.reused);
    if all == 0 {
        return "-".to_owned();
    }
    let permille = u128::from(connections.reused) * 1000 / u128::from(all);
    match (permille, connections.reused) {
        (0, 0) => "0%".to_owned(),
        (0, _) => "<0.1%".to_owned(),
        (1000, _) => "100%".to_owned(),
        _ => format!("{}.{}%", permille / 10, permille % 10),
    }
}

/// The columns with the numbers of a search's trials.
pub(super) const TRIAL_COLUMNS: [&str; 9] = [
    "rate",
    "achieved",
    "p50",
    "p90",
    "p99",
    "max",
    "failed",
    "dropped",
    "exchanges",
];

/// The title and the columns of the table of where the time of iterations went: the three parts add up to it.
pub(super) const SPENT: &str = "Where the time of an iteration went, on average";
pub(super) const SPENT_COLUMNS: [&str; 8] = [
    "journey",
    "time",
    "= operations",
    "+ pauses",
    "+ rest",
    "retries",
    "paused",
    "longest",
];

/// Where the time of the iterations of a journey went.
pub(super) struct Spent {
    /// The means of the time, operations, pauses and rest, in whole microseconds; `None` if no iteration ended.
    pub(super) means: [Option<Duration>; 4],
    pub(super) retries: u64,
    pub(super) paused: u64,
    pub(super) longest_pause: Option<Duration>,
}

impl Spent {
    pub(super) fn of(journey: &JourneySection) -> Self {
        let (time, ended) = (&journey.counts.time, journey.counts.outcomes.ended());
        let mean = |total: Duration| {
            let micros = u64::try_from(total.as_micros()).unwrap_or(u64::MAX);
            micros.checked_div(ended).map(Duration::from_micros)
        };
        Self {
            means: [time.total, time.operations, time.pauses, time.rest].map(mean),
            retries: time.retries,
            paused: time.paused_iterations,
            longest_pause: Some(time.longest_pause).filter(|it| !it.is_zero()),
        }
    }
}

/// `3 aborted, 1 left-open`
pub(super) fn each<K: CountKey + fmt::Display, const N: usize>(counts: &CountsBy<K, N>) -> String {
    let counts = counts.iter();
    let counts = counts.map(|(kind, count)| format!("{} {kind}", units::count(count)));
    counts.collect::<Vec<_>>().join(", ")
}

/// `5 timeout, 1 reset`
pub(super) fn classes(counts: &ClassCounts) -> String {
    each(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    /// RFC 9110, 15.4: a redirect leads to another place; distribution-spec, end-4: so may the `Location` of an upload.
    #[test]
    fn a_failure_elsewhere_says_how_the_request_came_there() {
        let mut document = testing::document();
        document.plan.resolved = serde_json::json!({"target": {"url": "https://registry"}});
        let mut kind = document.failures.exchanges.kinds[0].clone();
        for (operation, host, wanted) in [
            (Operation::BlobGet, "registry:443", None),
            (Operation::Token, "registry:443", None),
            (
                Operation::UploadPut,
                "storage:443",
                Some("(the registry sent the client there)"),
            ),
            (
                Operation::Token,
                "auth:443",
                Some("(the registry names its token service there)"),
            ),
            (
                Operation::Redirected,
                "registry:443",
                Some("(a redirect led there)"),
            ),
        ] {
            kind.operation = operation;
            kind.example.host = Some(host.into());
            let place = place(&document, &kind);
            match wanted {
                Some(wanted) => assert!(place.ends_with(wanted), "{place}"),
                None => assert!(place.ends_with("request 3f2a"), "{place}"),
            }
        }
    }
}
