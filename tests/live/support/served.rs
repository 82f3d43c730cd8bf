//! `regstorm serve` as a process.

use std::fs;

use tempfile::TempDir;

use super::client::regstorm;
use super::process::Running;

/// The embedded registry, served by the built program.
#[derive(Debug)]
pub(crate) struct Served {
    process: Running,
    // Removed behind the process.
    _dir: TempDir,
    url: String,
}

impl Served {
    /// Serves with these options, and with the faults of a fault file when the text is not empty.
    #[track_caller]
    pub(crate) fn start(options: &[&str], faults: &str) -> Self {
        Self::at("127.0.0.1", options, faults)
    }

    /// The same on another address of this machine.
    #[track_caller]
    pub(crate) fn at(ip: &str, options: &[&str], faults: &str) -> Self {
        let dir = super::scratch();
        let [file, log] = ["faults.toml", "log"].map(|name| dir.path().join(name));
        let mut program = regstorm(["serve", "--listen", &format!("{ip}:0")]).args(options);
        if !faults.is_empty() {
            fs::write(&file, faults).expect("a fault file");
            program = program.args(["--faults".as_ref(), file.as_os_str()]);
        }
        let mut process = program.start(&log);
        // It says where it listens when it does, and nothing before that.
        let said = || fs::read_to_string(&log).unwrap_or_default();
        assert!(process.ready(|| said().ends_with('\n')), "{}", said());
        let url = said().lines().next().expect("a line").to_owned();
        assert!(url.contains(&format!("://{ip}:")), "{url}");
        Self {
            process,
            _dir: dir,
            url,
        }
    }

    /// The address with any base path.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`, as clients write it in front of a repository.
    pub(crate) fn host(&self) -> &str {
        self.url.split('/').nth(2).expect("an authority")
    }

    /// All that it printed.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}
