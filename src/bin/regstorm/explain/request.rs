//! One request in words that hold for any image: names, tags and digests by what they stand for.

use std::collections::BTreeMap;

use regstorm::content::Image;
use regstorm::embedded::RequestRecord;
use regstorm::oci::Operation;
use url::Url;

/// Headers that every client must send, or whose value is of this run alone.
const LEFT_OUT: [&str; 2] = ["host", "content-length"];

/// One request of a journey.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Request {
    /// From 1, in the order in which the registry read them.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// Path and query, with words in capitals where an image has its own.
    pub(crate) path: String,
    pub(crate) status: u16,
    /// `None`: outside the specification.
    pub(crate) operation: Option<Operation>,
    /// What the request's body is.
    pub(crate) sends: Body,
    /// What the answer's body is.
    pub(crate) gets: Body,
    /// The connection it came on, from 1.
    pub(crate) connection: usize,
    /// Name and value of each line, in order; of credentials the scheme alone.
    pub(crate) headers: Vec<(String, String)>,
}

/// What a body is, by its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Body {
    None,
    Layer,
    Config,
    Manifest,
    /// The table of a layer, beside it.
    Table,
    /// A part of a blob, or several.
    Range,
    /// Something short: a list, a token, an error.
    Small,
}

/// What the digests, names and sizes of one image stand for.
pub(crate) struct Names {
    digests: BTreeMap<String, String>,
    sizes: BTreeMap<u64, Body>,
    mounted_from: String,
    authority: String,
    user: String,
}

impl Names {
    pub(crate) fn new(image: &Image, mounted_from: &str, authority: &str, user: &str) -> Self {
        let mut digests = BTreeMap::new();
        let mut sizes = BTreeMap::from([(image.descriptor().size, Body::Manifest)]);
        for (place, layer) in image.layers().iter().enumerate() {
            let digest = layer.descriptor().digest.to_string();
            digests.insert(digest, format!("DIGEST(layer {})", place + 1));
            sizes.insert(layer.size(), Body::Layer);
        }
        if let Some(config) = image.config() {
            let digest = config.descriptor().digest.to_string();
            digests.insert(digest, "DIGEST(config)".to_owned());
            sizes.insert(config.size(), Body::Config);
        }
        Self {
            digests,
            sizes,
            mounted_from: mounted_from.to_owned(),
            authority: authority.to_owned(),
            user: user.to_owned(),
        }
    }

    /// Names what the SOCI index of the image is made of.
    pub(crate) fn add_soci_index(&mut self, index: &Image) {
        let digest = index.descriptor().digest.to_string();
        self.digests.insert(digest, "DIGEST(SOCI index)".to_owned());
        self.sizes.insert(index.descriptor().size, Body::Manifest);
        for (place, table) in index.layers().iter().enumerate() {
            let digest = table.descriptor().digest.to_string();
            let named = format!("DIGEST(zTOC {})", place + 1);
            self.digests.insert(digest, named);
            self.sizes.insert(table.size(), Body::Table);
        }
    }

    fn body(&self, bytes: u64) -> Body {
        match bytes {
            0 => Body::None,
            _ => self.sizes.get(&bytes).copied().unwrap_or(Body::Small),
        }
    }

    /// A digest of a blob, or of a manifest.
    fn digest(&self, text: &str, other: &str) -> String {
        let known = self.digests.get(text).cloned();
        known.unwrap_or_else(|| other.to_owned())
    }

    fn name(&self, text: &str) -> &'static str {
        if text == self.mounted_from {
            "FROM"
        } else {
            "NAME"
        }
    }

    fn path(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix("/v2/") else {
            return path.to_owned();
        };
        // A name may hold any of these words as a part; the last one is the endpoint's.
        if let Some((name, id)) = rest.rsplit_once("/blobs/uploads/") {
            let upload = if id.is_empty() { "" } else { "UPLOAD" };
            return format!("/v2/{}/blobs/uploads/{upload}", self.name(name));
        }
        if let Some((name, digest)) = rest.rsplit_once("/blobs/") {
            let digest = self.digest(digest, "DIGEST");
            return format!("/v2/{}/blobs/{digest}", self.name(name));
        }
        if let Some((name, digest)) = rest.rsplit_once("/referrers/") {
            let digest = self.digest(digest, "DIGEST(manifest)");
            return format!("/v2/{}/referrers/{digest}", self.name(name));
        }
        if let Some((name, reference)) = rest.rsplit_once("/manifests/") {
            let reference = if reference.contains(':') {
                self.digest(reference, "DIGEST(manifest)")
            } else {
                "TAG".to_owned()
            };
            return format!("/v2/{}/manifests/{reference}", self.name(name));
        }
        match rest.strip_suffix("/tags/list") {
            Some(name) => format!("/v2/{}/tags/list", self.name(name)),
            None => path.to_owned(),
        }
    }

    /// The words for what follows `key=` in a query. `None`: the registry's own, and part of what the address is.
    fn value(&self, key: &str, value: &str) -> Option<String> {
        Some(match key {
            "_state" | "state" => return None,
            "digest" | "mount" => self.digest(value, "DIGEST"),
            "from" => self.name(value).to_owned(),
            "origin" => "HOST".to_owned(),
            "service" => "SERVICE".to_owned(),
            "account" if value == self.user => "USER".to_owned(),
            "scope" => {
                let scopes = value.split(' ').map(|scope| self.scope(scope));
                scopes.collect::<Vec<_>>().join(" ")
            }
            _ => value.to_owned(),
        })
    }

    fn scope(&self, scope: &str) -> String {
        let mut parts = scope.splitn(3, ':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(kind @ "repository"), Some(name), Some(actions)) => {
                format!("{kind}:{}:{actions}", self.name(name))
            }
            _ => scope.to_owned(),
        }
    }

    fn target(&self, target: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut shown = self.path(path);
        // Read as any query is; the base is never shown.
        let read = Url::parse(&format!("http://registry/?{query}"));
        let pairs: Vec<String> = read
            .iter()
            .flat_map(|url| url.query_pairs())
            .filter_map(|(key, value)| Some(format!("{key}={}", self.value(&key, &value)?)))
            .collect();
        if !pairs.is_empty() {
            shown.push('?');
            shown.push_str(&pairs.join("&"));
        }
        shown
    }
}

impl Request {
    pub(crate) fn of(
        record: &RequestRecord,
        number: usize,
        connection: usize,
        names: &Names,
    ) -> Self {
        let lines = record.headers.iter();
        let headers = lines
            .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                let value = value.replace(&names.authority, "HOST");
                (name.as_str().to_owned(), value)
            });
        Self {
            number,
            method: record.method.to_string(),
            path: names.target(&record.target),
            status: record.status.map_or(0, |status| status.as_u16()),
            operation: record.operation,
            sends: names.body(record.received),
            gets: match record.status.map(|status| status.as_u16()) {
                Some(206) => Body::Range,
                _ => names.body(record.sent),
            },
            connection,
            headers: headers.collect(),
        }
    }
}

impl Body {
    /// The word in tables.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Layer => "layer",
            Self::Config => "config",
            Self::Manifest => "manifest",
            Self::Table => "table",
            Self::Range => "range",
            Self::Small => "small",
        }
    }
}
