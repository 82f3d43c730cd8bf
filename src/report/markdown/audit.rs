//! What the audit found, and examples of it.

use crate::result::AuditSection;

use super::super::promises;

/// Returns a line on all of it, and one for each example.
pub(super) fn list(audit: &AuditSection) -> Vec<String> {
    let (examples, rest) = promises::examples(audit);
    let mut list = vec![promises::audit(audit)];
    list.extend(examples.map(promises::example));
    if rest > 0 {
        list.push(format!("and {rest} more, see the report"));
    }
    let unknown = audit.unknown_example.iter();
    list.extend(unknown.map(|it| format!("a check failed, e.g. {it}")));
    list
}
