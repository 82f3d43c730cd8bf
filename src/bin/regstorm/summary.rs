//! Prints a summary to standard error if the result itself goes to standard output.

use std::io::Write as _;

use console::Term;

use crate::exit::{self, Failure};
use crate::terminal;

/// Narrower terminals are taken as this wide, because no table fits them.
const NARROWEST: usize = 40;

/// Prints a summary for the width and colours of the stream it goes to: standard error if the result itself went to
/// standard output. The width is `None` where there is no terminal.
pub(crate) fn show(
    to_stderr: bool,
    summary: impl FnOnce(Option<usize>, bool) -> String,
) -> Result<(), Failure> {
    if to_stderr {
        let colour = terminal::colours(&std::io::stderr());
        let text = summary(width(&Term::stderr()), colour);
        // The result itself is written all the same.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        return Ok(());
    }
    let colour = terminal::colours(&std::io::stdout());
    exit::print(&summary(width(&Term::stdout()), colour))
}

fn width(term: &Term) -> Option<usize> {
    terminal::columns(term).map(|it| it.max(NARROWEST))
}
