//! The trials of a search in Markdown.

use crate::result::Document;
use crate::units::{self, Quantile};

use super::super::words;
use super::page::{MarkdownTable, ROWS, escape, shown};

/// Returns the trials by their rate; nothing when there was no search.
pub(super) fn trials(document: &Document) -> String {
    let Some(search) = &document.search else {
        return String::new();
    };
    let columns = [
        &["trial", ""],
        words::TRIAL_COLUMNS.as_slice(),
        &["outcome"],
    ]
    .concat();
    let mut table = MarkdownTable::new(&columns, ROWS);
    for trial in search.by_rate() {
        let mut row = vec![
            trial.number.to_string(),
            trial.kind.name().to_owned(),
            units::per_second(trial.rate_per_s, ""),
            units::per_second(trial.achieved_per_s, ""),
        ];
        row.extend(
            [Quantile::P50, Quantile::P90, Quantile::P99].map(|it| shown(trial.quantile(it))),
        );
        row.push(shown(trial.response_time.max()));
        row.push(units::count(trial.failed));
        row.push(units::count(trial.dropped));
        row.push(units::count(trial.exchanges().ended()));
        let reason = trial.reason.as_ref();
        let reason = reason.map_or_else(String::new, |it| format!(": {}", escape(it)));
        row.push(format!("{}{reason}", trial.outcome));
        table.row(&row);
    }
    table.render("Trials of the search")
}
