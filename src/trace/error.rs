//! Why a trace could not be written or read.

use std::io;
use std::path::PathBuf;

/// Why a trace could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read the trace {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a trace: make one with `regstorm trace import`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is a trace of another version.
    #[error(
        "{} has the format `{found}`, and this regstorm reads `{}`: import its log again",
        path.display(), super::SCHEMA
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it names.
        found: String,
    },
    /// The end of the file is missing.
    #[error("the trace {} was cut off: copy it or import its log again", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed after it was written.
    #[error(
        "the trace {} is damaged at byte {offset} ({reason}): copy it or import its log again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged block begins.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
}
