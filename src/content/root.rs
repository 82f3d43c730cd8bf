//! The directory or archive of an image: finds files by name, and never outside.
//!
//! Links are followed by hand, one component at a time, because the operating system would follow them out. The
//! directory is assumed not to change: a user who can change it can also change its files.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::archive::{Archive, Node};
use super::error::ContentError;
use super::frame::frame_length;
use super::region::Region;
use crate::units::ByteSize;

/// The largest document that is read into memory.
pub(super) const MAX_DOCUMENT: u64 = 8 << 20;
/// The most links, as in Linux.
const MAX_LINKS: usize = 40;

/// A directory or an indexed archive.
#[derive(Debug)]
pub(super) enum Root {
    Directory(PathBuf),
    Archive(Archive),
}

impl Root {
    /// Returns the file of that name, links followed; `None` if there is none.
    pub(super) fn find(&self, name: &str) -> Result<Option<Region>, ContentError> {
        match resolve(name, |name| self.node(name)).map_err(|error| self.locate(error))? {
            None => Ok(None),
            Some(resolved) => match self {
                Self::Archive(archive) => Ok(archive.region(&resolved)),
                Self::Directory(root) => open_file(&root.join(resolved)).map(Some),
            },
        }
    }

    /// Returns the file of that name, which `referrer` refers to.
    pub(super) fn require(&self, name: &str, referrer: &str) -> Result<Region, ContentError> {
        self.find(name)?.ok_or_else(|| ContentError::Missing {
            name: self.label(name),
            referrer: referrer.to_owned(),
        })
    }

    /// Reads a small file of that name.
    pub(super) fn document(&self, name: &str) -> Result<Option<Bytes>, ContentError> {
        self.find(name)?.as_ref().map(read_document).transpose()
    }

    /// The label of a file in messages.
    pub(super) fn label(&self, name: &str) -> String {
        match self {
            Self::Directory(root) => root.join(name).display().to_string(),
            Self::Archive(archive) => format!("{}: {name}", archive.name()),
        }
    }

    /// The label of the whole in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Directory(root) => root.display().to_string(),
            Self::Archive(archive) => archive.name().to_owned(),
        }
    }

    /// Some names at the top, for a message.
    pub(super) fn listing(&self) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Directory(root) => fs::read_dir(root)
                .into_iter()
                .flatten()
                .flatten()
                .take(1000)
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect(),
            Self::Archive(archive) => archive.top_names(),
        };
        names.sort();
        names.truncate(8);
        names
    }

    fn node(&self, name: &str) -> Result<Node, ContentError> {
        match self {
            Self::Archive(archive) => Ok(archive.node(name)),
            Self::Directory(root) => node_on_disk(&root.join(name)),
        }
    }

    fn locate(&self, error: ContentError) -> ContentError {
        match error {
            ContentError::Escape { name, target } => ContentError::Escape {
                name: self.label(&name),
                target,
            },
            ContentError::LinkLoop(name) => ContentError::LinkLoop(self.label(&name)),
            ContentError::Special(name) => ContentError::Special(self.label(&name)),
            ContentError::Sparse(name) => ContentError::Sparse(self.label(&name)),
            other => other,
        }
    }
}

/// Reads a small file.
pub(super) fn read_document(region: &Region) -> Result<Bytes, ContentError> {
    if region.size() > MAX_DOCUMENT {
        return Err(ContentError::TooLarge {
            name: region.name().to_owned(),
            limit: ByteSize::from_bytes(MAX_DOCUMENT),
        });
    }
    let mut bytes = vec![0; frame_length(region.size())];
    region
        .read_exact_at(&mut bytes, 0)
        .map_err(|source| ContentError::Read {
            name: region.name().to_owned(),
            source,
        })?;
    Ok(bytes.into())
}

fn node_on_disk(path: &Path) -> Result<Node, ContentError> {
    let read = |source| ContentError::Read {
        name: path.display().to_string(),
        source,
    };
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Node::Missing);
        }
        Err(error) => return Err(read(error)),
    };
    Ok(if kind.is_symlink() {
        let target = fs::read_link(path).map_err(read)?;
        Node::Symlink(target.to_string_lossy().into_owned())
    } else if kind.is_dir() {
        Node::Directory
    } else if kind.is_file() {
        Node::File
    } else {
        Node::Special
    })
}

/// Opens a regular file without links in its path.
fn open_file(path: &Path) -> Result<Region, ContentError> {
    let name = path.display().to_string();
    let read = |source| ContentError::Read {
        name: name.clone(),
        source,
    };
    let before = fs::symlink_metadata(path).map_err(read)?;
    let file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    if !metadata.is_file() || (metadata.dev(), metadata.ino()) != (before.dev(), before.ino()) {
        return Err(ContentError::Special(name));
    }
    Ok(Region::new(
        Arc::new(file),
        0,
        metadata.len(),
        name.as_str().into(),
    ))
}

/// Follows links inside the root. `None` if the name does not exist.
fn resolve(
    name: &str,
    node: impl Fn(&str) -> Result<Node, ContentError>,
) -> Result<Option<String>, ContentError> {
    let escape = |target: &str| ContentError::Escape {
        name: name.to_owned(),
        target: target.to_owned(),
    };
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return Err(escape(name));
    }
    let mut ahead: VecDeque<String> = name.split('/').map(ToOwned::to_owned).collect();
    let mut here: Vec<String> = Vec::new();
    let mut links = 0;
    let mut last = Node::Directory;
    while let Some(part) = ahead.pop_front() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                here.pop().ok_or_else(|| escape("a link to `..`"))?;
                last = Node::Directory;
                continue;
            }
            _ => here.push(part),
        }
        last = node(&here.join("/"))?;
        let target = match &last {
            Node::Symlink(target) => {
                here.pop();
                target
            }
            Node::HardLink(target) => {
                here.clear();
                target
            }
            _ => continue,
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(ContentError::LinkLoop(name.to_owned()));
        }
        if target.starts_with('/') {
            return Err(escape(target));
        }
        for part in target.split('/').rev() {
            ahead.push_front(part.to_owned());
        }
    }
    match last {
        Node::File => Ok(Some(here.join("/"))),
        Node::Special => Err(ContentError::Special(name.to_owned())),
        Node::Sparse => Err(ContentError::Sparse(name.to_owned())),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn directory() -> (tempfile::TempDir, Root) {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("secret"), "outside").unwrap();
        let root = outer.path().join("image");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "inside").unwrap();
        (outer, Root::Directory(root))
    }

    fn link(root: &Root, target: &str, name: &str) {
        let Root::Directory(root) = root else {
            panic!("a directory")
        };
        symlink(target, root.join(name)).unwrap();
    }

    #[test]
    fn links_inside_are_followed_through_directories() {
        let (_outer, root) = directory();
        link(&root, "a", "dir");
        link(&root, "../dir/b/file", "a/up");
        for name in ["a/b/file", "./a//b/file", "dir/b/file", "a/up", "dir/up"] {
            let bytes = root.document(name).unwrap().unwrap();
            assert_eq!(bytes, "inside", "{name}");
        }
        assert!(root.document("a/b").unwrap().is_none());
        assert!(root.document("a/none").unwrap().is_none());
        assert!(root.document("a/b/file/deeper").unwrap().is_none());
    }

    #[test]
    fn ways_out_are_refused() {
        let (outer, root) = directory();
        let secret = outer.path().join("secret");
        link(&root, secret.to_str().unwrap(), "absolute");
        link(&root, "../secret", "relative");
        link(&root, "..", "up");
        link(&root, "/etc", "etc");
        for name in [
            "absolute",
            "relative",
            "up/secret",
            "etc/passwd",
            "../secret",
            "/etc/passwd",
            "a/../../secret",
        ] {
            let error = root.document(name).unwrap_err();
            assert!(
                matches!(error, ContentError::Escape { .. }),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn circles_and_special_files_are_refused() {
        let (outer, root) = directory();
        link(&root, "y", "x");
        link(&root, "x", "y");
        let error = root.document("x").unwrap_err();
        assert!(matches!(error, ContentError::LinkLoop(_)), "{error}");
        let _socket =
            std::os::unix::net::UnixListener::bind(outer.path().join("image/socket")).unwrap();
        let error = root.document("socket").unwrap_err();
        assert!(matches!(error, ContentError::Special(_)), "{error}");
    }

    #[test]
    fn a_huge_document_is_refused_before_it_is_read() {
        let (outer, root) = directory();
        let file = File::create(outer.path().join("image/index.json")).unwrap();
        file.set_len(MAX_DOCUMENT + 1).unwrap();
        let error = root.document("index.json").unwrap_err();
        assert!(matches!(error, ContentError::TooLarge { .. }), "{error}");
    }
}
