//! Checks that results go to different files: of several in one file only the last would be left.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

/// A file as the system identifies it, or will when it is created.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    Inode(u64, u64),
    Path(PathBuf),
}

/// The most links that are followed to a file that does not exist yet.
const MOST_LINKS: usize = 40;

/// Checks that all of these files, each named by its option, are different, and that none overwrites one of `inputs`.
pub(crate) fn check(outputs: &[(&str, &Path)], inputs: &[&Path]) -> anyhow::Result<()> {
    let known = |path: &Path| (path != Path::new("-")).then(|| identity(path)).flatten();
    let mut before: Vec<(&str, Identity)> = Vec::new();
    for (option, path) in outputs {
        let Some(identity) = known(path) else {
            continue;
        };
        let shown = path.display();
        if let Some((other, _)) = before.iter().find(|(_, it)| *it == identity) {
            return Err(anyhow!(
                "{other} and {option} would be one file, {shown}: choose another file for one of them"
            ));
        }
        let mut inputs = inputs.iter();
        if let Some(input) = inputs.find(|it| known(it).as_ref() == Some(&identity)) {
            return Err(anyhow!(
                "{option} {shown} would overwrite {}, which is read",
                input.display()
            ));
        }
        before.push((option, identity));
    }
    Ok(())
}

/// Identifies a file; `None` for a device, which keeps nothing.
fn identity(path: &Path) -> Option<Identity> {
    if let Ok(there) = path.metadata() {
        let keeps = !there.file_type().is_char_device();
        return keeps.then(|| Identity::Inode(there.dev(), there.ino()));
    }
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = directory(&path).join(target);
    }
    let directory = directory(&path);
    let directory = directory.canonicalize().unwrap_or(directory);
    Some(Identity::Path(directory.join(path.file_name()?)))
}

fn directory(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}
