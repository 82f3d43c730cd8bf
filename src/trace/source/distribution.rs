//! What both forms of Distribution's application log have in common.

use std::sync::LazyLock;

use memchr::memmem;

use super::super::entry::Line;
use super::template::{self, Template};

/// The message of a request that ended; `... with error` as well.
pub(super) const ENDED: &str = "response completed";
/// The message of a request that ended with errors: a line for each of them.
pub(super) const FAILED: &str = "response completed with error";
/// The message of a request that is responded to by 401, without a line of its end.
pub(super) const REFUSED: &str = "error authorizing context";
/// Looks for the messages, before anything else is read.
static ENDS: LazyLock<[memmem::Finder<'static>; 2]> =
    LazyLock::new(|| [ENDED, REFUSED].map(memmem::Finder::new));

/// Returns `true` if a line may be that of a request that ended.
pub(super) fn may_end(line: &str) -> bool {
    ENDS.iter().any(|it| it.find(line.as_bytes()).is_some())
}

/// What a line in a log of Distribution is that is none of its application log: both logs are often in one file, and each
/// request in both of them.
pub(super) fn beside(line: &str) -> Line<'_> {
    static COMMON: LazyLock<Template> =
        LazyLock::new(|| Template::new(template::COMMON).expect("a test holds that it is one"));
    if matches!(COMMON.read(line), Line::Request(_) | Line::Outside) {
        Line::Other
    } else {
        Line::Unreadable("neither the application log nor the access log")
    }
}
