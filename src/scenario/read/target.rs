//! The `[target]` table.

use http::{HeaderName, HeaderValue};
use url::Url;

use super::Scenario;
use super::table::{Sink, Table, nearest, shorten};
use super::value::{choice, size, text};
use crate::oci::Verify;
use crate::scenario::problem::Problem;
use crate::scenario::target::{Embedded, EmbeddedAuth, Place, Storage, Target};
use crate::scenario::tree::{Entry, Item, Spot, Value};
use crate::scenario::{Action, ImageSource};
use crate::units::{ByteSize, Credentials, Secret};

const EMBEDDED: &str = "embedded";

pub(super) fn read(item: &Item, sink: &Sink) -> Option<Target> {
    let mut table = Table::open(item, sink)?;
    let url_spot = table.entry("url").map(|entry| entry.item.spot.clone());
    let url = table.need("url", "url = \"embedded\"", address);
    let headers = table.or("headers", Vec::new(), headers);
    let credentials = table.may("auth", credentials);
    let embedded_spot = table.entry(EMBEDDED).map(|entry| entry.key_spot.clone());
    let embedded = table.or(EMBEDDED, default_embedded(), embedded);
    if let (Some(Some(_)), Some(spot), Some(url)) = (&url, embedded_spot, url_spot) {
        sink.report(
            Problem::new("`embedded` describes a registry that is not used", spot)
                .label("remove it, or use url = \"embedded\"")
                .also(url, "the target is at this address"),
        );
    }
    table.finish();
    let place = match url? {
        None => Place::Embedded(embedded?),
        Some(url) => Place::Url(url),
    };
    Some(Target {
        place,
        headers: headers?,
        credentials: credentials?,
    })
}

/// An address, or `None` for the embedded registry. Problems never show the value: it may hold a password.
#[expect(clippy::option_option, reason = "embedded and wrong are two things")]
fn address(item: &Item, sink: &Sink) -> Option<Option<Url>> {
    let value = text(item, sink)?.value;
    if value == EMBEDDED {
        return Some(None);
    }
    let refuse = |message: &str, label: &str| {
        sink.report(Problem::new(message, item.spot.clone()).label(label));
        None
    };
    let Ok(url) = Url::parse(&value) else {
        if nearest(&value, [EMBEDDED]).is_some() {
            return refuse("this is not an address", "did you mean `embedded`?");
        }
        return refuse(
            "this is not an address",
            "write http://HOST:PORT, or `embedded`",
        );
    };
    if url.scheme() == "https" {
        return refuse("TLS is not supported yet", "use http://");
    }
    if url.scheme() != "http" || !value.contains("://") {
        return refuse(
            "the address has no scheme that regstorm knows",
            "write http://HOST:PORT, or `embedded`",
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(
            "an address must not hold a user or a password",
            "use [target.auth]: username and password",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("the address must end with its path", "remove `?` and `#`");
    }
    let path = url.path().trim_end_matches('/');
    if path.ends_with("/v2") {
        return refuse(
            "the address goes too far",
            "it ends before /v2, which regstorm adds",
        );
    }
    Some(Some(url))
}

fn headers(item: &Item, sink: &Sink) -> Option<Vec<(String, Secret)>> {
    let Value::Table(entries) = &item.value else {
        sink.expected(item, "a table");
        return None;
    };
    let read: Vec<Option<(String, Secret)>> =
        entries.iter().map(|entry| header(entry, sink)).collect();
    let mut headers: Vec<(String, Secret)> = Vec::with_capacity(read.len());
    for (entry, header) in entries.iter().zip(read) {
        let header = header?;
        if headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(&header.0))
        {
            let problem = Problem::new("this header is there already", entry.key_spot.clone());
            sink.report(problem.label("upper and lower case are the same"));
            return None;
        }
        headers.push(header);
    }
    Some(headers)
}

fn header(entry: &Entry, sink: &Sink) -> Option<(String, Secret)> {
    /// What regstorm must say itself for a request to be what the plan says.
    const OURS: [&str; 11] = [
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-range",
        "content-type",
        "expect",
        "host",
        "range",
        "te",
        "transfer-encoding",
    ];
    let value = text(&entry.item, sink)?.value;
    let Ok(name) = HeaderName::try_from(&entry.key) else {
        let problem = Problem::new("this is not the name of a header", entry.key_spot.clone());
        sink.report(problem.label("letters, digits and `-`"));
        return None;
    };
    if OURS.contains(&name.as_str()) {
        let problem = Problem::new(
            format!("regstorm sets `{name}` itself"),
            entry.key_spot.clone(),
        );
        sink.report(match name.as_str() {
            "authorization" => problem.label("use [target.auth]: username and password"),
            _ => problem.label("remove it"),
        });
        return None;
    }
    if HeaderValue::try_from(&value).is_err() {
        let problem = Problem::new(
            "this cannot be the value of a header",
            entry.item.spot.clone(),
        );
        sink.report(problem.label("no line breaks or other control characters"));
        return None;
    }
    Some((entry.key.clone(), Secret::new(value)))
}

fn credentials(item: &Item, sink: &Sink) -> Option<Credentials> {
    let mut table = Table::open(item, sink)?;
    let username = table.need(
        "username",
        "username = \"...\"",
        |item: &Item, sink: &Sink| {
            let name = text(item, sink)?.value;
            if !name.is_empty() && !name.contains(':') && !name.contains(char::is_control) {
                return Some(name);
            }
            let problem = Problem::new("this cannot be a username", item.spot.clone());
            sink.report(problem.label("not empty, no colon, no control characters"));
            None
        },
    );
    let example = "password = \"${REGISTRY_PASSWORD}\"";
    let password = table.need("password", example, |item: &Item, sink: &Sink| {
        let password = text(item, sink)?.value;
        if !password.is_empty() {
            return Some(Secret::new(password));
        }
        sink.report(Problem::new("the password is empty", item.spot.clone()));
        None
    });
    table.finish();
    Some(Credentials {
        username: username?,
        password: password?,
    })
}

fn default_embedded() -> Embedded {
    Embedded {
        storage: Storage::Memory,
        base_path: String::new(),
        auth: EmbeddedAuth::Open,
        max_bytes: ByteSize::from_mib(1024),
    }
}

fn embedded(item: &Item, sink: &Sink) -> Option<Embedded> {
    const STORAGE: [(&str, Storage); 2] = [("memory", Storage::Memory), ("sink", Storage::Sink)];
    const AUTH: [(&str, EmbeddedAuth); 3] = [
        ("open", EmbeddedAuth::Open),
        ("basic", EmbeddedAuth::Basic),
        ("bearer", EmbeddedAuth::Bearer),
    ];
    let default = default_embedded();
    let mut table = Table::open(item, sink)?;
    let storage = table.or("storage", default.storage, choice("storage", &STORAGE));
    let base_path = table.or("base_path", default.base_path, base_path);
    let auth = table.or("auth", default.auth, choice("auth", &AUTH));
    let most = size(ByteSize::from_mib(1)..=ByteSize::from_mib(1 << 20));
    let max_bytes = table.or("max_memory", default.max_bytes, most);
    table.finish();
    Some(Embedded {
        storage: storage?,
        base_path: base_path?,
        auth: auth?,
        max_bytes: max_bytes?,
    })
}

fn base_path(item: &Item, sink: &Sink) -> Option<String> {
    let text = text(item, sink)?;
    let path = text.value.trim_end_matches('/');
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_path = path.strip_prefix('/').is_some_and(|path| {
        path.split('/')
            .all(|part| !part.is_empty() && part.chars().all(fits))
    });
    if path.is_empty() || (is_path && path.len() <= 255) {
        return Some(path.to_owned());
    }
    sink.report(
        Problem::new(
            format!("`{}` is not a path", shorten(&text.as_written)),
            item.spot.clone(),
        )
        .label("write /PART/PART of letters, digits, `-`, `.`, `_` and `~`"),
    );
    None
}

/// The rules between an embedded registry and the rest: it starts empty, and may keep no content.
pub(super) fn check(scenario: &Scenario, journeys: &[Entry], root: &[Entry], sink: &Sink) {
    let Place::Embedded(embedded) = &scenario.target.place else {
        return;
    };
    let url = spot_of(root, &["target", "url"]);
    let report = |problem: Problem, label: &str| {
        sink.report(match &url {
            Some(url) => problem.also(url.clone(), label),
            None => problem,
        });
    };
    if embedded.auth != EmbeddedAuth::Open && scenario.target.credentials.is_none() {
        let spot = spot_of(root, &["target", EMBEDDED, "auth"]).or_else(|| url.clone());
        if let Some(spot) = spot {
            let problem = Problem::new("the embedded registry asks who is there", spot);
            sink.report(problem.label("add [target.auth]: username and password"));
        }
    }
    for (journey, entry) in scenario.journeys.iter().zip(journeys) {
        let Action::Pull(pull) = &journey.action else {
            continue;
        };
        let existing = matches!(
            scenario.images[journey.images].source,
            ImageSource::Existing(_)
        );
        let spot = || entry.key_spot.clone();
        if existing || !scenario.prepare.seed {
            let problem = Problem::new("there is nothing to pull", spot()).label(if existing {
                "its images exist already somewhere else"
            } else {
                "use seed = true in [prepare]"
            });
            report(problem, "the embedded registry starts empty");
        } else if embedded.storage == Storage::Sink && pull.verify == Verify::Digest {
            let problem = Problem::new("no blob would have its digest", spot())
                .label("use verify = \"length\", or storage = \"memory\"");
            report(problem, "the embedded registry keeps no content");
        }
    }
}

/// Where the value at the end of a path was written.
fn spot_of(entries: &[Entry], path: &[&str]) -> Option<Spot> {
    let (key, rest) = path.split_first()?;
    let entry = entries.iter().find(|entry| entry.key == *key)?;
    match &entry.item.value {
        _ if rest.is_empty() => Some(entry.item.spot.clone()),
        Value::Table(entries) => spot_of(entries, rest),
        _ => None,
    }
}
