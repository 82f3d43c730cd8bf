//! From what an audit found to its section of the document.

use crate::engine::{AuditFinding, Audited, ReadBack, TagFlickers};
use crate::result::{
    AuditExample, AuditSection, Document, FLICKER_EXAMPLES, FlickerExample, ReadBackSection,
    WallClock,
};

/// Adds what readers of tags have seen.
pub(super) fn add_flickers(document: &mut Document, flickers: &TagFlickers) {
    let clock = document.environment.clock;
    let examples = flickers.examples.iter();
    let examples = examples.map(|(name, old, new, at)| FlickerExample {
        name: name.to_string(),
        old: old.to_string(),
        new: new.to_string(),
        time: clock.at(*at),
    });
    let examples = examples.take(FLICKER_EXAMPLES).collect();
    document.add_flickers(flickers.found, flickers.not_judged, examples);
}

/// Returns the section of an audit.
pub(super) fn section(audited: &Audited, clock: WallClock) -> AuditSection {
    let example = |it: &AuditFinding| AuditExample {
        class: it.class,
        check: it.check,
        name: it.name.clone(),
        expected: it.expected.clone(),
        seen: it.seen.clone(),
        written: it
            .written
            .map(|(from, until)| [clock.at(from), clock.at(until)]),
    };
    AuditSection {
        cut: audited.cut.map(str::to_owned),
        writes: read_back(audited.writes),
        deletes: read_back(audited.deletes),
        checks: audited.tally.clone(),
        examples: audited.findings.iter().map(example).collect(),
        unknown_example: audited.unknown.clone(),
        ..AuditSection::default()
    }
    .summed()
}

const fn read_back(it: ReadBack) -> ReadBackSection {
    ReadBackSection {
        acknowledged: it.acknowledged,
        audited: it.audited,
        left_out: it.left_out,
        cut: it.cut,
    }
}
