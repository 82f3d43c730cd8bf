//! `regstorm serve` as a process.

use std::fs;

use tempfile::TempDir;

use super::client::regstorm;
use super::port;
use super::process::Running;

/// The embedded registry, served by the built program.
#[derive(Debug)]
pub(crate) struct Served {
    process: Running,
    // Removed behind the process.
    _dir: TempDir,
    port: u16,
}

impl Served {
    /// Serves with these options, and with the faults of a fault file when the text is not empty.
    #[track_caller]
    pub(crate) fn start(options: &[&str], faults: &str) -> Self {
        for _ in 0..5 {
            let dir = super::scratch();
            let port = port::free();
            let file = dir.path().join("faults.toml");
            let mut program = regstorm(["serve", "--listen", &format!("127.0.0.1:{port}")]);
            if !faults.is_empty() {
                fs::write(&file, faults).expect("a fault file");
                program = program.args(["--faults".as_ref(), file.as_os_str()]);
            }
            let mut process = program.args(options).start(&dir.path().join("log"));
            let answers = || matches!(port::status(port, "/v2/"), Some(200 | 401));
            if process.ready(answers) {
                return Self {
                    process,
                    _dir: dir,
                    port,
                };
            }
            let log = process.log();
            assert!(log.contains("in use"), "regstorm serve ended\n{log}");
        }
        panic!("regstorm serve finds no port");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All that it printed.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}
