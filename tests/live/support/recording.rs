//! `regstorm record` as a process, and the trace that it writes.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use regstorm::trace::{Method, Reader};
use tempfile::TempDir;

use super::client::regstorm;
use super::process::Running;

/// A recorder in front of a registry.
#[derive(Debug)]
pub(crate) struct Recording {
    process: Running,
    dir: TempDir,
    url: String,
}

/// A request of a trace: method, operation, status, and bytes of both bodies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TraceRow {
    pub(crate) method: &'static str,
    pub(crate) operation: String,
    pub(crate) status: u16,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Recording {
    #[track_caller]
    pub(crate) fn start(target: &str, options: &[&str]) -> Self {
        Self::at("127.0.0.1:0", target, options)
    }

    /// The same on another address of this machine.
    #[track_caller]
    pub(crate) fn at(listen: &str, target: &str, options: &[&str]) -> Self {
        let dir = super::scratch();
        let log = dir.path().join("log");
        let out = dir.path().join("x.trace");
        let ca = dir.path().join("ca.pem");
        let mut process = regstorm(["record", "--target", target, "--listen", listen])
            .args([
                "--out".as_ref(),
                out.as_os_str(),
                "--ca-out".as_ref(),
                ca.as_os_str(),
            ])
            .args(options)
            .start(&log);
        let said = || fs::read_to_string(&log).unwrap_or_default();
        assert!(process.ready(|| said().ends_with('\n')), "{}", said());
        let url = said().lines().next().expect("a line").to_owned();
        Self { process, dir, url }
    }

    /// `127.0.0.1:PORT`, as clients write it in front of a repository.
    pub(crate) fn host(&self) -> String {
        self.url.split('/').nth(2).expect("an authority").to_owned()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The CA of `--tls`.
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The most memory that it has had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("a process that runs");
        let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a number") << 10
    }

    /// Ends it by Ctrl-C. Returns the rows of its trace, sorted, and all that it and its trace say.
    #[track_caller]
    pub(crate) fn end(self) -> (Vec<TraceRow>, String) {
        let recorded = self.stop();
        let mut rows = recorded.rows();
        rows.sort();
        let bytes = fs::read(recorded.path()).expect("a trace");
        let said = format!("{}{}", recorded.said, String::from_utf8_lossy(&bytes));
        (rows, said)
    }

    /// Ends it by Ctrl-C.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Recorded {
        self.process.interrupt();
        let status = self.process.wait(Duration::from_mins(5));
        let said = self.process.log();
        assert!(status.is_some_and(|it| it.success()), "{status:?} {said}");
        Recorded {
            dir: self.dir,
            said,
        }
    }
}

/// What a recorder has left.
#[derive(Debug)]
pub(crate) struct Recorded {
    dir: TempDir,
    /// What the recorder has said.
    pub(crate) said: String,
}

impl Recorded {
    /// The trace.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("x.trace")
    }

    /// Its rows, in the order of their starts.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<TraceRow> {
        let reader = Reader::open(&self.path()).expect("a trace");
        reader
            .map(|request| {
                let request = request.expect("a request");
                assert_ne!(request.method, Method::Other);
                TraceRow {
                    method: request.method.name(),
                    operation: request
                        .operation
                        .map_or("none".to_owned(), |it| it.to_string()),
                    status: request.status.map_or(0, std::num::NonZero::get),
                    sent: request.sent.expect("bytes"),
                    received: request.received.expect("bytes"),
                }
            })
            .collect()
    }
}
