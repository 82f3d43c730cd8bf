//! The keys of `[target]`.

use super::{Fields, Value};
use crate::exchange::HttpVersion;
use crate::plan::{Dns, DockerConfig, Embedded, NamedFile, Place, Target, Tls};

/// What stands for a secret.
const REDACTED: &str = "<redacted>";

/// All keys of the target.
pub(super) fn keys(target: &Target) -> Value {
    let fields = match &target.place {
        Place::Embedded(_) => Fields::default().put("url", "embedded"),
        Place::Url(url) => Fields::default().put("url", url.as_str()),
    };
    let headers = target.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, _)| (name.clone(), REDACTED.into()))
        .collect();
    let mut fields = fields
        .put("headers", Value::Table(headers))
        .put("auth", auth(target));
    if let Place::Embedded(registry) = &target.place {
        fields = fields.put("embedded", embedded(registry));
    }
    let addresses = &target.addresses;
    let dns = match addresses.dns {
        Dns::Once => "once",
        Dns::PerConnection => "per-connection",
    };
    fields
        .may("http", target.http.map(HttpVersion::word))
        .put("tls", tls(&target.tls))
        .put("source_ips", texts(&addresses.source_ips))
        .put("connect_to", texts(&addresses.connect_to))
        .put("dns", dns)
        .into()
}

fn texts(values: &[impl ToString]) -> Value {
    Value::List(values.iter().map(ToString::to_string).collect())
}

/// Of files, where they are.
fn tls(tls: &Tls) -> Fields {
    let named = |file: &NamedFile| file.as_written.clone();
    let (cert, key) = tls.identity.as_ref().map(|(cert, key)| (cert, key)).unzip();
    Fields::default()
        .may("ca", tls.ca.as_ref().map(named))
        .may("cert", cert.map(named))
        .may("key", key.map(named))
        .may("server_name", tls.server_name.clone())
        .put("insecure", tls.insecure)
        .put("resumption", tls.resumption.word())
}

fn auth(target: &Target) -> Fields {
    let fields = match (&target.docker_config, &target.credentials) {
        // Who was found there is no part of the plan.
        (Some(DockerConfig::Usual), _) => Fields::default().put("docker_config", true),
        (Some(DockerConfig::File(path)), _) => {
            Fields::default().put("docker_config", path.to_string_lossy().into_owned())
        }
        (None, Some(credentials)) => Fields::default()
            .may("username", credentials.username())
            .put("password", REDACTED),
        (None, None) => Fields::default(),
    };
    fields
        .put("tokens", target.tokens.name())
        .put("cleartext", target.cleartext)
}

fn embedded(embedded: &Embedded) -> Fields {
    Fields::default()
        .put("storage", embedded.storage.word())
        .put("base_path", embedded.base_path.as_str())
        .put("auth", embedded.auth.word())
        .put("tls", embedded.tls)
        .put("token_lifetime", embedded.token_lifetime)
        .put("max_memory", embedded.max_bytes.to_string())
}
