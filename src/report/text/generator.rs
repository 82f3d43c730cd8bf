//! Whether the numbers are the target's: how the generator did, and what the run comes to.

use crate::health::{Health, Level, TargetHost, Verdict, Why};
use crate::measure::LatencyHistogram;
use crate::result::{Document, GeneratorSection, RunVerdict};
use crate::units::{self, Quantile};

use super::super::reasons;
use super::super::table::Paint;
use super::super::words::{self, number_of};
use super::layout::Layout;

/// More reasons than these would push the tables from the screen.
const MOST_REASONS: usize = 4;

/// Returns the health, with a line for each reason and one for what was not judged.
pub(super) fn lines(document: &Document, layout: Layout) -> String {
    let generator = &document.generator;
    let verdict = generator.health.verdict();
    let (word, paint) = match verdict {
        Verdict::Valid => ("valid", Paint::Good),
        Verdict::Suspect => ("SUSPECT", Paint::Bad),
        Verdict::Invalid => ("INVALID", Paint::Bad),
    };
    let mut words = vec![word.to_owned()];
    words.extend(lag(document));
    words.extend(cpu(generator));
    words.push(match generator.ceiling_share {
        Some(share) => format!("{} of this machine's ceiling", units::share(share)),
        None => "ceiling unknown: regstorm calibrate".to_owned(),
    });
    if generator.health.target_host == TargetHost::Same {
        words.push("target on the same host".to_owned());
    }
    let mut text = layout.line("generator", &words.join(" · "), paint);
    text.push_str(&reasons(&generator.health, layout));
    text
}

fn reasons(health: &Health, layout: Layout) -> String {
    let mut text = String::new();
    for (reason, advice) in reasons::advised(health) {
        let level = match reason.level {
            Level::Suspect => "suspect",
            Level::Invalid => "invalid",
        };
        let of = reason.subject.as_ref();
        let of = of.map_or_else(String::new, |it| format!(" of {it}"));
        let mut words = format!(
            "{level}: {}{of} {} (bound {})",
            reason.signal, reason.observed, reason.bound
        );
        if let Some(advice) = advice {
            words.push_str(": ");
            words.push_str(advice);
        }
        text.push_str(&layout.line("", &words, Paint::Plain));
    }
    let too_short = health.not_judged.iter().any(|it| it.why != Why::NotKnown);
    if too_short && health.reasons.is_empty() {
        let words = "the run was too short to judge all of it: see generator in the report";
        text.push_str(&layout.line("", words, Paint::Dim));
    }
    text
}

/// `start lag p99 41 µs`: of the pacer, in an open model.
fn lag(document: &Document) -> Option<String> {
    let mut all = LatencyHistogram::new();
    if document.open_model {
        all.merge(&document.generator.pacer_lag);
    }
    let p99 = all.quantile(Quantile::P99)?;
    Some(format!("start lag p99 {}", units::duration(p99)))
}

/// `cpu 38% of 2 cores, busiest worker 31%`
fn cpu(generator: &GeneratorSection) -> Option<String> {
    let machine = generator.signals.machine.as_ref()?;
    let workers = generator.signals.workers.iter();
    let busiest = workers
        .filter_map(|worker| worker.busy)
        .max_by(f64::total_cmp);
    let busiest = busiest.map_or_else(String::new, |it| {
        format!(", busiest worker {}", units::share(it))
    });
    Some(format!(
        "cpu {} of {} cores{busiest}",
        units::share(machine.busy),
        machine.cores
    ))
}

/// Returns what the run comes to, and why: at most [`MOST_REASONS`] lines.
pub(super) fn verdict(document: &Document, layout: Layout, reasons: &[String]) -> String {
    let paint = match document.verdict {
        RunVerdict::Pass => Paint::Good,
        RunVerdict::NotJudged => Paint::Bold,
        RunVerdict::Inconclusive if !document.thresholds.is_empty() => Paint::Bold,
        RunVerdict::Fail | RunVerdict::Inconclusive | RunVerdict::Invalid => Paint::Bad,
    };
    let word = words::verdict_word(document.verdict);
    let mut text = String::new();
    for (index, reason) in reasons.iter().take(MOST_REASONS).enumerate() {
        if index == 0 {
            text.push_str(&layout.line("verdict", &format!("{word}   {reason}"), paint));
        } else {
            text.push_str(&layout.line("", reason, Paint::Plain));
        }
    }
    let more = reasons.len().saturating_sub(MOST_REASONS);
    if more > 0 {
        let words = format!("and {}, see below", number_of(more as u64, "more reason"));
        text.push_str(&layout.line("", &words, Paint::Dim));
    }
    text
}
