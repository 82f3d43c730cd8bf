//! The top of a page: what it comes to, why, and what a reader has to know before any number.

use crate::report::headline::{self, Failed};
use crate::report::{slow, words};
use crate::result::{Document, RunVerdict};
use crate::units;
use crate::verdict::{Status, ThresholdResult};

use super::markup::{Markup, element};
use super::table::{Cell, HtmlTable, State};

/// Returns the banner, warnings and notes of a run.
pub(super) fn of_run(document: &Document) -> Markup {
    let mut head = title(document);
    let word = words::verdict_word(document.verdict);
    head.push(banner(
        state(document.verdict),
        word,
        &headline::reasons(document),
        facts(document),
    ));
    head.push(warnings(document));
    head.push(notes(&document.notes));
    head
}

/// Returns how much the verdict of a run is to be noticed.
pub(super) const fn state(verdict: RunVerdict) -> State {
    match verdict {
        RunVerdict::Pass => State::Good,
        RunVerdict::NotJudged => State::Plain,
        RunVerdict::Inconclusive => State::Open,
        RunVerdict::Fail | RunVerdict::Invalid => State::Bad,
    }
}

/// Returns the word in large letters, why, and what else belongs into the box.
pub(super) fn banner(state: State, word: &str, reasons: &[String], facts: Markup) -> Markup {
    let class = format!("banner {}", state.class());
    let list = reasons.iter().map(|it| element("li").with(it));
    let mut banner = element("div")
        .class(&class)
        .attr("role", "status")
        .with(element("span").class("word").with(word));
    if !reasons.is_empty() {
        banner = banner.with(element("ul").with(list.collect::<Markup>()));
    }
    banner.with(facts).into()
}

/// Returns what makes every number doubtful, or less than it seems.
pub(super) fn warnings(document: &Document) -> Markup {
    let mut warnings = Vec::new();
    if !document.closure.holds() {
        let broken = document.closure.broken().count();
        warnings.push(format!("{broken} sums {}", words::BROKEN_SUMS));
    }
    if document.interrupted {
        warnings.push("Interrupted: the plan was not done.".to_owned());
    }
    warnings.extend(words::clamped(document));
    let warnings = warnings.into_iter();
    let alert = |it| element("p").class("alert").attr("role", "alert").with(it);
    warnings.map(alert).collect()
}

/// Returns what else a reader has to know.
pub(super) fn notes(notes: &[String]) -> Markup {
    let notes = notes.iter();
    notes
        .map(|it| element("p").class("note").with(it))
        .collect()
}

fn title(document: &Document) -> Markup {
    let plan = &document.plan;
    let mut head = Markup::from(element("h1").with(&plan.name));
    let window = format!(
        "{} · {}",
        units::duration(document.window()),
        words::model(document)
    );
    let fingerprint = headline::fingerprint(plan);
    let exact = format!("{} µs", units::count(document.window_us));
    let strip = element("div")
        .class("strip")
        .with(fact("window", &window, Some(&exact)))
        .with(fact("seed", &plan.seed.to_string(), None))
        .with(fact(
            "plan",
            &fingerprint,
            Some(&plan.fingerprint.to_string()),
        ))
        .with(fact("started", &document.environment.started, None))
        .with(fact("regstorm", &document.regstorm, None));
    head.push(strip);
    let target = &document.target;
    let headers = [
        ("Server", &target.server),
        (
            "Docker-Distribution-Api-Version",
            &target.docker_distribution_api_version,
        ),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(fact(name, value, None))
    });
    let mut strip: Vec<Markup> = headers.collect();
    if let Some(pair) = &document.pair {
        let words = format!("{} of set {}, order {}", pair.number, pair.set, pair.order);
        strip.push(fact("pair", &words, None));
    }
    let labels = document.environment.labels.iter();
    strip.extend(labels.map(|(name, value)| fact(name, value, None)));
    if !strip.is_empty() {
        let strip = strip.into_iter().collect::<Markup>();
        head.push(element("div").class("strip").with(strip));
    }
    head
}

/// Returns a name and what it is, in a strip.
pub(super) fn fact(name: &str, value: &str, exact: Option<&str>) -> Markup {
    element("span")
        .attr_if("title", exact)
        .with(element("span").with(name))
        .with(" ")
        .with(value)
        .into()
}

/// Returns what the box of a run says besides its verdict: target, failures, retries and thresholds.
pub(super) fn facts(document: &Document) -> Markup {
    let failed = Failed::of(document);
    let mut rows = vec![
        ("target", headline::target(document)),
        ("failed", failed.exchanges),
    ];
    rows.extend(failed.worst.map(|it| ("most in", it)));
    rows.push(("iterations", failed.iterations));
    rows.push(("thresholds", headline::thresholds(document)));
    rows.extend(slow::operation(document).map(|it| ("slowest", it)));
    let mut list = element("dl");
    for (name, value) in rows {
        list = list
            .with(element("dt").with(name))
            .with(element("dd").with(value));
    }
    list.into()
}

/// Returns the thresholds with what was observed.
pub(super) fn thresholds(results: &[ThresholdResult]) -> Markup {
    let mut table = HtmlTable::new(
        "",
        &["threshold", "", "observed", "limit", "samples", "why"],
    );
    for result in results {
        table.row(row(result));
    }
    if table.is_empty() {
        return super::parts::faint(
            "The plan has no thresholds: nothing was expected of this run.",
        )
        .into();
    }
    table.render().into()
}

fn row(result: &ThresholdResult) -> Vec<Cell> {
    let (state, word, why) = match result.status {
        Status::Pass => (State::Good, "pass", String::new()),
        Status::Fail => (State::Bad, "fail", String::new()),
        Status::Inconclusive(reason) => (State::Open, "inconclusive", reason.to_string()),
    };
    let why = match (why.is_empty(), result.ended_run) {
        (true, true) => "ended the run".to_owned(),
        (false, true) => format!("{why}; ended the run"),
        (_, false) => why,
    };
    let observed = Cell::words(&result.observed_text).numeric();
    let limit = Cell::words(result.limit.to_string()).numeric();
    vec![
        Cell::words(result.name()),
        Cell::state(state, word),
        observed,
        limit,
        Cell::count(result.samples),
        Cell::words(why),
    ]
}
