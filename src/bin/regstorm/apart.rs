//! Results that would be written into one file, of which only the last would be left.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

/// A file as the system knows it, or as it will when it is made.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    Inode(u64, u64),
    Path(PathBuf),
}

/// The links that are followed to a file that is not there yet.
const MOST_LINKS: usize = 40;

/// Are all of these files apart, each named by its option? `inputs` are read, and must not be written over.
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
                "{other} and {option} would be one file, {shown}: name another for one of them"
            ));
        }
        let mut inputs = inputs.iter();
        if let Some(input) = inputs.find(|it| known(it).as_ref() == Some(&identity)) {
            return Err(anyhow!(
                "{option} {shown} would be written over {}, which is read",
                input.display()
            ));
        }
        before.push((option, identity));
    }
    Ok(())
}

/// Which file that is; `None` of a device, which keeps nothing.
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
