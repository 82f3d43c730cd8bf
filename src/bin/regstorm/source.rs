//! Where a text that a person has written comes from: a file, or the library inside the program.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::builder::{OsStringValueParser, TypedValueParser};
use regstorm::scenario::library::{self, Entry};

/// The most that is read. A scenario has a few kilobytes; a device may have no end.
const MAX_TEXT: u64 = 1 << 20;

/// Where a text comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// A file of the library, named as `@NAME`.
    Library(&'static Entry),
}

impl Source {
    /// Reads the text.
    pub(crate) fn text(&self) -> anyhow::Result<Cow<'static, str>> {
        match self {
            Self::File(path) => read_text(path).map(Cow::Owned),
            Self::Library(entry) => Ok(Cow::Borrowed(entry.text)),
        }
    }

    /// The file that is read, if it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Library(_) => None,
        }
    }

    /// The directory at which relative paths in the text start.
    pub(crate) fn directory(&self) -> &Path {
        match self {
            Self::File(path) => path.parent().unwrap_or(Path::new("")),
            Self::Library(_) => Path::new(""),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Library(entry) => write!(f, "@{}", entry.name),
        }
    }
}

/// Returns the parser of an argument that names a file, or by `@NAME` one of these entries.
pub(crate) fn parser(entries: &'static [Entry]) -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new().try_map(move |argument| parse(entries, argument))
}

fn parse(entries: &'static [Entry], argument: OsString) -> anyhow::Result<Source> {
    let Some(name) = argument.to_str().and_then(|it| it.strip_prefix('@')) else {
        return Ok(Source::File(argument.into()));
    };
    match library::find(entries, name) {
        Some(entry) => Ok(Source::Library(entry)),
        None => Err(unknown(entries, name)),
    }
}

/// There is no such name in the library. For a file whose name begins with `@` there is `./`.
pub(crate) fn unknown(entries: &[Entry], name: &str) -> anyhow::Error {
    let name = name.strip_prefix('@').unwrap_or(name);
    let distance = |it: &&Entry| strsim::damerau_levenshtein(it.name, name);
    let near = entries
        .iter()
        .min_by_key(distance)
        .filter(|it| distance(it) <= 3);
    let near = near.map_or_else(
        || {
            let names: Vec<String> = entries.iter().map(|it| format!("@{}", it.name)).collect();
            format!("it has {}", names.join(", "))
        },
        |it| format!("did you mean `@{}`?", it.name),
    );
    anyhow!("the library has no `@{name}`; {near} A file of that name is ./@{name}")
}

/// Reads a file that a person has written.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TEXT {
        bail!("it is larger than 1 MiB");
    }
    String::from_utf8(bytes).map_err(|_| anyhow!("it is not UTF-8 text"))
}
