//! Words on what the registry promised and did not keep, the same in every format for people.

use crate::measure::AuditClass;
use crate::result::{AuditExample, AuditSection, Document, ReadBackSection};
use crate::units;

/// More examples than this are in the document only.
pub(super) const SHOWN: usize = 5;

/// Returns why a run fails whatever its thresholds say; nothing if it does not.
pub(super) fn broken(document: &Document) -> Vec<String> {
    let audit = document.audit.as_ref().map(classes).unwrap_or_default();
    let audit = Some(audit).filter(|it| !it.is_empty());
    let audit = audit.map(|it| format!("the registry broke promises: {it}"));
    let integrity = integrity(document);
    let integrity = integrity.map(|it| format!("the registry sent wrong content: {it}"));
    audit.into_iter().chain(integrity).collect()
}

/// Returns what was wrong in the measured window: `2 wrong digest, 1 empty body`; `None` if nothing was.
pub(super) fn integrity(document: &Document) -> Option<String> {
    let rows = document.integrity.rows().into_iter();
    let rows = rows.filter(|(_, count)| *count > 0);
    let rows: Vec<String> = rows
        .map(|(name, count)| format!("{} {name}", units::count(count)))
        .collect();
    (!rows.is_empty()).then(|| rows.join(", "))
}

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
    let found = match classes(audit) {
        found if !found.is_empty() => found,
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

/// `3 lost, 1 stale`; nothing where no promise was broken.
fn classes(audit: &AuditSection) -> String {
    let classes = AuditClass::ALL.into_iter();
    let classes = classes.filter(|class| audit.of(*class) > 0);
    let classes: Vec<String> = classes
        .map(|class| format!("{} {class}", units::count(audit.of(class))))
        .collect();
    classes.join(", ")
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
