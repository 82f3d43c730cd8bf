//! The summary that a person reads at the end of a run.

mod comparison;
mod connections;
mod failures;
mod generator;
mod layout;
mod search;
mod tables;
mod thresholds;

use std::fmt::Write as _;
use std::path::Path;

use crate::measure::Sum;
use crate::result::{Comparison, Document, PeriodSection};
use crate::units;
use crate::verdict::ThresholdResult;

use super::table::{Paint, cut, harmless};
use super::words;
use layout::{LABEL, Layout};

/// The width that tables are made for: beyond it, nothing is moved to the right edge.
const WIDE: usize = 120;

/// Returns the end-of-run summary, of as many lines as the plan has journeys and operations, not of the run's length.
///
/// `width` is the number of columns of the terminal. Words are cut to it; tables are not, because a number that is not
/// shown is worse than a wrapped line (they fit into 120 columns unless names are long). Numbers have three significant
/// digits. A percentile `q` is shown from 1/(1-q) samples on, because of fewer it is only the maximum under another
/// name: p99.9 needs 1,000.
pub fn summary(document: &Document, width: usize, colour: bool, saved_as: Option<&Path>) -> String {
    let layout = Layout {
        width: width.max(40),
        colour,
    };
    let mut text = layout.head(document);
    text.push('\n');
    text.push_str(&search::table(document, colour));
    text.push_str(&tables::journeys(document, colour));
    text.push('\n');
    text.push_str(&tables::operations(document, colour));
    if tables::has_gaps(document) {
        let words =
            "-: no such phase, or too few samples to know (p99 needs 100, p99.9 needs 1,000)";
        text.push_str(&layout.dim(words));
    }
    text.push_str(&tables::probe(document, colour));
    text.push('\n');
    text.push_str(&connections::lines(document, &layout));
    text.push_str(&failures::lines(document, &layout));
    text.push_str(&layout.foot(document, saved_as));
    text
}

/// Returns the summary of a comparison: what is decided of each metric, and what that comes to.
pub fn comparison(comparison: &Comparison, colour: bool, saved_as: Option<&Path>) -> String {
    comparison::summary(comparison, colour, saved_as)
}

/// Returns the thresholds of a run, a line for each; nothing where there are none. Lines are not cut, because a number that is
/// not shown is worse than a wrapped line.
pub fn thresholds(results: &[ThresholdResult], colour: bool) -> String {
    thresholds::lines(results, colour)
}

/// The lines above and below the tables.
impl Layout {
    fn head(&self, document: &Document) -> String {
        let plan = &document.plan;
        let fingerprint: String = plan.fingerprint.to_hex().chars().take(7).collect();
        let right = format!("seed {} · plan {fingerprint}", plan.seed);
        let width = self.width.min(WIDE);
        let name_width = width.saturating_sub(right.chars().count() + 2);
        let name = cut(&harmless(&plan.name), name_width);
        let gap = name_width - name.chars().count() + 2;
        let name = Paint::Bold.over(&name, self.colour);
        let mut text = format!("{name}{:gap$}{right}\n", "");
        let target = &document.target;
        let named: Vec<String> = [
            (
                "Docker-Distribution-Api-Version",
                &target.docker_distribution_api_version,
            ),
            ("Server", &target.server),
        ]
        .into_iter()
        .filter_map(|(header, value)| Some(format!("{header}: {}", value.as_ref()?)))
        .collect();
        if !named.is_empty() {
            text.push_str(&self.line("target", &named.join(" · "), Paint::Plain));
        }
        let labels = &document.environment.labels;
        if !labels.is_empty() {
            let labels: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            text.push_str(&self.line("labels", &labels.join(" · "), Paint::Plain));
        }
        let model = words::model(document);
        let window = units::duration(document.window());
        text.push_str(&self.line("window", &format!("{window} · {model}"), Paint::Plain));
        if document.interrupted {
            text.push_str(&self.line("interrupted", "the plan was not done", Paint::Bad));
        }
        text
    }

    fn foot(&self, document: &Document, saved_as: Option<&Path>) -> String {
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
        text.push_str(&thresholds::lines(&document.thresholds, self.colour));
        text.push_str(&search::capacity(document, self));
        text.push_str(&generator::verdict(document, self));
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

    fn sums(&self, document: &Document) -> String {
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
