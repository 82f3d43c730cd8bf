//! What a stream of this process can show: lines that are drawn again, columns and colours.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;

use console::Term;

/// Returns `true` if a line on that stream can be drawn again in its place.
pub(crate) fn redraws(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !is_dumb(env::var_os("TERM").as_deref())
}

/// Returns the columns of a terminal, `None` if the stream is none, or does not say.
pub(crate) fn columns(term: &Term) -> Option<usize> {
    let (_, columns) = term.size_checked().filter(|_| term.is_term())?;
    (columns > 0).then(|| columns.into())
}

/// Returns `true` if colours are wanted on that stream, and shown.
///
/// `NO_COLOR` forbids them, `CLICOLOR_FORCE` wants them anywhere, and `CLICOLOR=0` wants none.
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    wanted(redraws(stream), |name| env::var_os(name))
}

/// See <https://no-color.org> and <https://bixense.com/clicolors>: an empty value is none.
fn wanted(shown: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| variable(name).filter(|it| !it.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|it| it != "0") {
        return true;
    }
    shown && set("CLICOLOR").is_none_or(|it| it != "0")
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

    #[test]
    fn variables_of_the_user_decide_about_colours() {
        for (shown, set, wants) in [
            (true, vec![], true),
            (false, vec![], false),
            (true, vec![("NO_COLOR", "1")], false),
            (true, vec![("NO_COLOR", "")], true),
            (false, vec![("CLICOLOR_FORCE", "1")], true),
            (false, vec![("CLICOLOR_FORCE", "0")], false),
            (false, vec![("CLICOLOR_FORCE", "")], false),
            (
                true,
                vec![("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
                false,
            ),
            (true, vec![("CLICOLOR", "0")], false),
            (true, vec![("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], true),
        ] {
            let variable = |name: &str| {
                let value = set.iter().find(|(it, _)| *it == name);
                value.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(wanted(shown, variable), wants, "{shown} {set:?}");
        }
    }
}
