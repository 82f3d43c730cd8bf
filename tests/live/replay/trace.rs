//! Recordings: what a client sent, one JSON object for each request, in the order in which they began.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One request with its answer, without the bytes of the bodies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Counted from 1.
    pub(crate) seq: u64,
    /// The connection, numbered as the client opened them.
    pub(crate) conn: u64,
    /// Requests under way when this one began, itself included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inflight: Option<usize>,
    pub(crate) method: String,
    /// The target with placeholders; see [`template`].
    pub(crate) path: String,
    /// The target as it was sent, without the state of an upload.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) raw_path: String,
    /// Absent when the client went before an answer came.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// Body bytes that the client sent.
    pub(crate) req_body: u64,
    /// Body bytes that went back.
    pub(crate) resp_body: u64,
    /// The headers of the request that are compared; credentials reduced to their scheme.
    pub(crate) req: BTreeMap<String, Values>,
    /// The headers of the answer that tell which blob this is about.
    #[serde(default)]
    pub(crate) resp: BTreeMap<String, String>,
    /// The client dropped the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// How many requests had ended when this one began. Only what this program recorded has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began: Option<u64>,
    /// Its own place among those that ended, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<u64>,
}

/// One header: one line, or several of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Values {
    One(String),
    Many(Vec<String>),
}

impl Record {
    pub(crate) fn header(&self, name: &str) -> Option<&Values> {
        self.req.get(name)
    }
}

/// A recording in this directory, by its name without the ending.
#[track_caller]
pub(crate) fn recording(name: &str) -> Vec<Record> {
    read(&recordings().join(format!("{name}.jsonl")))
}

/// Where the recordings are.
pub(crate) fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/replay/recordings")
}

/// `REGSTORM_REPLAY`: which rows of a table to run instead of those that always run.
pub(crate) fn wanted() -> Option<String> {
    environment("REGSTORM_REPLAY")?.into_string().ok()
}

/// `REGSTORM_RECORD`: where to write recordings instead of comparing with those that are there.
pub(crate) fn recording_to() -> Option<PathBuf> {
    environment("REGSTORM_RECORD").map(PathBuf::from)
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[track_caller]
pub(crate) fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parse = |(number, line): (usize, &str)| {
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{}, line {}: {error}", path.display(), number + 1))
    };
    text.lines().enumerate().map(parse).collect()
}

#[track_caller]
pub(crate) fn write<T: Serialize>(path: &Path, records: &[T]) {
    let mut text = String::new();
    for record in records {
        let line = serde_json::to_string(record).expect("a record is JSON");
        let _ = writeln!(text, "{line}");
    }
    fs::write(path, text).expect("a recording");
}

/// A request target with its names, digests and session replaced by placeholders. A digest whose colon is not escaped
/// in the query is marked: some servers mind.
pub(crate) fn template(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut parts: Vec<&str> = path.split('/').collect();
    let kinds = ["blobs", "manifests", "tags", "referrers"];
    if let Some(kind) = parts.iter().rposition(|part| kinds.contains(part))
        && kind > 2
    {
        for part in &mut parts[kind + 1..] {
            if part.starts_with("sha256:") {
                *part = "{digest}";
            } else if part.len() == 36 && part.matches('-').count() == 4 {
                *part = "{uuid}";
            }
        }
        if parts[kind] == "manifests" && parts.len() == kind + 2 && parts[kind + 1] != "{digest}" {
            parts[kind + 1] = "{tag}";
        }
        let v2 = parts.iter().position(|part| *part == "v2").unwrap_or(1);
        parts.splice(v2 + 1..kind, ["{name}"]);
    }
    let mut text = parts.join("/");
    for (number, pair) in query.split('&').filter(|it| !it.is_empty()).enumerate() {
        text.push(if number == 0 { '?' } else { '&' });
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = match key {
            "_state" => "{state}",
            _ if value.contains("sha256%3A") => "{digest}",
            _ if value.contains("sha256:") => "{digest}(raw-colon)",
            "from" => "{other}",
            "origin" if value.contains("%3A") => "{host}%3A{port}",
            "origin" => "{host}",
            _ => value,
        };
        let _ = write!(text, "{key}={value}");
    }
    text
}

/// A target without the state of an upload, which is a secret of the registry and long.
pub(crate) fn without_state(target: &str) -> String {
    let Some((before, state)) = target.split_once("_state=") else {
        return target.to_owned();
    };
    let rest = state.find('&').map_or("", |end| &state[end..]);
    format!("{before}_state=...{rest}")
}

/// The digest in a target or address, whether its colon is escaped or not.
pub(crate) fn digest_in(text: &str) -> Option<String> {
    let hex = ["sha256:", "sha256%3A"]
        .iter()
        .find_map(|start| text.split_once(start))?
        .1;
    let hex = hex.get(..64)?;
    Some(format!("sha256:{hex}"))
}

/// The upload session in a target.
pub(crate) fn session_in(target: &str) -> Option<&str> {
    let rest = target.split_once("/blobs/uploads/")?.1;
    rest.get(..36)
}
