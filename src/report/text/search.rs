//! What a search found: the table of rate against latency, and the capacity.

use crate::result::Document;
use crate::units::{self, Quantile};

use super::super::table::{Cell, Paint, TextTable};
use super::super::words;
use super::layout::Layout;

/// Returns the trials by their rate; nothing when there was no search.
pub(super) fn table(document: &Document, layout: Layout) -> String {
    let Some(search) = &document.search else {
        return String::new();
    };
    let columns = [&["trial", ""], words::TRIAL_COLUMNS.as_slice(), &[""]].concat();
    let mut table = TextTable::new(2, &columns);
    for trial in search.by_rate() {
        let mut row: Vec<Cell> = vec![
            units::count(trial.number.into()).into(),
            trial.kind.name().into(),
            units::per_second(trial.rate_per_s, "").into(),
            units::per_second(trial.achieved_per_s, "").into(),
        ];
        for quantile in [Quantile::P50, Quantile::P90, Quantile::P99] {
            let known = trial.quantile(quantile);
            row.push(known.map_or("-".to_owned(), units::duration).into());
        }
        let max = trial.response_time.max();
        row.push(max.map_or("-".to_owned(), units::duration).into());
        row.push(units::count(trial.failed).into());
        row.push(units::count(trial.dropped).into());
        row.push(units::count(trial.exchanges().ended()).into());
        let words = match (trial.outcome.as_str(), &trial.reason) {
            ("pass", _) => "pass".to_owned(),
            (outcome, Some(reason)) => format!("{outcome}: {reason}"),
            (outcome, None) => outcome.to_owned(),
        };
        let paint = match trial.outcome.as_str() {
            "pass" => Paint::Good,
            "fail" => Paint::Bad,
            _ => Paint::Dim,
        };
        row.push(Cell::new(words, paint));
        table.row(row);
    }
    format!("{}\n", table.render(layout.colour, layout.width))
}

/// `capacity    between 412/s and 431/s, where pull.response_time p(99) < 250ms breaks · 14 trials`
pub(super) fn capacity(document: &Document, layout: Layout) -> String {
    let Some(search) = &document.search else {
        return String::new();
    };
    let mut text = layout.line("capacity", &words::capacity(search), Paint::Bold);
    if let Some(words) = words::disagreement(search) {
        text.push_str(&layout.line("", &words, Paint::Plain));
    }
    text
}
