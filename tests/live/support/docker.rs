//! Docker's own client and daemon, with a socket and a storage of their own.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Program, Running};

/// A daemon that loads, pushes, pulls and saves images.
#[derive(Debug)]
pub(crate) struct Docker {
    daemon: Running,
    dir: TempDir,
}

impl Docker {
    /// The daemon that all tests running now share: the first one starts it, the last one stops it.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Docker>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        Self::launch(super::scratch(), as_root("dockerd"))
    }

    /// A daemon in a mount namespace of its own: its `/etc/hosts` has this line besides, and its `/etc/docker` is its own, where
    /// [`Docker::trust`] writes. At 127.0.0.0/8 it takes any certificate.
    pub(crate) fn with_host(line: &str) -> Self {
        let dir = super::scratch();
        let [hosts, etc] = ["hosts", "etc"].map(|name| dir.path().join(name));
        let own = fs::read_to_string("/etc/hosts").expect("a table of hosts");
        fs::write(&hosts, format!("{own}\n{line}\n")).expect("a file");
        fs::create_dir(&etc).expect("a directory");
        let script = "mkdir -p /etc/docker && mount --bind \"$0\" /etc/hosts \
                      && mount --bind \"$1\" /etc/docker && shift && exec \"$@\"";
        let daemon = as_root("unshare")
            .args(["--mount", "sh", "-c", script])
            .args([hosts, etc])
            .args(["dockerd"]);
        Self::launch(dir, daemon)
    }

    fn launch(dir: TempDir, daemon: Program) -> Self {
        let option =
            |name: &str, file: &str| format!("--{name}={}", dir.path().join(file).display());
        let mut daemon = daemon
            .args([
                option("data-root", "data"),
                option("exec-root", "exec"),
                option("pidfile", "pid"),
                format!("--host={}", host(dir.path())),
            ])
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none"])
            .args(["--storage-driver=vfs"])
            .start(&dir.path().join("log"));
        let probe = || docker(dir.path()).args(["version"]).run().code() == 0;
        assert!(daemon.ready(probe), "dockerd ended\n{}", daemon.log());
        Self { daemon, dir }
    }

    /// Trusts a CA for a registry, as those who run a daemon make it.
    pub(crate) fn trust(&self, host: &str, ca: &Path) {
        let dir = self.dir.path().join("etc/certs.d").join(host);
        fs::create_dir_all(&dir).expect("a directory");
        fs::copy(ca, dir.join("ca.crt")).expect("a CA");
    }

    /// The client, about to run a command.
    pub(crate) fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Program {
        docker(self.dir.path()).args(args)
    }

    /// `docker load` of a tar.
    pub(crate) fn load(&self, archive: &Path) {
        let archive = archive.to_str().expect("a plain path");
        self.run(["load", "--input", archive]).run().ok();
    }

    /// `docker save` into a tar of ours.
    pub(crate) fn save(&self, image: &str, archive: &Path) -> PathBuf {
        self.run(["save", image]).output_to(archive).run().ok();
        archive.to_owned()
    }

    /// The id of an image: the digest of its config.
    pub(crate) fn image_id(&self, image: &str) -> String {
        let args = ["image", "inspect", "--format={{.Id}}", image];
        self.run(args).run().ok().stdout.trim().to_owned()
    }

    /// Forgets an image and its layers, so that a pull has to fetch them.
    pub(crate) fn remove(&self, images: &[&str]) {
        self.run(["image", "rm", "--force"].iter().chain(images).copied())
            .run()
            .ok();
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // It unmounts what it mounted and stops its containerd only when it is asked to end.
        let id = self.daemon.id().to_string();
        let _ = as_root("sh").args(["-c", "kill \"$0\"", &id]).run();
        let _ = self.daemon.wait(Duration::from_secs(30));
        // What root wrote only root removes.
        let written = ["data", "exec", "etc"].map(|name| self.dir.path().join(name));
        let _ = as_root("rm").args(["-rf"]).args(written).run();
    }
}

fn host(dir: &Path) -> String {
    format!("unix://{}", dir.join("socket").display())
}

fn docker(dir: &Path) -> Program {
    let config = dir.join("client");
    as_root("docker")
        .args([Path::new("--config"), &config])
        .args(["--host", &host(dir)])
}

/// A program that runs as root, by sudo where the tests do not.
pub(crate) fn as_root(name: &str) -> Program {
    let ours = fs::metadata("/proc/self").map_or(0, |it| it.uid());
    if ours == 0 {
        Program::new(name)
    } else {
        Program::new("sudo").args(["-n", name])
    }
}
