//! URLs: the base URL of a registry, and those that it refers to.

use std::fmt;

use http::HeaderMap;
use http::header::LOCATION;
use url::Url;

use crate::oci::Digest;
use crate::transport::{Address, Origin, OriginError};

/// The URL of a registry, with the path in front of `/v2/`.
#[derive(Clone, PartialEq, Eq)]
pub struct Base {
    address: Address, // its path ends in `/`; no query
}

/// Why a text is not the URL of a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// Not a URL.
    #[error("`{0}` is not the URL of a registry, such as http://localhost:5000 ({1})")]
    Malformed(String, url::ParseError),
    /// An unsupported scheme.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// Credentials in the URL, which end up in logs and process lists.
    #[error("the URL carries a user or password; give credentials on their own")]
    Credentials,
    /// A query or a fragment, which cannot stand in front of `/v2/`.
    #[error("the URL of a registry has no `?` and no `#`")]
    Query,
    /// `/v2/`, which is not part of it.
    #[error("the URL of a registry ends before /v2, which regstorm adds")]
    Version,
}

impl Base {
    /// Parses the URL of a registry.
    ///
    /// # Errors
    /// Returns [`BaseError`]; its message never repeats a password.
    pub fn parse(text: &str) -> Result<Self, BaseError> {
        let url = Url::parse(text).map_err(|error| {
            let shown = if text.contains('@') { "the text" } else { text };
            BaseError::Malformed(shown.chars().take(200).collect(), error)
        })?;
        Self::new(url)
    }

    /// Makes a base of a URL.
    ///
    /// # Errors
    /// Returns [`BaseError`] if it cannot stand in front of `/v2/`.
    pub fn new(mut url: Url) -> Result<Self, BaseError> {
        Origin::of(&url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseError::Query);
        }
        if url.path().trim_end_matches('/').ends_with("/v2") {
            return Err(BaseError::Version);
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let address = Address::of(&url)?;
        Ok(Self { address })
    }

    /// Returns the URL of an endpoint: `v2/` and `path`, in the characters of names, tags and digests.
    pub(super) fn endpoint(&self, rest: &[&str]) -> Address {
        let beginning = [self.address.path(), "v2/"];
        let length = |parts: &[&str]| -> usize { parts.iter().map(|part| part.len()).sum() };
        let mut path = String::with_capacity(length(&beginning) + length(rest));
        for part in beginning.iter().chain(rest) {
            path.push_str(part);
        }
        self.address
            .at(path)
            .expect("names, tags and digests are short, and their characters stand in any path")
    }

    /// The path in front of `v2/`, which begins and ends with a slash.
    pub fn path(&self) -> &str {
        self.address.path()
    }

    /// Returns the URL; its path ends in a slash.
    pub fn url(&self) -> Url {
        self.address.url()
    }

    /// The origin that the credentials are for.
    pub const fn origin(&self) -> &Origin {
        self.address.origin()
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address.url().as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the `Location` of a response, absolute or relative to the URL of the request, its query unchanged.
pub(super) fn location(asked: &Address, headers: &HeaderMap) -> Option<Address> {
    asked.join(headers.get(LOCATION)?.to_str().ok()?)
}

/// Returns the URL with `digest=` added to its query.
pub(super) fn with_digest(address: &Address, digest: &Digest) -> Result<Address, OriginError> {
    address.with_query(&format!("digest={}", escaped(digest)))
}

/// Encodes a digest as clients write it in a query.
pub(super) fn escaped(digest: &Digest) -> String {
    digest.to_string().replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn address(text: &str) -> Address {
        Address::of(&text.parse().unwrap()).unwrap()
    }

    fn headers(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_path_stands_in_front_of_v2() {
        for (text, wanted) in [
            ("http://h:5000", "http://h:5000/v2/a/tags/list"),
            ("http://h:5000/", "http://h:5000/v2/a/tags/list"),
            ("http://h/link/to/x", "http://h/link/to/x/v2/a/tags/list"),
            ("http://h/link/to/x///", "http://h/link/to/x/v2/a/tags/list"),
        ] {
            let base = Base::parse(text).unwrap();
            assert_eq!(base.endpoint(&["a", "/tags/list"]).url().as_str(), wanted);
        }
    }

    #[test]
    fn refuses_what_is_no_base_and_repeats_no_password() {
        for text in [
            "localhost:5000",
            "ftp://h",
            "wss://h",
            "http://",
            "http://h?x=1",
            "http://h#x",
            "",
        ] {
            assert!(Base::parse(text).is_err(), "{text}");
        }
        for text in ["http://u:hunter2@h", "u:hunter2@h", "http://u:hunter2@:x"] {
            let error = Base::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_location_is_followed_as_given() {
        let asked = address("http://h:1/base/v2/a/blobs/uploads/");
        for (given, wanted) in [
            (
                "/base/v2/a/blobs/uploads/u?_state=x%3D==",
                "http://h:1/base/v2/a/blobs/uploads/u?_state=x%3D==",
            ),
            (
                "u?_state=1",
                "http://h:1/base/v2/a/blobs/uploads/u?_state=1",
            ),
            ("http://other/u", "http://other/u"),
        ] {
            assert_eq!(
                location(&asked, &headers(LOCATION, given))
                    .unwrap()
                    .url()
                    .as_str(),
                wanted
            );
        }
        assert_eq!(location(&asked, &HeaderMap::new()), None);
    }

    #[test]
    fn a_digest_joins_the_query() {
        let digest = Digest::sha256(b"");
        let join = |text: &str| {
            with_digest(&address(text), &digest)
                .unwrap()
                .url()
                .to_string()
        };
        let wanted = "http://h/u?digest=sha256%3Ae3b0c442";
        assert!(join("http://h/u").starts_with(wanted));
        assert!(join("http://h/u?").starts_with(wanted));
        let wanted = "http://h/u?_state=a%2Bb==&digest=sha256%3Ae3b0c442";
        assert!(join("http://h/u?_state=a%2Bb==").starts_with(wanted));
    }
}
