//! The `[target]` table.

use std::path::Path;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::Scenario;
use super::table::{Sink, Table, nearest, shorten};
use super::value::{choice, flag, size, text, time};
use super::{addresses, tls};
use crate::embedded::{AuthScheme, Storage};
use crate::exchange::HttpVersion;
use crate::scenario::problem::Problem;
use crate::scenario::target::{DockerConfig, Embedded, Place, Target, Tls, TokenPolicy};
use crate::scenario::tree::{Entry, Item, Spot, Value};
use crate::scenario::{Action, ImageSource, Selection};
use crate::units::{ByteSize, Credentials, Secret};

const EMBEDDED: &str = "embedded";

pub(super) fn read(item: &Item, base_dir: &Path, sink: &Sink) -> Option<Target> {
    let mut table = Table::open(item, sink)?;
    let url_spot = table.entry("url").map(|entry| entry.item.spot.clone());
    let url = table.need("url", "url = \"embedded\"", address);
    let headers = table.or("headers", Vec::new(), headers);
    let http = table.may("http", choice("HTTP version", HttpVersion::WORDS));
    let tls = table.or("tls", Tls::default(), |item: &Item, sink: &Sink| {
        tls::read(item, base_dir, sink)
    });
    let addresses = addresses::read(&mut table);
    let auth = table.or("auth", NOBODY, auth);
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
    let auth = auth?;
    Some(Target {
        place,
        headers: headers?,
        credentials: auth.credentials,
        docker_config: auth.docker_config,
        tokens: auth.tokens,
        cleartext: auth.cleartext,
        http: http?,
        tls: tls?,
        addresses: addresses?,
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
            "write http://HOST:PORT, https://HOST, or `embedded`",
        );
    };
    if !matches!(url.scheme(), "http" | "https") || !value.contains("://") {
        return refuse(
            "the address has no scheme that regstorm knows",
            "write http://HOST:PORT, https://HOST, or `embedded`",
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

/// What `[target.auth]` says.
struct Auth {
    credentials: Option<Credentials>,
    docker_config: Option<DockerConfig>,
    tokens: TokenPolicy,
    cleartext: bool,
}

const NOBODY: Auth = Auth {
    credentials: None,
    docker_config: None,
    tokens: TokenPolicy::PerVu,
    cleartext: false,
};

fn auth(item: &Item, sink: &Sink) -> Option<Auth> {
    const TOKENS: [(&str, TokenPolicy); 2] = [
        (TokenPolicy::PerVu.name(), TokenPolicy::PerVu),
        (TokenPolicy::Shared.name(), TokenPolicy::Shared),
    ];
    let mut table = Table::open(item, sink)?;
    let tokens = table.or("tokens", TokenPolicy::PerVu, choice("policy", &TOKENS));
    let cleartext = table.or("cleartext", false, flag);
    let config = table.entry("docker_config");
    let docker_config = table.or("docker_config", None, docker_config);
    let named = table.entry("username").or(table.entry("password"));
    let credentials = match (named, config) {
        (None, _) => Some(None),
        (Some(named), Some(config)) if !matches!(config.item.value, Value::Flag(false)) => {
            let problem = Problem::new("credentials come from two places", named.key_spot.clone());
            sink.report(
                problem
                    .label("remove this, or `docker_config`")
                    .also(config.key_spot.clone(), "here is the other"),
            );
            None
        }
        (Some(_), _) => password(&mut table).map(Some),
    };
    table.finish();
    Some(Auth {
        credentials: credentials?,
        docker_config: docker_config?,
        tokens: tokens?,
        cleartext: cleartext?,
    })
}

/// `true` for the usual place, or a path.
#[expect(clippy::option_option, reason = "no and wrong are two things")]
fn docker_config(item: &Item, sink: &Sink) -> Option<Option<DockerConfig>> {
    match &item.value {
        Value::Flag(wanted) => Some(wanted.then_some(DockerConfig::Usual)),
        Value::Text(path) if !path.value.is_empty() => {
            Some(Some(DockerConfig::File(path.value.clone().into())))
        }
        _ => {
            sink.expected(item, "true, or the path of a config.json");
            None
        }
    }
}

fn password(table: &mut Table<'_>) -> Option<Credentials> {
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
    Some(Credentials::password(username?, password?))
}

fn default_embedded() -> Embedded {
    Embedded {
        storage: Storage::Memory,
        base_path: String::new(),
        auth: AuthScheme::Open,
        tls: false,
        token_lifetime: Duration::from_mins(1), // what is taken of a token service that says nothing else
        max_bytes: ByteSize::from_mib(1024),
    }
}

fn embedded(item: &Item, sink: &Sink) -> Option<Embedded> {
    let default = default_embedded();
    let mut table = Table::open(item, sink)?;
    let storage = table.or(
        "storage",
        default.storage,
        choice("storage", Storage::WORDS),
    );
    let base_path = table.or("base_path", default.base_path, base_path);
    let auth = table.or("auth", default.auth, choice("auth", AuthScheme::WORDS));
    let tls = table.or("tls", default.tls, flag);
    let lifetime = time(Duration::from_secs(1)..=Duration::from_hours(1));
    let token_lifetime = table.or("token_lifetime", default.token_lifetime, lifetime);
    let most = size(ByteSize::from_mib(1)..=ByteSize::from_mib(1 << 20));
    let max_bytes = table.or("max_memory", default.max_bytes, most);
    table.finish();
    Some(Embedded {
        storage: storage?,
        base_path: base_path?,
        auth: auth?,
        tls: tls?,
        token_lifetime: token_lifetime?,
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
    if scenario.target.docker_config.is_some()
        && let Some(spot) = spot_of(root, &["target", "auth", "docker_config"])
    {
        let problem = Problem::new("docker knows nothing of the embedded registry", spot);
        report(
            problem.label("use username and password"),
            "it is made anew for each run",
        );
    } else if embedded.auth != AuthScheme::Open && scenario.target.credentials.is_none() {
        let spot = spot_of(root, &["target", EMBEDDED, "auth"]).or_else(|| url.clone());
        if let Some(spot) = spot {
            let problem = Problem::new("the embedded registry asks who is there", spot);
            sink.report(problem.label("add [target.auth]: username and password"));
        }
    }
    for (journey, entry) in scenario.journeys.iter().zip(journeys) {
        let Some(images) = reads(&journey.action) else {
            continue;
        };
        let source = &scenario.images[images.set].source;
        let existing = matches!(source, ImageSource::Existing(_));
        let spot = || entry.key_spot.clone();
        let verifies = matches!(&journey.action, Action::Pull(pull) if pull.verify.reads_content());
        if existing || !scenario.prepare.seed {
            let problem = Problem::new(
                format!("there is nothing to {}", purpose(&journey.action)),
                spot(),
            )
            .label(if existing {
                "its images exist already somewhere else"
            } else {
                "use seed = true in [prepare]"
            });
            report(problem, "the embedded registry starts empty");
        } else if embedded.storage == Storage::Sink && verifies {
            let problem = Problem::new("no blob would have its digest", spot())
                .label("use verify = \"length\", or storage = \"memory\"");
            report(problem, "the embedded registry keeps no content");
        }
    }
}

/// The images without which an action can only fail.
const fn reads(action: &Action) -> Option<&Selection> {
    match action {
        Action::Push(_) | Action::Catalog(_) => None,
        _ => action.images(),
    }
}

/// What an action is there for, in words that follow `nothing to`.
const fn purpose(action: &Action) -> &'static str {
    match action {
        Action::Pull(_) => "pull",
        Action::Push(_) => "push",
        Action::Poll(_) => "poll",
        Action::ListTags(_) | Action::Catalog(_) => "list",
        Action::Referrers(_) => "refer to",
        Action::Delete(_) => "delete",
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
