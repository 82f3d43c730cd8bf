//! The summary that a person reads at the end of a run.

mod audit;
mod beside;
mod clients;
mod comparison;
mod connections;
mod failures;
mod generator;
mod hooks;
mod layout;
mod ranges;
mod replay;
mod search;
mod server;
mod shards;
mod slowest;
mod tables;
mod thresholds;
mod trace;

use std::fmt::Write as _;
use std::path::Path;

use crate::measure::Sum;
use crate::result::{Comparison, Document, PeriodSection};
use crate::trace::{Overview, Summary};
use crate::units;
use crate::verdict::ThresholdResult;

use super::headline::{self, Failed};
use super::runs::NamedRun;
use super::table::{Paint, harmless};
use super::upstream;
use super::words;
use layout::{LABEL, Layout};

/// Returns the end-of-run summary, of as many lines as the plan has journeys and operations, not of the run's length. The
/// verdict, the target and what failed come first; the verdict again comes last, where a terminal ends.
///
/// `width` is the number of columns of the terminal: longer lines are broken between words, and columns of tables that do
/// not fit follow below. Without a width nothing is broken. Nothing is cut. Numbers have three significant digits. A
/// percentile `q` is shown from 1/(1-q) samples on, because of fewer it is only the maximum under another name: p99.9
/// needs 1,000.
pub fn summary(
    document: &Document,
    width: Option<usize>,
    colour: bool,
    saved_as: Option<&Path>,
) -> String {
    let layout = Layout { width, colour };
    let mut text = layout.head(document);
    text.push('\n');
    text.push_str(&search::table(document, layout));
    text.push_str(&tables::journeys(document, layout));
    text.push_str(&clients::table(document, layout));
    text.push_str(&replay::tables(document, layout));
    text.push_str(&ranges::tables(document, layout));
    text.push('\n');
    text.push_str(&tables::operations(document, layout));
    if tables::has_gaps(document) {
        let words =
            "-: no such phase, or too few samples to know (p99 needs 100, p99.9 needs 1,000)";
        text.push_str(&layout.dim(words));
    }
    text.push_str(&tables::probe(document, layout));
    text.push_str(&hooks::section(document, layout));
    if let Some(upstream) = &document.upstream {
        text.push_str(&layout.line("upstream", &upstream::line(upstream), Paint::Bold));
    }
    text.push('\n');
    text.push_str(&shards::lines(document, layout));
    text.push_str(&server::lines(document, layout));
    text.push_str(&connections::lines(document, layout));
    text.push_str(&audit::lines(document, layout));
    text.push_str(&failures::lines(document, layout));
    text.push_str(&slowest::lines(document, layout));
    text.push_str(&layout.foot(document, saved_as));
    text
}

/// Returns the summary of a comparison: what it comes to and why, the two sides, and each metric.
///
/// `width` is as in [`summary`].
pub fn comparison(
    comparison: &Comparison,
    width: Option<usize>,
    colour: bool,
    saved_as: Option<&Path>,
) -> String {
    comparison::summary(comparison, Layout { width, colour }, saved_as)
}

/// Returns the summary of several runs beside each other, in which nothing is judged.
///
/// `width` is as in [`summary`].
pub fn runs(runs: &[NamedRun<'_>], width: Option<usize>, colour: bool) -> String {
    beside::summary(runs, Layout { width, colour })
}

/// Returns what is in a trace.
///
/// `width` is as in [`summary`].
pub fn trace(overview: &Overview, width: Option<usize>, colour: bool, path: &Path) -> String {
    trace::overview(overview, Layout { width, colour }, path)
}

/// Returns what became of the lines of logs that were made a trace.
///
/// `width` is as in [`summary`].
pub fn imported(summary: &Summary, width: Option<usize>, colour: bool, path: &Path) -> String {
    trace::imported(summary, Layout { width, colour }, path)
}

/// Returns the thresholds of a run, a line for each; nothing where there are none.
pub fn thresholds(results: &[ThresholdResult], colour: bool) -> String {
    let layout = Layout {
        width: None,
        colour,
    };
    thresholds::lines(results, layout)
}

/// The lines above and below the tables.
impl Layout {
    fn head(self, document: &Document) -> String {
        let plan = &document.plan;
        let mut text = generator::verdict(document, self, &headline::brief_reasons(document));
        text.push_str(&self.line("target", &headline::target(document), Paint::Plain));
        let failed = Failed::of(document);
        let paint = if failed.any { Paint::Bad } else { Paint::Good };
        text.push_str(&self.line("failed", &failed.exchanges, paint));
        if let Some(worst) = &failed.worst {
            text.push_str(&self.line("", &format!("most in {worst}"), Paint::Plain));
        }
        text.push_str(&self.line("", &failed.iterations, Paint::Plain));
        let fingerprint = headline::fingerprint(plan);
        let run = format!("{} · seed {} · plan {fingerprint}", plan.name, plan.seed);
        text.push_str(&self.line("run", &run, Paint::Bold));
        let labels: Vec<String> = headline::labels(document).collect();
        if !labels.is_empty() {
            text.push_str(&self.line("labels", &labels.join(" · "), Paint::Plain));
        }
        let model = words::model(document);
        let window = units::duration(document.window());
        text.push_str(&self.line("window", &format!("{window} · {model}"), Paint::Plain));
        text
    }

    fn foot(self, document: &Document, saved_as: Option<&Path>) -> String {
        let mut text = String::new();
        let happened = |it: &&PeriodSection| it.totals.exchanges.ended() > 0;
        for (index, section) in document.periods.iter().filter(happened).enumerate() {
            let label = if index == 0 { "outside" } else { "" };
            text.push_str(&self.line(label, &words::period(section), Paint::Plain));
        }
        if let Some(words) = words::clamped(document) {
            text.push_str(&self.line("note", &words, Paint::Bad));
        }
        for note in &document.notes {
            text.push_str(&self.line("note", note, Paint::Plain));
        }
        text.push_str(&self.sums(document));
        text.push_str(&generator::lines(document, self));
        text.push_str(&thresholds::lines(&document.thresholds, self));
        text.push_str(&search::capacity(document, self));
        text.push_str(&generator::verdict(
            document,
            self,
            &[words::verdict(document)],
        ));
        if let Some(path) = saved_as {
            // A path is copied from here, so it is never cut.
            let _ = writeln!(
                text,
                "{:LABEL$}{}",
                "report",
                harmless(&path.to_string_lossy())
            );
        }
        text
    }

    fn sums(self, document: &Document) -> String {
        let closure = &document.closure;
        if closure.holds() {
            let words = format!("close ({} checked)", closure.sums.len());
            return self.line("sums", &words, Paint::Good);
        }
        let mut text = self.line("sums", words::BROKEN_SUMS, Paint::Bad);
        for Sum { name, left, right } in closure.broken() {
            let words = format!(
                "{name}: {} and {}",
                units::count(*left),
                units::count(*right)
            );
            text.push_str(&self.line("", &words, Paint::Plain));
        }
        text
    }
}

#[cfg(test)]
mod tests;
