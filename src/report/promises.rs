//! Words on what the registry promised and did not keep, the same in every format for people.

use crate::result::{AuditExample, AuditSection, Document, ReadBackSection};
use crate::units;

/// More examples than this are in the document only.
pub(super) const SHOWN: usize = 5;

/// Returns what people are told of integrity beside its verdict: flickers, and those that were not judged.
pub(super) fn flickers(document: &Document) -> Vec<String> {
    let integrity = &document.integrity;
    let examples = integrity.examples.iter().take(SHOWN).map(|it| {
        format!(
            "flickering tag: {} led to {} again at {}, after {}",
            it.name, it.old, it.time, it.new
        )
    });
    let not_judged = Some(integrity.flickers_not_judged).filter(|it| *it > 0);
    let not_judged = not_judged.map(|count| {
        format!(
            "{} reads of a tag found an older image; not judged: pushes of it failed or were sent again",
            units::count(count)
        )
    });
    examples.chain(not_judged).collect()
}

/// Returns what the audit came to: `clean: 100 of 1,234 acknowledged writes were read back, 812 checks`.
pub(super) fn audit(audit: &AuditSection) -> String {
    let found = match audit.words() {
        Some(found) => found,
        _ if audit.checks.all().made() == 0 => "nothing was read back".to_owned(),
        _ if audit.is_clean() => "clean".to_owned(),
        _ => "nothing broken in what was read back".to_owned(),
    };
    let mut parts = Vec::new();
    if audit.writes.acknowledged > 0 || audit.deletes.acknowledged == 0 {
        parts.push(read_back(&audit.writes, "writes"));
    }
    if audit.deletes.acknowledged > 0 {
        parts.push(read_back(&audit.deletes, "deletions"));
    }
    let checks = units::number_of(audit.checks.all().made(), "check");
    let mut text = format!("{found}: {}, {checks}", parts.join(", "));
    if audit.unknown > 0 {
        text = format!("{text}, {} of them failed", units::count(audit.unknown));
    }
    if let Some(cut) = &audit.cut {
        text = format!("{text}; not done: {cut}");
    }
    text
}

/// `100 of 1,234 acknowledged writes`
fn read_back(it: &ReadBackSection, what: &str) -> String {
    format!(
        "{} of {} acknowledged {what}",
        units::count(it.audited),
        units::count(it.acknowledged)
    )
}

/// `lost: blob app/0@sha256:0b…, written 12:00:01Z to 12:00:02Z: expected 512 bytes, got 404`
pub(super) fn example(it: &AuditExample) -> String {
    let written = match &it.written {
        Some([from, until]) => format!("written between {from} and {until}"),
        None => "written before the load".to_owned(),
    };
    format!(
        "{}: {} {}, {written}: expected {}, got {}",
        it.class, it.check, it.name, it.expected, it.seen
    )
}

/// Returns the examples to show, and how many findings there are beside them.
pub(super) fn examples(audit: &AuditSection) -> (impl Iterator<Item = &AuditExample>, u64) {
    let shown = audit.examples.len().min(SHOWN);
    let rest = audit.found().saturating_sub(shown as u64);
    (audit.examples.iter().take(SHOWN), rest)
}
