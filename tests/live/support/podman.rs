//! podman and buildah with a storage of their own. They have no daemon.

use std::path::Path;

use tempfile::TempDir;

use super::docker::as_root;
use super::process::Program;

/// A storage that both programs share.
#[derive(Debug)]
pub(crate) struct Podman {
    dir: TempDir,
}

impl Podman {
    pub(crate) fn new() -> Self {
        Self {
            dir: super::scratch(),
        }
    }

    /// `podman` or `buildah`, about to run a command.
    pub(crate) fn run<'a>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Program {
        let [root, run] = ["storage", "run"].map(|name| self.dir.path().join(name));
        as_root(program)
            .args([Path::new("--root"), &root])
            .args([Path::new("--runroot"), &run])
            .args(["--storage-driver", "vfs"])
            .args(args)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // What root wrote only root removes.
        let [root, run] = ["storage", "run"].map(|name| self.dir.path().join(name));
        let _ = as_root("rm").args(["-rf"]).args([root, run]).run();
    }
}
