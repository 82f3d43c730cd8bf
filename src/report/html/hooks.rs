//! Hooks: what came of them, what they printed, and what they did to the journeys.

use std::time::Duration;

use crate::result::{Document, HookSection};
use crate::units;

use super::super::hooks;
use super::markup::{Markup, element};
use super::parts::{details, faint};
use super::table::{Cell, HtmlTable, State};

/// The most runs that are listed.
const MOST: usize = 50;

/// Returns the section; nothing where there are no hooks.
pub(super) fn section(document: &Document) -> Markup {
    let mut section = Markup::new();
    let mut table = HtmlTable::new("What they did to the journeys", &hooks::COLUMNS);
    for hook in &document.hooks {
        let (state, word) = if hook.record.counts.all_ok() {
            (State::Good, "ok")
        } else {
            (State::Bad, "not as planned")
        };
        let mut line = Markup::from(state.badge(word));
        line.push(format!(" {}", hooks::outcome(hook)));
        section.push(element("p").with(line));
        let troubles = hooks::troubles(hook);
        if !troubles.is_empty() {
            section.push(element("p").with(troubles.join("; ")));
        }
        section.push(details("Command and runs", runs(hook)));
        for row in hooks::rows(hook) {
            table.row(row.into_iter().map(Cell::words).collect());
        }
    }
    if document.hooks.iter().any(|it| !it.effects.is_empty()) {
        section.push(table.render());
        section.push(faint(hooks::MEANING));
    }
    section
}

fn runs(hook: &HookSection) -> Markup {
    let record = &hook.record;
    let mut section = Markup::from(element("pre").with(format!("{:?}", record.command)));
    let mut table = HtmlTable::new("Runs", &["due", "started", "ended", "end", "printed last"]);
    for run in record.runs.iter().take(MOST) {
        let times = [run.due_us, run.started_us, run.ended_us];
        let times = times.map(|it| units::duration(Duration::from_micros(it)));
        let mut row: Vec<Cell> = times.into_iter().map(Cell::words).collect();
        row.push(Cell::words(run.end.to_string()));
        row.push(Cell::words(run.output.clone()));
        table.row(row);
    }
    section.push(table.render());
    if record.runs.len() > MOST {
        section.push(faint(
            "Only the first 50 runs are listed; the report has more.",
        ));
    }
    section
}
