//! An index of a tar archive: the position of each entry's bytes. Nothing is extracted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::error::ContentError;
use super::metered::Metered;
use super::region::Region;

/// An image of 127 layers in the oldest layout has about 500.
const MAX_ENTRIES: usize = 100_000;
/// Linux' limit of a path.
const MAX_NAME: usize = 4096;

/// The entry of one exact name.
#[derive(Debug)]
pub(super) enum Node {
    Missing,
    Directory,
    File,
    /// To a name relative to the directory that the link is in.
    Symlink(String),
    /// To a name relative to the top.
    HardLink(String),
    Special,
    Sparse,
}

/// An open tar archive and its index.
#[derive(Debug)]
pub(super) struct Archive {
    file: Arc<File>,
    name: String,
    entries: BTreeMap<String, Entry>, // normalised names, relative to the top
}

#[derive(Debug)]
enum Entry {
    File { offset: u64, size: u64 },
    Directory,
    Symlink(String),
    HardLink(String),
    Special,
    Sparse,
}

impl Archive {
    /// Reads all headers. `name` is for messages.
    pub(super) fn index(file: File, name: &str) -> Result<Self, ContentError> {
        let read = |source: io::Error| {
            // The error of the tar reader repeats the bytes that it could not parse; it is no message.
            if source.to_string().chars().all(|it| matches!(it, ' '..='~')) {
                ContentError::Read {
                    name: name.to_owned(),
                    source,
                }
            } else {
                ContentError::NotTar(name.to_owned())
            }
        };
        let length = file.metadata().map_err(read)?.len();
        let file = Arc::new(file);
        let (reader, allowance) = Metered::new(&*file);
        let mut tar = tar::Archive::new(reader);
        let mut entries = BTreeMap::new();
        let mut headers = tar.entries_with_seek().map_err(read)?;
        loop {
            allowance.headers_only();
            let Some(header) = headers.next() else { break };
            let header = header.map_err(read)?;
            let Ok(path) = String::from_utf8(header.path_bytes().into_owned()) else {
                continue; // no JSON document can name it
            };
            let label = || format!("{name}: {}", path.chars().take(200).collect::<String>());
            let entry = Entry::read(header, &label)?;
            if let Entry::File { offset, size } = entry
                && offset.checked_add(size).is_none_or(|end| end > length)
            {
                return Err(ContentError::Truncated(label()));
            }
            if let Some(path) = normalise(&path, &label)? {
                entries.insert(path, entry);
            }
            if entries.len() > MAX_ENTRIES {
                return Err(ContentError::TooMany {
                    name: name.to_owned(),
                    limit: MAX_ENTRIES,
                });
            }
        }
        Ok(Self {
            file,
            name: name.to_owned(),
            entries,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn node(&self, name: &str) -> Node {
        match self.entries.get(name) {
            None => Node::Missing,
            Some(Entry::File { .. }) => Node::File,
            Some(Entry::Directory) => Node::Directory,
            Some(Entry::Symlink(target)) => Node::Symlink(target.clone()),
            Some(Entry::HardLink(target)) => Node::HardLink(target.clone()),
            Some(Entry::Special) => Node::Special,
            Some(Entry::Sparse) => Node::Sparse,
        }
    }

    pub(super) fn region(&self, name: &str) -> Option<Region> {
        match self.entries.get(name)? {
            Entry::File { offset, size } => Some(Region::new(
                Arc::clone(&self.file),
                *offset,
                *size,
                format!("{}: {name}", self.name).into(),
            )),
            _ => None,
        }
    }

    pub(super) fn top_names(&self) -> Vec<String> {
        let first = |name: &String| name.split('/').next().unwrap_or_default().to_owned();
        let names: BTreeSet<_> = self.entries.keys().map(first).collect();
        names.into_iter().collect()
    }
}

impl Entry {
    fn read<R: io::Read>(
        mut header: tar::Entry<'_, R>,
        label: &dyn Fn() -> String,
    ) -> Result<Self, ContentError> {
        let kind = header.header().entry_type();
        let target = || -> Result<String, ContentError> {
            let bytes = header.link_name_bytes().unwrap_or_default();
            String::from_utf8(bytes.into_owned())
                .ok()
                .filter(|target| target.len() <= MAX_NAME)
                .ok_or_else(|| ContentError::Escape {
                    name: label(),
                    target: "a link that is not a name".into(),
                })
        };
        Ok(match kind {
            tar::EntryType::Directory => Self::Directory,
            tar::EntryType::Symlink => Self::Symlink(target()?),
            tar::EntryType::Link => Self::HardLink(target()?),
            tar::EntryType::GNUSparse => Self::Sparse,
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                if is_pax_sparse(&mut header).map_err(|source| ContentError::Read {
                    name: label(),
                    source,
                })? {
                    return Ok(Self::Sparse);
                }
                Self::File {
                    offset: header.raw_file_position(),
                    size: header.size(),
                }
            }
            _ => Self::Special,
        })
    }
}

/// GNU tar writes sparse files in the pax format as regular entries with these records.
pub(super) fn is_pax_sparse<R: io::Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<bool> {
    Ok(entry.pax_extensions()?.is_some_and(|mut records| {
        records
            .any(|record| record.is_ok_and(|record| record.key_bytes().starts_with(b"GNU.sparse.")))
    }))
}

/// Returns the name relative to the top; `None` for the top itself.
fn normalise(path: &str, label: &dyn Fn() -> String) -> Result<Option<String>, ContentError> {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if path.starts_with('/') || path.len() > MAX_NAME || parts.contains(&"..") {
        return Err(ContentError::Escape {
            name: label(),
            target: path.chars().take(200).collect(),
        });
    }
    Ok((!parts.is_empty()).then(|| parts.join("/")))
}
