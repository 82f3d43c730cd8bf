//! Whether the numbers are the target's: the generator's verdict, its reasons, and what could not be judged.

use crate::health::{Level, TargetHost, Verdict};
use crate::report::reasons;
use crate::report::words::number_of;
use crate::result::GeneratorSection;
use crate::units::{self, Quantile};

use super::head::fact;
use super::markup::{Element, Markup, element};
use super::parts::{details, faint};
use super::table::{Cell, HtmlTable, State, exact_time};

/// Returns the strip, a table of reasons, and what could not be judged.
pub(super) fn section(generator: &GeneratorSection, open_model: bool) -> Markup {
    let mut section = Markup::from(strip(generator, open_model));
    section.push(reasons(generator));
    section.push(not_judged(generator));
    section
}

/// Returns the verdict on a generator, as a label.
pub(super) fn badge(generator: &GeneratorSection) -> Element {
    let (state, word) = match generator.health.verdict() {
        Verdict::Valid => (State::Good, "valid"),
        Verdict::Suspect => (State::Open, "SUSPECT"),
        Verdict::Invalid => (State::Bad, "INVALID"),
    };
    state.badge(word)
}

fn strip(generator: &GeneratorSection, open_model: bool) -> Element {
    let mut strip = element("div").class("strip").with(badge(generator));
    if open_model {
        let lag = &generator.pacer_lag;
        let [middle, tail] = [Quantile::P50, Quantile::P99].map(|it| lag.quantile(it));
        let shown = |it: Option<std::time::Duration>| it.map_or("-".to_owned(), units::duration);
        let words = format!("{} / {}", shown(middle), shown(tail));
        let most = lag.max().map(|it| format!("at most {}", exact_time(it)));
        strip = strip.with(fact("pacer lag p50 / p99", &words, most.as_deref()));
    }
    let share = match generator.ceiling_share {
        Some(share) => format!("{} needed", units::share(share)),
        None => "unknown: regstorm calibrate".to_owned(),
    };
    strip = strip.with(fact("this machine's ceiling", &share, None));
    if let Some(machine) = &generator.signals.machine {
        let words = format!("{} of {} cores", units::share(machine.busy), machine.cores);
        strip = strip.with(fact("cpu", &words, None));
    }
    let workers = generator.signals.workers.iter();
    if let Some(busy) = workers.filter_map(|it| it.busy).max_by(f64::total_cmp) {
        strip = strip.with(fact("busiest worker", &units::share(busy), None));
    }
    let lag = &generator.signals.watchdog_lag;
    if let Some(tail) = lag.quantile(Quantile::P99) {
        strip = strip.with(fact(
            "system lag p99",
            &units::duration(tail),
            Some(&exact_time(tail)),
        ));
    }
    let host = match generator.health.target_host {
        TargetHost::Same => "on the same host",
        TargetHost::Other => "on another host",
    };
    strip.with(fact("target", host, None))
}

fn reasons(generator: &GeneratorSection) -> Markup {
    let heading = ["signal", "", "of", "observed", "bound", "what to do"];
    let mut table = HtmlTable::new("", &heading);
    for (reason, advice) in reasons::advised(&generator.health) {
        let (state, word) = match reason.level {
            Level::Suspect => (State::Open, "suspect"),
            Level::Invalid => (State::Bad, "invalid"),
        };
        table.row(vec![
            Cell::words(reason.signal.name()).short(),
            Cell::state(state, word),
            Cell::words(reason.subject.as_deref().unwrap_or_default()).short(),
            Cell::words(&reason.observed).short(),
            Cell::words(&reason.bound).short(),
            Cell::words(advice.unwrap_or_default()),
        ]);
    }
    if table.is_empty() {
        return faint("No signal that could be judged was out of its bound.").into();
    }
    table.render().into()
}

fn not_judged(generator: &GeneratorSection) -> Markup {
    let not_judged = &generator.health.not_judged;
    if not_judged.is_empty() {
        return Markup::new();
    }
    let mut table = HtmlTable::new("", &["signal", "of", "why"]);
    for it in not_judged {
        table.row(vec![
            Cell::words(it.signal.name()),
            Cell::words(it.subject.as_deref().unwrap_or_default()),
            Cell::words(it.why.to_string()),
        ]);
    }
    let count = number_of(not_judged.len() as u64, "signal");
    let summary = format!("{count} could not be judged");
    details(summary, table.render()).into()
}
