//! The size of a directory: what its files take up on the disk, as `du` counts it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most entries of a tree.
const MOST_ENTRIES: u64 = 5_000_000;

/// The most directories that wait to be read.
const MOST_WAITING: usize = 500_000;

/// The most files that have several names.
const MOST_LINKED: usize = 1_000_000;

/// A block of `st_blocks`.
const BLOCK: u64 = 512;

/// Ends a walk that nobody waits for any more when it is dropped.
#[derive(Debug, Default)]
pub(super) struct WalkGuard(Arc<AtomicBool>);

impl WalkGuard {
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for WalkGuard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    pub(super) bytes: u64,
    pub(super) files: u64,
    /// Directories that could not be read.
    pub(super) unread: u64,
}

/// Walks a tree. Links are not followed, a file with several names counts once, and what vanishes meanwhile does not count.
///
/// # Errors
/// Returns what to tell people if there is no such directory, or if it is too large.
pub(super) fn walk(root: &Path, is_over: &AtomicBool) -> Result<Size, String> {
    let shown = root.display();
    let mut entries =
        fs::read_dir(root).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let mut size = Size::default();
    let mut waiting: Vec<PathBuf> = Vec::new();
    let mut linked: BTreeSet<(u64, u64)> = BTreeSet::new();
    let mut count = 0;
    loop {
        for entry in entries {
            count += 1;
            if is_over.load(Ordering::Relaxed) {
                return Err(format!("the walk through {shown} was not over in time"));
            }
            if count > MOST_ENTRIES || waiting.len() > MOST_WAITING || linked.len() > MOST_LINKED {
                return Err(format!("{shown} has too many files to be counted"));
            }
            let Some((entry, metadata)) = entry
                .ok()
                .and_then(|it| Some((it.metadata().ok()?, it)))
                .map(|(metadata, entry)| (entry, metadata))
            else {
                continue;
            };
            if metadata.is_dir() {
                waiting.push(entry.path());
            } else {
                let file = (metadata.dev(), metadata.ino());
                if metadata.nlink() > 1 && !linked.insert(file) {
                    continue;
                }
                size.files += 1;
            }
            size.bytes = size
                .bytes
                .saturating_add(metadata.blocks().saturating_mul(BLOCK));
        }
        entries = loop {
            let Some(next) = waiting.pop() else {
                return Ok(size);
            };
            match fs::read_dir(next) {
                Ok(entries) => break entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => size.unread += 1,
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(root: &Path) -> Result<Size, String> {
        walk(root, &AtomicBool::new(false))
    }

    #[test]
    fn a_file_with_two_names_counts_once_and_links_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("blob"), vec![7; 1 << 20]).unwrap();
        let one = of(root.path()).unwrap();
        assert_eq!((one.files, one.unread), (1, 0));
        // Some file systems take up no blocks for content that was not written out yet, and blocks differ in size.
        fs::hard_link(deep.join("blob"), root.path().join("again")).unwrap();
        std::os::unix::fs::symlink("/", root.path().join("link")).unwrap();
        let two = of(root.path()).unwrap();
        assert_eq!(two.files, 2, "the file and the link");
        assert!(two.bytes < one.bytes + (1 << 19), "{two:?}");
    }

    #[test]
    fn what_is_no_directory_or_takes_too_long_is_told() {
        let root = tempfile::tempdir().unwrap();
        let error = of(&root.path().join("nowhere")).unwrap_err();
        assert!(error.contains("nowhere"), "{error}");
        fs::write(root.path().join("file"), "x").unwrap();
        assert!(of(&root.path().join("file")).is_err());
        let guard = WalkGuard::default();
        let flag = guard.flag();
        drop(guard);
        let error = walk(root.path(), &flag).unwrap_err();
        assert!(error.contains("in time"), "{error}");
    }
}
