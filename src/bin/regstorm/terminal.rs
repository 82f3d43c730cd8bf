//! What a stream of this process can show: lines that are drawn again, and colours.

use std::env;
use std::ffi::OsStr;
use std::io::IsTerminal;

/// Returns `true` if a line on that stream can be drawn again in its place.
pub(crate) fn redraws(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !is_dumb(env::var_os("TERM").as_deref())
}

/// Returns `true` if colours are wanted on that stream, and shown.
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    redraws(stream) && env::var_os("NO_COLOR").is_none()
}

/// A terminal that knows nothing but lines, or of which nothing is known.
fn is_dumb(term: Option<&OsStr>) -> bool {
    term.is_none_or(|it| it.is_empty() || it == "dumb" || it == "unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_is_one_that_says_so_or_nothing() {
        let dumb = [None, Some(""), Some("dumb"), Some("unknown")];
        assert!(dumb.into_iter().all(|it| is_dumb(it.map(OsStr::new))));
        let others = [
            "xterm",
            "xterm-256color",
            "screen",
            "vt100",
            "linux",
            "dumber",
        ];
        assert!(!others.into_iter().any(|it| is_dumb(Some(OsStr::new(it)))));
    }
}
