//! containerd with a socket and a storage of its own, and its client `ctr`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::docker::as_root;
use super::process::{Program, Running};

/// A daemon that has images and runs them, without a network of their own.
#[derive(Debug)]
pub(crate) struct Containerd {
    daemon: Running,
    dir: TempDir,
}

impl Containerd {
    pub(crate) fn start() -> Self {
        let dir = super::scratch();
        let path = |name: &str| dir.path().join(name);
        // Kubernetes' interface wants a network.
        let config = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";
        fs::write(path("config.toml"), config).expect("a configuration");
        let mut daemon = as_root("containerd")
            .args([Path::new("--config"), &path("config.toml")])
            .args([Path::new("--root"), &path("root")])
            .args([Path::new("--state"), &path("state")])
            .args([Path::new("--address"), &path("socket")])
            .start(&path("log"));
        let probe = || ctr(dir.path()).args(["version"]).run().code() == 0;
        assert!(daemon.ready(probe), "containerd ended\n{}", daemon.log());
        Self { daemon, dir }
    }

    /// `ctr`, about to run a command.
    pub(crate) fn ctr<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Program {
        ctr(self.dir.path()).args(args)
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let id = self.daemon.id().to_string();
        let _ = as_root("sh").args(["-c", "kill \"$0\"", &id]).run();
        let _ = self.daemon.wait(Duration::from_secs(30));
        // What root wrote only root removes.
        let [root, state] = ["root", "state"].map(|name| self.dir.path().join(name));
        let _ = as_root("rm").args(["-rf"]).args([root, state]).run();
    }
}

fn ctr(dir: &Path) -> Program {
    as_root("ctr").args([Path::new("--address"), &dir.join("socket")])
}
