//! The URL of a request: an origin, and a path with its query.

use std::fmt;

use http::uri::PathAndQuery;
use url::{Position, Url};

use super::origin::{Origin, OriginError};

/// A URL, split into the two parts of a request. Cheap to clone: a user requests the same few URLs again and again,
/// and each is parsed once.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    origin: Origin,
    target: PathAndQuery,
}

impl Address {
    /// Splits a URL; its fragment is dropped.
    ///
    /// # Errors
    /// Fails if its scheme is not supported, it has no host, or it is invalid on a request line.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let origin = Origin::of(url)?;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let target = target.parse().map_err(|_| OriginError::Target)?;
        Ok(Self { origin, target })
    }

    /// Returns another URL of the same origin. The path begins with `/`, and is percent-encoded.
    ///
    /// # Errors
    /// Fails if it is invalid on a request line.
    pub fn at(&self, path: String) -> Result<Self, OriginError> {
        Ok(Self {
            origin: self.origin.clone(),
            target: PathAndQuery::try_from(path).map_err(|_| OriginError::Target)?,
        })
    }

    /// Returns the URL with an addition to its query, unchanged after `?` or `&`.
    ///
    /// # Errors
    /// Fails if it is invalid on a request line.
    pub fn with_query(&self, more: &str) -> Result<Self, OriginError> {
        let path = self.path();
        self.at(match self.target.query() {
            Some(query) if !query.is_empty() => format!("{path}?{query}&{more}"),
            _ => format!("{path}?{more}"),
        })
    }

    /// Resolves a reference from a response; `None` if it cannot be requested.
    pub fn join(&self, reference: &str) -> Option<Self> {
        Self::of(&self.url().join(reference).ok()?).ok()
    }

    /// The origin.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path, without the query, which may hold secrets.
    pub fn path(&self) -> &str {
        self.target.path()
    }

    pub(super) const fn target(&self) -> &PathAndQuery {
        &self.target
    }

    /// The whole URL.
    ///
    /// # Panics
    /// Never: it was parsed from one.
    pub fn url(&self) -> Url {
        let (scheme, host) = (self.origin.scheme(), self.origin.host_header());
        let host = host.to_str().expect("it was made of a URL's text");
        let text = format!("{scheme}://{host}{}", self.target);
        text.parse()
            .expect("the parts of a URL, put together again")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.origin, self.path())
    }
}
