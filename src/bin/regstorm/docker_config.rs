//! docker's `config.json` and podman's `auth.json`: whose credentials they hold for a registry, or for a part of it, themselves
//! or in a credential helper.
//!
//! They are read only on request, by `docker_config` in a scenario or by `--docker-config`. Only what is used of
//! them is judged; `null` is nothing, as for docker.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regstorm::plan::{DockerConfig, Place};
use regstorm::scenario::Scenario;
use regstorm::units::{Credentials, Secret};
use serde_json::{Map, Value};
use url::Url;

mod places;

use self::places::Places;
use crate::credential_helper;
use crate::source::read_text;

/// The names of Docker Hub, and the one under which docker keeps its credentials.
const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// What docker keeps of credentials. It has no `Debug`: much of it is secret.
struct Config(Map<String, Value>);

impl Config {
    fn parse(text: &str) -> serde_json::Result<Self> {
        let document: Option<Map<String, Value>> = serde_json::from_str(text)?;
        Ok(Self(document.unwrap_or_default()))
    }

    /// An object by the names of registries.
    fn by_registry(&self, name: &str) -> anyhow::Result<BTreeMap<&str, &Value>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(Value::Object(entries)) => Ok(entries
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect()),
            Some(_) => Err(anyhow!("`{name}` is not an object")),
        }
    }
}

/// A text, which may be missing. What stands there instead is never repeated.
fn text<'v>(value: Option<&'v Value>, name: &str) -> anyhow::Result<&'v str> {
    match value {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(anyhow!("`{name}` is not a text")),
    }
}

/// The names of a registry in the file.
struct Server {
    /// What docker says to a helper.
    key: String,
    /// `host[:port]` in small letters, every way it may be written.
    names: Vec<String>,
    /// `host[:port]/NAMESPACE`, the longest first: podman's keys for a repository and what it is in.
    namespaces: Vec<String>,
}

/// Puts the credentials that a scenario takes from docker into it.
pub(crate) fn fill_in(scenario: &mut Scenario, directory: &Path) -> anyhow::Result<()> {
    let (Some(wanted), Place::Url(url)) =
        (&scenario.target.auth.docker_config, &scenario.target.place)
    else {
        return Ok(());
    };
    let config = match wanted {
        DockerConfig::File(path) => DockerConfig::File(directory.join(path)),
        usual => usual.clone(),
    };
    scenario.target.auth.credentials = Some(credentials(&config, url, None)?);
    Ok(())
}

/// The file that `--docker-config` names: `podman` stands for those of podman.
pub(crate) fn named(option: Option<&Path>) -> DockerConfig {
    match option {
        None => DockerConfig::Usual,
        Some(path) if path == Path::new("podman") => DockerConfig::Podman,
        Some(path) => DockerConfig::File(path.to_owned()),
    }
}

/// The credentials for the registry at `url`, for one repository or for all alike.
pub(crate) fn credentials(
    config: &DockerConfig,
    url: &Url,
    repository: Option<&str>,
) -> anyhow::Result<Credentials> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let places = Places::of(config, &variable)?;
    let server = Server::of(url, repository)?;
    let mut namespaces = BTreeSet::new();
    for path in places.to_read() {
        let shown = path.display();
        let text = read_text(path).with_context(|| format!("cannot read {shown}"))?;
        // Its own words may repeat a secret.
        let config = Config::parse(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            anyhow!(
                "{shown} is no config.json of docker and no auth.json of podman: line {line}, column {column}"
            )
        })?;
        if let Some(found) = find(&config, &server).with_context(|| shown.to_string())? {
            return Ok(found);
        }
        namespaces.extend(server.namespaced(&config)?);
    }
    let key = &server.key;
    match (repository, namespaces.first()) {
        (None, Some(one)) => bail!(
            "{places} has credentials for parts of {key} only, such as {one}: a scenario has one user for all repositories; \
             set username and password"
        ),
        _ => bail!(
            "{places} has no credentials for {key}: log in with {}, or leave docker_config out",
            places.tool()
        ),
    }
}

impl Server {
    fn of(url: &Url, repository: Option<&str>) -> anyhow::Result<Self> {
        let mut server = Self::without_namespaces(url)?;
        let mut namespace = repository;
        while let Some(path) = namespace {
            let names = server.names.iter();
            let keys: Vec<_> = names.map(|name| format!("{name}/{path}")).collect();
            server.namespaces.extend(keys);
            namespace = path.rsplit_once('/').map(|(above, _)| above);
        }
        Ok(server)
    }

    fn without_namespaces(url: &Url) -> anyhow::Result<Self> {
        let host = url.host_str().context("the URL names no host")?;
        let host = host.to_ascii_lowercase();
        if HUB.contains(&host.as_str()) {
            return Ok(Self {
                key: HUB_KEY.to_owned(),
                names: HUB.map(str::to_owned).to_vec(),
                namespaces: Vec::new(),
            });
        }
        let with_port = url
            .port_or_known_default()
            .map(|port| format!("{host}:{port}"));
        Ok(match (url.port(), with_port) {
            (Some(_), Some(name)) => Self {
                key: name.clone(),
                names: vec![name],
                namespaces: Vec::new(),
            },
            (_, with_port) => Self {
                key: host.clone(),
                names: [host].into_iter().chain(with_port).collect(),
                namespaces: Vec::new(),
            },
        })
    }

    /// The keys for parts of this server.
    fn namespaced(&self, config: &Config) -> anyhow::Result<Vec<String>> {
        let auths = config.by_registry("auths")?;
        let parts = auths.keys().filter(|key| is_namespace(key));
        let own = parts.filter(|key| self.names.contains(&name_in(key)));
        Ok(own.map(|key| (*key).to_owned()).collect())
    }

    /// What stands under a key of this server: as docker writes it now, or with the scheme and path of old.
    fn entry<'m>(&self, map: &BTreeMap<&'m str, &'m Value>) -> Option<(&'m str, &'m Value)> {
        let mut namespaces = self.namespaces.iter();
        let namespace = namespaces.find_map(|it| map.get_key_value(it.as_str()));
        let exact = || map.get_key_value(self.key.as_str());
        let found = namespace.or_else(exact).or_else(|| {
            let mut others = map.iter();
            others.find(|(key, _)| !is_namespace(key) && self.names.contains(&name_in(key)))
        });
        found.map(|(key, value)| (*key, *value))
    }
}

/// Returns `true` for a key of podman that is for a part of a registry. Keys of old have a scheme, or the path of an API.
fn is_namespace(key: &str) -> bool {
    let path = key.split_once('/').map_or("", |(_, path)| path);
    !key.contains("://") && !matches!(path.trim_end_matches('/'), "" | "v1" | "v2")
}

/// `host[:port]` in a key such as `https://HOST:PORT/v1/`.
fn name_in(key: &str) -> String {
    let rest = key.strip_prefix("https://").unwrap_or(key);
    let rest = rest.strip_prefix("http://").unwrap_or(rest);
    rest.split('/').next().unwrap_or(rest).to_ascii_lowercase()
}

/// A helper that was named for the registry is the only one asked, and none where that name is empty; the store of everything
/// may know nothing of it.
fn find(config: &Config, server: &Server) -> anyhow::Result<Option<Credentials>> {
    let helpers = config.by_registry("credHelpers")?;
    if let Some((key, helper)) = server.entry(&helpers) {
        let helper = text(Some(helper), key).context("credHelpers")?;
        if !helper.is_empty() {
            return credential_helper::get(helper, &server.key);
        }
    } else {
        let store = text(config.0.get("credsStore"), "credsStore")?;
        if !store.is_empty()
            && let Some(found) = credential_helper::get(store, &server.key)?
        {
            return Ok(Some(found));
        }
    }
    let auths = config.by_registry("auths")?;
    match server.entry(&auths) {
        Some((key, entry)) => read(entry).with_context(|| format!("auths, `{key}`")),
        None => Ok(None),
    }
}

/// What docker keeps of one registry.
fn read(entry: &Value) -> anyhow::Result<Option<Credentials>> {
    if !entry.is_object() && !entry.is_null() {
        bail!("the entry is not an object");
    }
    let field = |name| text(entry.get(name), name);
    let token = field("identitytoken")?;
    if !token.is_empty() {
        return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
    }
    let auth = field("auth")?;
    if auth.is_empty() {
        let (username, password) = (field("username")?, Secret::new(field("password")?));
        let named = !username.is_empty();
        return Ok(named.then(|| Credentials::password(username, password)));
    }
    // Go's decoder passes over line breaks, wherever they are.
    let auth = auth.trim().replace(['\r', '\n'], "");
    let pair = STANDARD.decode(auth).ok();
    let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.as_deref().and_then(|pair| pair.split_once(':'));
    let Some((username, password)) = pair else {
        bail!("`auth` is not the base64 of USER:PASSWORD");
    };
    // docker pads the password.
    let password = Secret::new(password.trim_end_matches('\0'));
    Ok(Some(Credentials::password(username, password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, url: &str) -> Option<Credentials> {
        let config = Config::parse(config).unwrap();
        let server = Server::of(&url.parse().unwrap(), None).unwrap();
        find(&config, &server).unwrap()
    }

    #[expect(clippy::unnecessary_wraps, reason = "what `found` is compared with")]
    fn bob(password: &str) -> Option<Credentials> {
        Some(Credentials::password("bob", Secret::new(password)))
    }

    #[test]
    fn a_key_is_found_as_docker_has_ever_written_it() {
        // printf bob:pw | base64
        for key in [
            "lab:5000",
            "LAB:5000",
            "http://lab:5000",
            "https://lab:5000/v1/",
            "https://lab:5000/v2/",
        ] {
            let config = format!(r#"{{"auths":{{"{key}":{{"auth":"Ym9iOnB3"}}}}}}"#);
            assert_eq!(found(&config, "http://lab:5000/base"), bob("pw"), "{key}");
            for other in ["http://lab", "http://lab:5001", "http://xlab:5000"] {
                assert_eq!(found(&config, other), None, "{key} {other}");
            }
        }
        let config = r#"{"auths":{"lab:443":{"auth":"Ym9iOnB3"}}}"#;
        assert_eq!(found(config, "https://lab"), bob("pw"));
        assert_eq!(found(config, "http://lab"), None);
        let config = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"Ym9iOnB3"}}}"#;
        assert_eq!(found(config, "https://registry-1.docker.io"), bob("pw"));
    }

    /// The example of containers-auth.json(5): the key closest to the repository counts.
    #[test]
    fn the_longest_namespace_wins_and_is_for_nothing_else() {
        // printf bob:1 | base64, and 2, 3
        let config = r#"{"auths":{
            "lab:5000/team/app":{"auth":"Ym9iOjE="},
            "lab:5000/team":{"auth":"Ym9iOjI="},
            "lab:5000":{"auth":"Ym9iOjM="},
            "other/team":{"auth":"Ym9iOjE="}}}"#;
        let config = Config::parse(config).unwrap();
        let found = |url: &str, repository| {
            let server = Server::of(&url.parse().unwrap(), repository).unwrap();
            find(&config, &server).unwrap()
        };
        for (repository, password) in [
            (Some("team/app"), "1"),
            (Some("team/app/deep"), "1"),
            (Some("team/apple"), "2"),
            (Some("team"), "2"),
            (Some("teams"), "3"),
            (None, "3"),
        ] {
            let found = found("http://lab:5000", repository);
            assert_eq!(found, bob(password), "{repository:?}");
        }
        assert_eq!(found("http://other", Some("team/x")), bob("1"));
        for repository in [None, Some("x")] {
            assert_eq!(found("http://other", repository), None);
        }
    }

    #[test]
    fn the_key_of_today_wins_and_empty_entries_hold_nothing() {
        let config = r#"{"auths":{
            "http://lab:5000":{"auth":"Ym9iOm9sZA=="},
            "lab:5000":{"auth":"Ym9iOm5ldw=="},
            "empty":{},
            "split":{"username":"bob","password":"pw"},
            "token":{"auth":"Ym9iOnB3","identitytoken":"idt"}}}"#;
        assert_eq!(found(config, "http://lab:5000"), bob("new"));
        assert_eq!(found(config, "http://empty"), None);
        assert_eq!(found(config, "http://split"), bob("pw"));
        let token = Some(Credentials::IdentityToken(Secret::new("idt")));
        assert_eq!(found(config, "http://token"), token);
        assert_eq!(found("{}", "http://lab:5000"), None);
    }

    #[test]
    fn what_is_not_used_does_not_matter_and_null_is_nothing() {
        let config = r#"{"auths":{"other":5,"another":null,"lab":{"auth":"Ym9i\nOnB3\n","email":null,"identitytoken":null,
            "registrytoken":7}},"credHelpers":{"other":{"a":1}},"credsStore":null,"proxies":[1],"HttpHeaders":null,
            "auths2":"x","currentContext":{"deep":[{}]}}"#;
        assert_eq!(found(config, "http://lab"), bob("pw"));
        assert_eq!(found(config, "http://another"), None);
        for nothing in ["null", "{}", r#"{"auths":null,"credHelpers":null}"#] {
            assert_eq!(found(nothing, "http://lab"), None, "{nothing}");
        }
        // An empty helper switches the store off for one registry, as for docker.
        let config = r#"{"auths":{"lab":{"auth":"Ym9iOnB3"}},"credHelpers":{"lab":""},"credsStore":"no such store"}"#;
        assert_eq!(found(config, "http://lab"), bob("pw"));
    }

    #[test]
    fn an_entry_that_is_used_and_cannot_be_read_is_named_without_its_words() {
        let error = |config: &str| {
            let config = Config::parse(config).unwrap();
            let server = Server::of(&"http://lab".parse().unwrap(), None).unwrap();
            format!("{:#}", find(&config, &server).unwrap_err())
        };
        for (config, words) in [
            (
                r#"{"auths":{"lab":"hunter2"}}"#,
                "auths, `lab`: the entry is not an object",
            ),
            (
                r#"{"auths":{"lab":{"auth":["hunter2"]}}}"#,
                "auths, `lab`: `auth` is not a text",
            ),
            (r#"{"auths":["hunter2"]}"#, "`auths` is not an object"),
            (
                r#"{"credsStore":{"hunter2":1}}"#,
                "`credsStore` is not a text",
            ),
            (
                r#"{"credHelpers":{"lab":5}}"#,
                "credHelpers: `lab` is not a text",
            ),
        ] {
            assert_eq!(error(config), words, "{config}");
        }
        for auth in ["hunter2", "aHVudGVyMg==", "/w=="] {
            let said = error(&format!(r#"{{"auths":{{"lab":{{"auth":"{auth}"}}}}}}"#));
            assert!(!said.contains(auth), "{said}");
        }
    }
}
