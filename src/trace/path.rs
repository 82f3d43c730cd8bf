//! What a request's method and URI name: the endpoint, the repository, and what is in it.

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use crate::oci::Operation;

use super::request::Method;

/// What a URI names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Path<'a> {
    pub(super) operation: Option<Operation>,
    /// What stands before the registry's API, such as the name of a repository of Artifactory; empty in most registries.
    pub(super) base: &'a str,
    pub(super) repository: Option<&'a str>,
    pub(super) tag: Option<Cow<'a, str>>,
    pub(super) digest: Option<Cow<'a, str>>,
    pub(super) upload: Option<&'a str>,
    pub(super) from: Option<Cow<'a, str>>,
}

/// Returns what a URI names; `None` if it is outside the registry's API and no token service.
pub(super) fn of(method: Method, uri: &str) -> Option<Path<'_>> {
    let uri = without_host(uri);
    let (path, query) = cut(uri, memchr(b'?', uri.as_bytes())).unwrap_or((uri, ""));
    if let Some(digest) = stored_blob(path) {
        let operation = matches!(method, Method::Get | Method::Head);
        return Some(Path {
            operation: operation.then_some(Operation::Redirected),
            digest: Some(digest),
            ..Path::default()
        });
    }
    if is_token(path, query) {
        let operation = matches!(method, Method::Get | Method::Post);
        return Some(Path {
            operation: operation.then_some(Operation::Token),
            ..Path::default()
        });
    }
    // The usual ones first: looking for a text within another one costs more than all the rest.
    let at_root = path
        .strip_prefix("/v2/")
        .or_else(|| path.strip_prefix("v2/"));
    let (base, rest) = match at_root {
        Some(rest) => ("", rest),
        None if path.ends_with("/v2") => (path.strip_suffix("/v2")?, ""),
        None => path.split_once("/v2/")?,
    };
    let mut named = Path {
        base: repository_of_base(base),
        ..Path::default()
    };
    match rest {
        "" => named.operation = only(method, &[Method::Get, Method::Head], Operation::Ping),
        "_catalog" => named.operation = only(method, &[Method::Get], Operation::Catalog),
        _ => named.below(method, rest, query),
    }
    Some(named)
}

/// What is in front of a character of one byte, and behind it.
fn cut(text: &str, place: Option<usize>) -> Option<(&str, &str)> {
    place.map(|at| (&text[..at], &text[at + 1..]))
}

fn only(method: Method, methods: &[Method], operation: Operation) -> Option<Operation> {
    methods.contains(&method).then_some(operation)
}

impl<'a> Path<'a> {
    /// What is below the registry's root: a repository, and something in it.
    fn below(&mut self, method: Method, rest: &'a str, query: &'a str) {
        let Some((front, name)) = cut(rest, memrchr(b'/', rest.as_bytes())) else {
            return;
        };
        let Some((repository, noun)) = cut(front, memrchr(b'/', front.as_bytes())) else {
            return;
        };
        let of_upload = match (noun, name) {
            ("uploads", upload) => repository.strip_suffix("/blobs").map(|it| (it, upload)),
            ("blobs", "uploads") => Some((repository, "")),
            _ => None,
        };
        if let Some((repository, upload)) = of_upload {
            self.repository = Some(repository);
            return self.upload(method, upload, query);
        }
        self.repository = Some(repository);
        let is_encoded = || name.contains('%') && decoded(name).contains(':');
        let is_digest = name.contains(':') || is_encoded();
        self.operation = match noun {
            "manifests" => match method {
                Method::Get => Some(Operation::ManifestGet),
                Method::Head => Some(Operation::ManifestHead),
                Method::Put => Some(Operation::ManifestPut),
                Method::Delete => Some(Operation::ManifestDelete),
                _ => None,
            },
            "blobs" => match method {
                Method::Get => Some(Operation::BlobGet),
                Method::Head => Some(Operation::BlobHead),
                Method::Delete => Some(Operation::BlobDelete),
                _ => None,
            },
            "referrers" => only(method, &[Method::Get], Operation::Referrers),
            "tags" if name == "list" => only(method, &[Method::Get], Operation::TagsList),
            _ => {
                self.repository = None;
                return;
            }
        };
        match noun {
            "tags" => {}
            "manifests" if !is_digest => self.tag = Some(decoded(name)),
            _ => self.digest = Some(decoded(name)),
        }
    }

    fn upload(&mut self, method: Method, upload: &'a str, query: &'a str) {
        let mounted = parameter(query, "mount");
        let digest = parameter(query, "digest");
        self.operation = match method {
            Method::Post if mounted.is_some() => Some(Operation::UploadMount),
            Method::Post if digest.is_some() => Some(Operation::UploadPost),
            Method::Post => Some(Operation::UploadStart),
            Method::Patch => Some(Operation::UploadPatch),
            Method::Put => Some(Operation::UploadPut),
            Method::Get | Method::Head => Some(Operation::UploadStatus),
            Method::Delete => Some(Operation::UploadCancel),
            Method::Other => None,
        };
        self.from = mounted.as_ref().and_then(|_| parameter(query, "from"));
        self.digest = mounted.or(digest);
        self.upload = Some(upload).filter(|it| !it.is_empty());
    }
}

/// Cuts the scheme and the host of an absolute URI.
fn without_host(uri: &str) -> &str {
    let rest = uri.strip_prefix("http://");
    let Some(rest) = rest.or_else(|| uri.strip_prefix("https://")) else {
        return uri;
    };
    rest.find('/').map_or("", |at| &rest[at..])
}

/// The repository that a base path stands for: `/repository/docker` of Nexus, `/artifactory/api/docker/local` of Artifactory.
fn repository_of_base(base: &str) -> &str {
    if base.is_empty() {
        return base;
    }
    ["/api/docker/", "/repository/"]
        .iter()
        .find_map(|it| base.split_once(it))
        .map_or(base, |(_, repository)| repository)
        .trim_matches('/')
}

/// The digest in a path of a registry's storage: `.../docker/registry/v2/blobs/sha256/ab/abcd.../data`.
fn stored_blob(path: &str) -> Option<Cow<'_, str>> {
    let front = path.strip_suffix("/data")?;
    let (front, hex) = front.rsplit_once('/')?;
    let (front, two) = front.rsplit_once('/')?;
    let (front, algorithm) = front.rsplit_once('/')?;
    let is_one = front.ends_with("/blobs") && two.len() == 2 && hex.starts_with(two);
    is_one.then(|| Cow::Owned(format!("{algorithm}:{hex}")))
}

/// Whether a path is that of a token service: of Distribution's specification, Harbor, GitLab, Quay, Nexus and others.
fn is_token(path: &str, query: &str) -> bool {
    const PATHS: [&str; 8] = [
        "/service/token",
        "/jwt/auth",
        "/v2/auth",
        "/v2/token",
        "/oauth2/token",
        "/auth/token",
        "/token",
        "/auth",
    ];
    // All of them end in one of two letters, and few other paths do.
    if !matches!(path.as_bytes().last(), Some(b'n' | b'h')) {
        return false;
    }
    let is_service =
        || parameter(query, "service").is_some() || parameter(query, "scope").is_some();
    match PATHS.iter().position(|it| path.ends_with(it)) {
        Some(0..5) => true,
        Some(_) => is_service() && !path.contains("/v2/"),
        None => false,
    }
}

/// The value of a parameter of a query.
fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    if query.is_empty() {
        return None;
    }
    let found = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)?;
    Some(decoded(found.1)).filter(|it| !it.is_empty())
}

/// Undoes percent encoding.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    // Reads one pair of a form, whose name is the text. A plus is no space here.
    let plain = text.replace('+', "%2B").replace(['=', '&'], "");
    let pair = url::form_urlencoded::parse(plain.as_bytes()).next();
    pair.map_or(Cow::Borrowed(text), |(name, _)| {
        Cow::Owned(name.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: Method, uri: &str) -> Path<'_> {
        of(method, uri).unwrap_or_else(|| panic!("{uri} is outside"))
    }

    const ENDPOINTS: [(Method, &str, Operation); 25] = [
        (Method::Get, "/v2/", Operation::Ping),
        (Method::Head, "/v2", Operation::Ping),
        (Method::Get, "/v2/_catalog?n=100", Operation::Catalog),
        (
            Method::Get,
            "/v2/a/tags/list?n=100&last=b",
            Operation::TagsList,
        ),
        (
            Method::Get,
            "/v2/a/b/manifests/latest",
            Operation::ManifestGet,
        ),
        (
            Method::Head,
            "/v2/a/b/manifests/sha256:ab",
            Operation::ManifestHead,
        ),
        (
            Method::Put,
            "/v2/a/b/manifests/latest",
            Operation::ManifestPut,
        ),
        (
            Method::Delete,
            "/v2/a/b/manifests/sha256:ab",
            Operation::ManifestDelete,
        ),
        (Method::Get, "/v2/a/b/blobs/sha256:ab", Operation::BlobGet),
        (Method::Head, "/v2/a/blobs/sha256:ab", Operation::BlobHead),
        (
            Method::Delete,
            "/v2/a/blobs/sha256:ab",
            Operation::BlobDelete,
        ),
        (Method::Post, "/v2/a/blobs/uploads/", Operation::UploadStart),
        (Method::Post, "/v2/a/blobs/uploads", Operation::UploadStart),
        (
            Method::Post,
            "/v2/a/blobs/uploads/?digest=sha256:ab",
            Operation::UploadPost,
        ),
        (
            Method::Post,
            "/v2/a/blobs/uploads/?mount=sha256:ab&from=b",
            Operation::UploadMount,
        ),
        (
            Method::Patch,
            "/v2/a/blobs/uploads/1?_state=x",
            Operation::UploadPatch,
        ),
        (
            Method::Put,
            "/v2/a/blobs/uploads/1?digest=sha256:ab",
            Operation::UploadPut,
        ),
        (
            Method::Get,
            "/v2/a/blobs/uploads/1",
            Operation::UploadStatus,
        ),
        (
            Method::Delete,
            "/v2/a/blobs/uploads/1",
            Operation::UploadCancel,
        ),
        (
            Method::Get,
            "/v2/a/referrers/sha256:ab",
            Operation::Referrers,
        ),
        (
            Method::Get,
            "/service/token?service=harbor&scope=x",
            Operation::Token,
        ),
        (Method::Get, "/jwt/auth?service=x", Operation::Token),
        (Method::Get, "/v2/auth?service=quay.io", Operation::Token),
        (Method::Post, "/token?service=x", Operation::Token),
        (
            Method::Get,
            "/docker/registry/v2/blobs/sha256/ab/abcd/data",
            Operation::Redirected,
        ),
    ];

    #[test]
    fn endpoints_are_those_of_the_specification() {
        for (method, uri, wanted) in ENDPOINTS {
            assert_eq!(read(method, uri).operation, Some(wanted), "{uri}");
        }
    }

    #[test]
    fn names_are_found_in_every_form_of_path() {
        let path = read(
            Method::Post,
            "/v2/t/a/blobs/uploads/?mount=sha256%3Aab&from=t%2Fb",
        );
        assert_eq!(path.repository, Some("t/a"));
        assert_eq!(path.digest.as_deref(), Some("sha256:ab"));
        assert_eq!(path.from.as_deref(), Some("t/b"));
        assert_eq!(path.upload, None);
        let path = read(Method::Get, "v2/user/repo/manifests/x1");
        assert_eq!(
            (path.repository, path.tag.as_deref()),
            (Some("user/repo"), Some("x1"))
        );
        let path = read(
            Method::Get,
            "https://h:443/artifactory/api/docker/local/v2/a/blobs/sha256:ab",
        );
        assert_eq!((path.base, path.repository), ("local", Some("a")));
        let path = read(Method::Get, "/repository/hosted/v2/a/tags/list");
        assert_eq!((path.base, path.repository), ("hosted", Some("a")));
        let path = read(Method::Patch, "/v2/a/blobs/uploads/uuid-1?_state=secret");
        assert_eq!(path.upload, Some("uuid-1"));
        let path = read(Method::Get, "/v2/blobs/uploads/manifests/1");
        assert_eq!(path.repository, Some("blobs/uploads"));
    }

    #[test]
    fn what_is_outside_is_none_and_what_fits_no_endpoint_has_no_operation() {
        for uri in [
            "/",
            "",
            "/metrics",
            "/api/v2.0/projects",
            "*",
            "/v2x",
            "http://h",
            "/token",
        ] {
            assert_eq!(of(Method::Get, uri), None, "{uri}");
        }
        for (method, uri) in [
            (Method::Put, "/v2/"),
            (Method::Get, "/v2/x"),
            (Method::Post, "/v2/a/manifests/latest"),
            (Method::Other, "/v2/a/blobs/uploads/"),
            (Method::Get, "/v2/a/b/c/d"),
        ] {
            assert_eq!(read(method, uri).operation, None, "{uri}");
        }
    }
}
