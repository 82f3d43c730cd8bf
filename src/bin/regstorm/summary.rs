//! Shows a summary where it does not get between the lines of a result.

use std::io::{IsTerminal as _, Write as _};

use crate::exit::{self, Failure};
use crate::progress;
use crate::terminal;

/// Prints what is made for a width and with or without colour: to standard error where the result itself went to
/// standard output.
pub(crate) fn show(
    to_stderr: bool,
    summary: impl FnOnce(usize, bool) -> String,
) -> Result<(), Failure> {
    let (terminal, colour) = if to_stderr {
        let stderr = std::io::stderr();
        (stderr.is_terminal(), terminal::colours(&stderr))
    } else {
        let stdout = std::io::stdout();
        (stdout.is_terminal(), terminal::colours(&stdout))
    };
    let width = if terminal { progress::width() } else { 120 };
    let text = summary(width, colour);
    if to_stderr {
        // The result itself is written all the same.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        return Ok(());
    }
    exit::print(&text)
}
