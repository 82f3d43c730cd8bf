//! How a command ends: the documented exit codes, and the one place that prints an error.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use regstorm::files::ResolvedPath;
use regstorm::units::is_unseen;

/// The end of a command, as scripts see it. The numbers are part of the interface (docs/reference/exit-codes.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It ran, and every threshold or gate passed.
    Passed = 0,
    /// A threshold was breached, or a regression was found; `pull` and `push`: the image was not moved. Any command:
    /// its result could not be written.
    Failed = 1,
    /// Bad usage or an invalid scenario; nothing was sent.
    Usage = 2,
    /// Too few samples, or the evidence does not decide.
    Inconclusive = 3,
    /// The generator was the limit: nothing can be said of the target.
    Invalid = 4,
    /// The target could not be reached, refused the credentials, or could not be prepared.
    Target = 5,
    /// A defect of regstorm itself.
    Defect = 70,
    /// Interrupted; what was measured is written all the same.
    Interrupted = 130,
}

/// A command that could not do its work: which exit code, and the chain of causes to print.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
        }
    }

    #[cfg(test)]
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Messages often carry their cause already; a cause is shown only when it adds words.
        let mut shown = self.error.to_string();
        f.write_str(&told(&shown))?;
        for cause in self.error.chain().skip(1) {
            let cause = cause.to_string();
            if !shown.contains(&cause) {
                write!(f, ": {}", told(&cause))?;
                shown = cause;
            }
        }
        Ok(())
    }
}

/// Errors repeat words of registries and archives, which must neither drive the terminal nor look like lines of ours.
fn told(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control() && c != '\n', " ");
    text.replace(|c: char| is_unseen(c) && c != '\n', "")
        .trim_end()
        .replace('\n', "\n  ")
}

/// Attaches an exit code to any error.
pub(crate) trait OrExit<T> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, error))
    }
}

/// Checks that what a flag names can be written: before an hour of load, not after.
///
/// Says where a link leads: it is written through.
pub(crate) fn check_writable(flag: &str, path: &Path) -> anyhow::Result<Option<String>> {
    let name = path.display();
    let place = ResolvedPath::find(path).and_then(|place| place.check_writable().map(|()| place));
    let place = place.map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory => anyhow!("{flag} {name}: this is a directory"),
        _ => anyhow!("{flag} {name}: {error}"),
    })?;
    let followed = || format!("{name} is a link: {} is written", place.path().display());
    Ok(place.is_behind_link().then(followed))
}

/// Says something beside the result of a command.
pub(crate) fn note(text: &str) {
    // Nobody has to read it.
    let _ = writeln!(io::stderr().lock(), "note: {text}");
}

/// Writes the result of a command. A reader that has seen enough and closed its end is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written
            .context("cannot write to standard output")
            .or_exit(Exit::Failed),
    }
}

/// Prints what went wrong, once, and gives the code to the shell.
pub(crate) fn code(ended: Result<Exit, Failure>) -> ExitCode {
    let exit = ended.unwrap_or_else(|failure| {
        // When nobody reads what is wrong, the exit code still says that something is.
        let _ = writeln!(io::stderr().lock(), "error: {failure}");
        failure.exit
    });
    ExitCode::from(exit as u8)
}
