//! Documents on disk.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Document, Schema};

/// Why a document could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read the report {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file could not be written; what stood there before is untouched.
    #[error("cannot write the report {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a document.
    #[error("{} is not a report of regstorm", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file is a document of another schema.
    #[error(
        "{} has the schema `{found}`, and this regstorm reads `{}`; use the version that wrote it, or measure again",
        path.display(), Schema::NAME
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema that it names.
        found: String,
    },
}

/// What a document of any version begins with.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

impl Document {
    /// The document as JSON, indented, with a line break at the end.
    pub fn to_json(&self) -> String {
        let mut json = pretty(self);
        json.push('\n');
        json
    }

    /// Stores the document. The file appears whole or not at all: it is written beside its place and then renamed.
    /// A link stays, and what it leads to is replaced; a device or a pipe is written to.
    ///
    /// # Errors
    /// [`Error::Write`] when the directory or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let refuse = |source| Error::Write {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            let opened = fs::OpenOptions::new().write(true).open(path);
            return opened
                .and_then(|mut it| it.write_all(self.to_json().as_bytes()))
                .map_err(refuse);
        }
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let directory = place
            .parent()
            .filter(|it| !it.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new()
                .prefix(".regstorm-")
                // As any program creates a file; the user's mask still applies.
                .permissions(Permissions::from_mode(0o666))
                .tempfile_in(directory)?;
            file.write_all(self.to_json().as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&place)?;
            Ok(())
        };
        write().map_err(refuse)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Error::Read`] when there is no such file, [`Error::Parse`] when it is something else, and
    /// [`Error::Schema`] when it is of another version.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let parse = |source| Error::Parse {
            path: path.to_owned(),
            source,
        };
        let head: Head = serde_json::from_slice(&bytes).map_err(parse)?;
        if head.schema != Schema::NAME {
            return Err(Error::Schema {
                path: path.to_owned(),
                found: head.schema.chars().take(60).collect(),
            });
        }
        serde_json::from_slice(&bytes).map_err(parse)
    }
}

fn pretty(document: &Document) -> String {
    serde_json::to_string_pretty(document).expect("every key of a document is a text")
}
