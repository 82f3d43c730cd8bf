//! Documents and comparisons on disk.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Comparison, ComparisonSchema, Document, Preparation, Schema};
use crate::files::ResolvedPath;

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
        "{} has the schema `{found}`, and this regstorm reads `{known}`; use the version that wrote it, or measure again",
        path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema that it names.
        found: String,
        /// The one that was wanted.
        known: &'static str,
    },
}

/// The longest report that is read, in bytes; one of ten thousand histograms has some tens of MiB.
const MAX_REPORT: u64 = 512 << 20;

/// What a document of any version begins with.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// What a file may hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// The report of a run.
    Run(Box<Document>),
    /// A comparison of two builds.
    Comparison(Box<Comparison>),
}

impl Stored {
    /// Reads a file of either kind.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = Raw::read(path)?;
        if file.schema == ComparisonSchema::NAME {
            file.parse().map(Box::new).map(Self::Comparison)
        } else {
            file.of(Schema::NAME).map(Box::new).map(Self::Run)
        }
    }
}

impl Stored {
    /// Returns the result as JSON, indented, with a line break at the end.
    pub fn to_json(&self) -> String {
        match self {
            Self::Run(run) => run.to_json(),
            Self::Comparison(comparison) => comparison.to_json(),
        }
    }

    /// Stores the result, see [`write_file`].
    ///
    /// # Errors
    /// [`Error::Write`] when the directory or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_file(path, &self.to_json())
    }
}

/// What a process has left in a registry, for clean-up.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaving {
    /// A shard that ran.
    Run(Box<Document>),
    /// One that prepared the target for all of them.
    Preparation(Box<Preparation>),
}

impl Leaving {
    /// Reads a file of either kind.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = Raw::read(path)?;
        if file.schema == Preparation::SCHEMA {
            file.parse().map(Box::new).map(Self::Preparation)
        } else {
            file.of(Schema::NAME).map(Box::new).map(Self::Run)
        }
    }
}

impl Preparation {
    /// Stores it, see [`write_file`].
    ///
    /// # Errors
    /// [`Error::Write`] when the directory or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_file(path, &pretty(self))
    }

    /// Reads one.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        Raw::read(path)?.of(Self::SCHEMA)
    }
}

impl Document {
    /// Returns the document as JSON, indented, with a line break at the end.
    pub fn to_json(&self) -> String {
        pretty(self)
    }

    /// Stores the document, see [`write_file`].
    ///
    /// # Errors
    /// [`Error::Write`] when the directory or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_file(path, &self.to_json())
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Error::Read`] when there is no such file, [`Error::Parse`] when it is something else, and
    /// [`Error::Schema`] when it is of another version.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Raw::read(path)?.of(Schema::NAME)
    }
}

impl Comparison {
    /// Returns the comparison as JSON, indented, with a line break at the end.
    pub fn to_json(&self) -> String {
        pretty(self)
    }

    /// Stores the comparison, see [`write_file`].
    ///
    /// # Errors
    /// [`Error::Write`] when the directory or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_file(path, &self.to_json())
    }

    /// Reads a comparison.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        Raw::read(path)?.of(ComparisonSchema::NAME)
    }
}

/// Writes what was made of a document. The file appears whole or not at all: it is written beside its place and then
/// renamed. A link stays, and what it leads to is replaced; a device or a pipe is written to. What another user may have put
/// there to lead the write elsewhere is refused (see [`ResolvedPath`]).
///
/// # Errors
/// [`Error::Write`] when the directory or the file cannot be written.
pub fn write_file(path: &Path, text: &str) -> Result<(), Error> {
    ResolvedPath::find(path)
        .and_then(|place| place.write(text.as_bytes()))
        .map_err(|source| Error::Write {
            path: path.to_owned(),
            source,
        })
}

/// A file whose schema is known and nothing else.
struct Raw<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    schema: String,
}

impl<'a> Raw<'a> {
    fn read(path: &'a Path) -> Result<Self, Error> {
        let bytes = read_bounded(path, MAX_REPORT).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let head: Result<Head, _> = serde_json::from_slice(&bytes);
        let schema = head.map_err(|source| not_ours(path, source))?.schema;
        Ok(Self {
            path,
            bytes,
            schema,
        })
    }

    /// Returns what it holds, if it is of that schema.
    fn of<T: DeserializeOwned>(&self, known: &'static str) -> Result<T, Error> {
        if self.schema != known {
            return Err(Error::Schema {
                path: self.path.to_owned(),
                found: self.schema.chars().take(60).collect(),
                known,
            });
        }
        self.parse()
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.bytes).map_err(|source| not_ours(self.path, source))
    }
}

/// Returns the bytes of a file, or why there are too many: a device has no end.
fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("it is larger than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn not_ours(path: &Path, source: serde_json::Error) -> Error {
    Error::Parse {
        path: path.to_owned(),
        source,
    }
}

fn pretty(stored: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(stored).expect("every key of a document is a text");
    json.push('\n');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let error = read_bounded(Path::new("/dev/zero"), 3 << 20).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 3 MiB");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(read_bounded(file.path(), 1 << 20).unwrap().len(), 1 << 20);
        assert!(read_bounded(file.path(), (1 << 20) - 1).is_err());
    }
}
