//! Where a request goes: an origin, and what it is asked for.

use std::fmt;

use http::uri::PathAndQuery;
use url::{Position, Url};

use super::origin::{Origin, OriginError};

/// A URL in the two parts that a request is made of, ready to be sent. Cheap to clone: a user asks for the same few
/// things again and again, and a URL is taken apart once.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    origin: Origin,
    target: PathAndQuery,
}

impl Address {
    /// Takes a URL apart; what comes after `#` is for nobody but the client.
    ///
    /// # Errors
    /// When its scheme is not spoken, it has no host, or it does not fit on a request line.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let origin = Origin::of(url)?;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let target = target.parse().map_err(|_| OriginError::Target)?;
        Ok(Self { origin, target })
    }

    /// Something else of the same origin: a path that begins with `/`, in the characters of a URL.
    ///
    /// # Errors
    /// When it does not fit on a request line.
    pub fn at(&self, path: String) -> Result<Self, OriginError> {
        Ok(Self {
            origin: self.origin.clone(),
            target: PathAndQuery::try_from(path).map_err(|_| OriginError::Target)?,
        })
    }

    /// The same with more in its query, which stands there as it is given, after `?` or after `&`.
    ///
    /// # Errors
    /// When it does not fit on a request line.
    pub fn with_query(&self, more: &str) -> Result<Self, OriginError> {
        let path = self.path();
        self.at(match self.target.query() {
            Some(query) if !query.is_empty() => format!("{path}?{query}&{more}"),
            _ => format!("{path}?{more}"),
        })
    }

    /// What a reference found in the answer leads to; `None` if it is none that can be asked.
    pub fn join(&self, reference: &str) -> Option<Self> {
        Self::of(&self.url().join(reference).ok()?).ok()
    }

    /// Who is asked.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path; the query may hold secrets, and is left out.
    pub fn path(&self) -> &str {
        self.target.path()
    }

    pub(super) const fn target(&self) -> &PathAndQuery {
        &self.target
    }

    /// All of it as a URL.
    ///
    /// # Panics
    /// Never: it has been one.
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
