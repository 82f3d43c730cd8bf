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
        let dir = super::scratch();
        let log = dir.path().join("log");
        let out = dir.path().join("x.trace");
        let ca = dir.path().join("ca.pem");
        let mut process = regstorm(["record", "--target", target, "--listen", "127.0.0.1:0"])
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
    pub(crate) fn end(mut self) -> (Vec<TraceRow>, String) {
        self.process.interrupt();
        let status = self.process.wait(Duration::from_mins(5));
        let said = self.process.log();
        assert!(status.is_some_and(|it| it.success()), "{status:?} {said}");
        let path = self.dir.path().join("x.trace");
        let reader = Reader::open(&path).expect("a trace");
        let mut rows: Vec<TraceRow> = reader
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
            .collect();
        rows.sort();
        let bytes = fs::read(&path).expect("a trace");
        (rows, format!("{said}{}", String::from_utf8_lossy(&bytes)))
    }
}
