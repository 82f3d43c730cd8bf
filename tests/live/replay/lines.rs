//! A request as one line that two recordings can share: sizes by class, blobs by their part in the image, versions
//! left out.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::trace::{Record, Values, digest_in, session_in};

/// Configs and manifests are smaller, layers of the fixtures larger.
const SMALL: u64 = 64 << 10;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// No blob and no manifest, such as a ping.
    Other,
    Manifest,
    Config,
    Layer,
    /// An upload session that was never committed.
    Abandoned,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Other => "-",
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Layer => "layer",
            Self::Abandoned => "abandoned upload",
        }
    }

    pub(crate) fn is_blob(self) -> bool {
        matches!(self, Self::Config | Self::Layer | Self::Abandoned)
    }
}

/// A request with what its neighbours tell about it.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) record: &'a Record,
    pub(crate) role: Role,
    /// The blob; that of an upload is known by its end.
    pub(crate) digest: Option<String>,
}

/// Gives each request of a recording its role.
pub(crate) fn requests(records: &[Record]) -> Vec<Request<'_>> {
    let mut sessions = HashMap::new();
    for record in records {
        let session = session_in(&record.raw_path);
        if let (Some(session), Some(digest)) = (session, digest_in(&record.raw_path)) {
            sessions.insert(session.to_owned(), digest);
        }
    }
    let digests: Vec<Option<String>> = records
        .iter()
        .map(|record| digest_of(record, &sessions))
        .collect();
    let mut roles = HashMap::new();
    for (record, digest) in records.iter().zip(&digests) {
        if let (Some(digest), Some(role)) = (digest, told(record)) {
            roles.insert(digest.clone(), role);
        }
    }
    let role = |record: &Record, digest: Option<&String>| match digest {
        _ if record.path.contains("/manifests/") => Role::Manifest,
        _ if !record.path.contains("/blobs/") => Role::Other,
        Some(digest) => roles.get(digest).copied().unwrap_or(Role::Layer),
        None => Role::Abandoned,
    };
    records
        .iter()
        .zip(digests)
        .map(|(record, digest)| Request {
            record,
            role: role(record, digest.as_ref()),
            digest,
        })
        .collect()
}

fn digest_of(record: &Record, sessions: &HashMap<String, String>) -> Option<String> {
    if !record.path.contains("/blobs/") {
        return None;
    }
    let location = || digest_in(record.resp.get("Location")?);
    let session = session_in(&record.raw_path)
        .or_else(|| record.resp.get("Docker-Upload-Uuid").map(String::as_str));
    digest_in(&record.raw_path)
        .filter(|_| !(record.method == "POST" && record.status == Some(202)))
        .or_else(|| sessions.get(session?).cloned())
        // A mount that missed, whose session was not used: it is about the blob all the same.
        .or_else(|| digest_in(&record.raw_path))
        .or_else(location)
}

/// What kind of blob a request shows: by the type that it asks for, or by the size that is moved or told.
fn told(record: &Record) -> Option<Role> {
    if let Some(Values::One(accept)) = record.header("Accept") {
        if accept.contains("config") || accept.contains("container.image.v1") {
            return Some(Role::Config);
        }
        if accept.contains("layer") || accept.contains("rootfs") {
            return Some(Role::Layer);
        }
    }
    let told = record
        .resp
        .get("Content-Length")
        .and_then(|it| it.parse().ok());
    let size = match (record.method.as_str(), record.status) {
        ("GET" | "HEAD", Some(200)) => told.unwrap_or(record.resp_body),
        ("PATCH" | "PUT", _) => record.req_body,
        _ => 0,
    };
    match size {
        0 => None,
        1..=SMALL => Some(Role::Config),
        _ => Some(Role::Layer),
    }
}

impl Request<'_> {
    /// Answered by 401, to be sent again with credentials.
    pub(crate) fn is_challenged(&self) -> bool {
        self.record.status == Some(401)
    }

    /// `METHOD TARGET STATUS`.
    pub(crate) fn verb(&self) -> String {
        let Record { method, path, .. } = self.record;
        let status = self
            .record
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("{method} {path} {status}")
    }

    /// Everything that is compared of one request.
    pub(crate) fn line(&self) -> String {
        // Which blobs happen to be asked for before there is a token is chance.
        let chance = self.is_challenged() && self.role.is_blob();
        let role = if chance { "a blob" } else { self.role.name() };
        let mut line = format!(
            "{} [{role}] sent {}, got {}",
            self.verb(),
            class(self.record.req_body),
            self.got()
        );
        for (name, value) in headers(self.record) {
            let value = match name {
                "Accept" if chance => "(any)".to_owned(),
                _ => value,
            };
            let _ = write!(line, " | {name}: {value}");
        }
        line
    }

    fn got(&self) -> &'static str {
        // How much of an open range arrives before the client hangs up is chance.
        if self.record.status == Some(206) {
            return "a range";
        }
        class(self.record.resp_body)
    }
}

fn class(bytes: u64) -> &'static str {
    match bytes {
        0 => "nothing",
        1..=SMALL => "little",
        _ => "much",
    }
}

/// The headers as they are compared.
fn headers(record: &Record) -> BTreeMap<&str, String> {
    let mut headers = BTreeMap::new();
    for (name, values) in &record.req {
        let value = match (name.as_str(), values) {
            ("Content-Length", _) => "told".to_owned(),
            ("Referer", _) => "present".to_owned(),
            ("User-Agent", Values::One(agent)) => unversioned(agent),
            (_, Values::One(value)) => value.clone(),
            (_, Values::Many(values)) => {
                // docker sends them in an order that it draws anew each time.
                let mut sorted = values.clone();
                sorted.sort();
                format!("{} lines {}", sorted.len(), sorted.join(" + "))
            }
        };
        headers.insert(name.as_str(), value);
    }
    headers
}

/// `docker/20.10.24 go/go1.19.8 os/linux` without the versions: `docker/* go/* os/linux`.
pub(crate) fn unversioned(agent: &str) -> String {
    let mut out = String::new();
    let mut rest = agent;
    while let Some((before, after)) = rest.split_once('/') {
        let end = after.find([' ', '\\']).unwrap_or(after.len());
        let (value, behind) = after.split_at(end);
        let word = before.rsplit([' ', '(']).next().unwrap_or_default();
        let versioned = !matches!(word, "arch" | "os" | "storage-driver");
        let shown = if versioned { "*" } else { value };
        // The bracket that closes the agent of docker's own client stays.
        let close = if versioned && !value.starts_with('(') && value.ends_with(')') {
            ")"
        } else {
            ""
        };
        let _ = write!(out, "{before}/{shown}{close}");
        rest = behind;
    }
    out + rest
}
