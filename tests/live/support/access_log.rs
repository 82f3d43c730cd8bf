//! The access log of docker-registry: what the other side says was asked.
//!
//! Lines are put to operations here by the method and the path alone, and not by the library's own table: the log is
//! the independent witness of a report.

use std::collections::BTreeMap;
use std::fmt;

/// The user agent of requests that the tests make themselves.
pub(crate) const PROBE: &str = "regstorm-live-probe";

/// One request that the registry answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessLine {
    pub(crate) method: String,
    /// Without the base path, with the query.
    pub(crate) path: String,
    pub(crate) status: u16,
    /// The bytes of the body that the registry sent.
    pub(crate) bytes: u64,
}

impl AccessLine {
    /// Whether it asks for the content of a blob.
    pub(crate) fn fetches_blob(&self) -> bool {
        self.operation() == "blob-get"
    }

    /// The name of the operation, as reports have it.
    pub(crate) fn operation(&self) -> &'static str {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let asks = |key: &str| {
            query
                .split('&')
                .any(|pair| pair.starts_with(&format!("{key}=")))
        };
        let session = path
            .split_once("/blobs/uploads/")
            .map(|(_, session)| !session.is_empty());
        match (self.method.as_str(), session) {
            ("POST", Some(false)) if asks("mount") => "upload-mount",
            ("POST", Some(false)) if asks("digest") => "upload-post",
            ("POST", Some(false)) => "upload-start",
            ("PATCH", Some(true)) => "upload-patch",
            ("PUT", Some(true)) => "upload-put",
            ("GET", Some(true)) => "upload-status",
            ("DELETE", Some(true)) => "upload-cancel",
            ("GET", None) if path == "/v2/" => "ping",
            ("GET", None) if path == "/v2/_catalog" => "catalog",
            ("GET", None) if path.ends_with("/tags/list") => "tags-list",
            ("GET", None) if path.contains("/referrers/") => "referrers",
            (method, None) if path.contains("/blobs/") => match method {
                "HEAD" => "blob-head",
                "GET" => "blob-get",
                "DELETE" => "blob-delete",
                _ => "unknown",
            },
            (method, None) if path.contains("/manifests/") => match method {
                "HEAD" => "manifest-head",
                "GET" => "manifest-get",
                "PUT" => "manifest-put",
                "DELETE" => "manifest-delete",
                _ => "unknown",
            },
            _ => "unknown",
        }
    }
}

impl fmt::Display for AccessLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.status)
    }
}

/// Requests counted: from a log, or as a report has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(String, u16), u64>,
    /// Bytes of bodies from the registry.
    bytes: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn of(lines: &[AccessLine]) -> Self {
        let mut tally = Self::default();
        for line in lines {
            tally.add(line.operation(), line.status, 1);
            tally.add_bytes(line.operation(), line.bytes);
        }
        tally
    }

    pub(crate) fn add(&mut self, operation: &str, status: u16, count: u64) {
        *self
            .counts
            .entry((operation.to_owned(), status))
            .or_insert(0) += count;
    }

    pub(crate) fn add_bytes(&mut self, operation: &str, bytes: u64) {
        *self.bytes.entry(operation.to_owned()).or_insert(0) += bytes;
    }

    /// The same requests without their bytes.
    pub(crate) fn without_bytes(mut self) -> Self {
        self.bytes.clear();
        self
    }

    /// The statuses of an operation, and how many requests had each.
    pub(crate) fn of_operation(&self, operation: &str) -> Vec<(u16, u64)> {
        let ours = self
            .counts
            .iter()
            .filter(|((name, _), _)| name == operation);
        ours.map(|((_, status), count)| (*status, *count)).collect()
    }

    /// How many requests of an operation had a status.
    pub(crate) fn count(&self, operation: &str, status: u16) -> u64 {
        let key = (operation.to_owned(), status);
        self.counts.get(&key).copied().unwrap_or(0)
    }
}

/// The lines in Apache's combined format, among the program's own.
pub(crate) fn read(log: &str, base: &str) -> Vec<AccessLine> {
    log.lines()
        .filter(|line| !line.contains(PROBE))
        .filter_map(|line| parse(line, base))
        .collect()
}

/// How many of the tests' own requests the log holds.
pub(crate) fn probes(log: &str) -> usize {
    // The program's own lines name the agent too, but are not in the combined format.
    log.lines()
        .filter(|line| line.contains(PROBE) && parse(line, "/").is_some())
        .count()
}

/// `127.0.0.1 - - [22/Nov/2026:05:49:02 +0000] "PUT /v2/a/manifests/1 HTTP/1.1" 201 0 "" "skopeo/1.9.3"`
fn parse(line: &str, base: &str) -> Option<AccessLine> {
    let (client, rest) = line.split_once(" [")?;
    if client.split(' ').count() != 3 {
        return None;
    }
    let (_time, rest) = rest.split_once("] \"")?;
    let (request, rest) = rest.split_once("\" ")?;
    let mut request = request.split(' ');
    let (method, path, protocol) = (request.next()?, request.next()?, request.next()?);
    if !protocol.starts_with("HTTP/") {
        return None;
    }
    let path = path
        .strip_prefix(base.trim_end_matches('/'))
        .unwrap_or(path);
    let mut numbers = rest.split(' ');
    let status = numbers.next()?.parse().ok()?;
    let written = numbers.next()?.parse().ok()?;
    Some(AccessLine {
        method: method.to_owned(),
        path: path.to_owned(),
        status,
        // It counts what its handler wrote, also where HTTP then sends none of it.
        bytes: if method == "HEAD" { 0 } else { written },
    })
}

#[test]
fn only_lines_of_the_combined_format_are_read() {
    let log = "time=\"x\" level=info msg=\"response completed\" http.request.method=GET http.request.uri=\"/v2/\"\n\
               127.0.0.1 - - [22/Nov/2026:05:49:02 +0000] \"PUT /deep/v2/b/deb/manifests/1 HTTP/1.1\" 201 0 \"\" \"skopeo/1.9.3\"\n\
               127.0.0.1 - alice [22/Nov/2026:05:49:03 +0000] \"POST /deep/v2/b/deb/blobs/uploads/?mount=sha256%3Aab&from=c HTTP/1.1\" 202 0 \"\" \"-\"\n\
               127.0.0.1 - - [22/Nov/2026:05:49:04 +0000] \"GET /deep/v2/ HTTP/1.1\" 200 2 \"\" \"regstorm-live-probe\"\n";
    let lines = read(log, "/deep/");
    let shown: Vec<String> = lines.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "PUT /v2/b/deb/manifests/1 201",
            "POST /v2/b/deb/blobs/uploads/?mount=sha256%3Aab&from=c 202"
        ]
    );
    assert_eq!(lines[1].operation(), "upload-mount");
    assert_eq!(probes(log), 1);
}
