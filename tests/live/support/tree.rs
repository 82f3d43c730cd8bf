//! What is in a directory, so that two can be compared.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::client::sha256;

/// Every path below a directory. Owners and times are left out: they depend on who unpacks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<PathBuf, Node>);

#[derive(Debug, PartialEq, Eq)]
enum Node {
    Dir {
        mode: u32,
    },
    /// A file and the first path that is the same file.
    File {
        mode: u32,
        digest: String,
        same_as: PathBuf,
    },
    Link {
        to: PathBuf,
    },
    Other,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Self {
        let mut nodes = BTreeMap::new();
        let mut first = HashMap::new();
        read(root, root, &mut nodes, &mut first);
        Self(nodes)
    }

    /// The paths, for a look at which are there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains_key(Path::new(path))
    }
}

fn read(
    root: &Path,
    dir: &Path,
    nodes: &mut BTreeMap<PathBuf, Node>,
    first: &mut HashMap<u64, PathBuf>,
) {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut paths: Vec<PathBuf> = entries.map(|it| it.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        let about = fs::symlink_metadata(&path).expect("a path that was listed");
        let name = path.strip_prefix(root).expect("a path below").to_owned();
        let mode = about.permissions().mode() & 0o7777;
        let node = if about.is_dir() {
            read(root, &path, nodes, first);
            Node::Dir { mode }
        } else if about.is_symlink() {
            Node::Link {
                to: fs::read_link(&path).expect("a link"),
            }
        } else if about.is_file() {
            Node::File {
                mode,
                digest: sha256(&fs::read(&path).expect("a file")),
                same_as: first
                    .entry(about.ino())
                    .or_insert_with(|| name.clone())
                    .clone(),
            }
        } else {
            Node::Other
        };
        nodes.insert(name, node);
    }
}
