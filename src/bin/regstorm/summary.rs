//! Prints a summary to standard error if the result itself goes to standard output.

use std::io::{IsTerminal as _, Write as _};

use crate::exit::{self, Failure};
use crate::progress;
use crate::terminal;

/// Prints a summary for the width and colours of the stream it goes to: standard error if the result itself went to
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
