//! What the audit read back, by kind of check, and what it found.

use crate::report::promises;
use crate::result::{AuditSection, Document};

use super::markup::Markup;
use super::parts::faint;
use super::table::{Cell, HtmlTable};

/// Returns nothing where there was no audit.
pub(super) fn section(document: &Document) -> Markup {
    document.audit.as_ref().map(of).unwrap_or_default()
}

/// Returns what was wrong in the measured window; nothing where nothing was.
pub(super) fn integrity(document: &Document) -> Markup {
    let mut section = Markup::default();
    if document.integrity.words().is_some() {
        let mut table = HtmlTable::new("In the measured window", &["finding", "count"]);
        for (name, count) in document.integrity.rows() {
            table.row(vec![Cell::words(name).short(), Cell::count(count)]);
        }
        section.push(table.render());
    }
    for line in promises::flickers(document) {
        section.push(faint(line));
    }
    section
}

fn of(audit: &AuditSection) -> Markup {
    let mut section = Markup::from(faint(promises::audit(audit)));
    let heading = [
        "check", "made", "kept", "lost", "stale", "wrong", "revived", "unknown",
    ];
    let mut table = HtmlTable::new("Checks", &heading);
    for (check, counts) in audit.checks.rows() {
        let mut row = vec![Cell::words(check.name()).short()];
        let counts = [
            counts.made(),
            counts.kept,
            counts.lost,
            counts.stale,
            counts.wrong,
            counts.revived,
            counts.unknown,
        ];
        row.extend(counts.map(Cell::count));
        table.row(row);
    }
    if !table.is_empty() {
        section.push(table.render());
    }
    let heading = ["class", "check", "name", "expected", "got", "written"];
    let mut table = HtmlTable::new("Promises that were not kept", &heading);
    for example in &audit.examples {
        let written = example.written.as_ref();
        let written = written.map(|[from, until]| format!("{from} to {until}"));
        table.row(vec![
            Cell::words(example.class.name()).short(),
            Cell::words(example.check.name()).short(),
            Cell::words(&example.name),
            Cell::words(&example.expected),
            Cell::words(&example.seen),
            Cell::words(written.unwrap_or_else(|| "before the load".to_owned())),
        ]);
    }
    if !table.is_empty() {
        section.push(table.render());
    }
    if let Some(unknown) = &audit.unknown_example {
        section.push(faint(format!("A check failed, e.g. {unknown}")));
    }
    section
}
