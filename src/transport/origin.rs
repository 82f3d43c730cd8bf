//! The peer of a connection: scheme, host and port.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use http::uri::{Authority, Scheme};
use url::{Host, Position, Url};

use crate::units::Endpoint;

/// A scheme, a host and a port: the end of a connection, and the border that credentials do not cross. Cheap to
/// clone.
#[derive(Clone)]
pub struct Origin(Arc<Inner>);

struct Inner {
    secure: bool,
    endpoint: Endpoint,
    host_header: HeaderValue, // as it stands in a URL: without the port that goes without saying
    authority: Option<Authority>, // the same for HTTP/2; `None` if hyper would refuse it
}

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        self.secure == other.secure && self.endpoint == other.endpoint
    }
}

impl Eq for Inner {}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Origin {}

/// Why a URL cannot be requested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// An unsupported scheme.
    #[error("`{0}://` is not supported; regstorm speaks http:// and https://")]
    Scheme(String),
    /// A URL without a host.
    #[error("the URL names no host")]
    NoHost,
    /// A path or query that is invalid on a request line.
    #[error("the URL's path and query do not fit on a request line")]
    Target,
}

impl Origin {
    /// Returns the origin of a URL.
    ///
    /// # Errors
    /// Fails if the scheme is neither `http` nor `https`, or if there is no host.
    ///
    /// # Panics
    /// Never: a URL's host has only visible characters.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(OriginError::Scheme(other.to_owned())),
        };
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        Ok(Self(Arc::new(Inner {
            secure,
            endpoint: Endpoint {
                host: url.host().ok_or(OriginError::NoHost)?.to_owned(),
                port: url.port_or_known_default().ok_or(OriginError::NoHost)?,
            },
            host_header: HeaderValue::try_from(authority)
                .expect("a URL's host is made of visible characters"),
            authority: Authority::try_from(authority).ok(),
        })))
    }

    /// Returns `true` if connections to it use TLS.
    pub fn is_secure(&self) -> bool {
        self.0.secure
    }

    /// Returns `true` if the other origin is the same host without TLS and this one has TLS, whatever their ports.
    pub fn is_secure_form_of(&self, other: &Self) -> bool {
        self.is_secure() && !other.is_secure() && self.host() == other.host()
    }

    /// Host and port.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// The host, a name or an address.
    pub fn host(&self) -> &Host<String> {
        &self.0.endpoint.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.0.endpoint.port
    }

    pub(super) fn scheme(&self) -> Scheme {
        if self.is_secure() {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        }
    }

    /// The value of the header `Host`.
    pub fn host_header(&self) -> &HeaderValue {
        &self.0.host_header
    }

    /// The authority for HTTP/2.
    pub(super) fn authority(&self) -> Option<&Authority> {
        self.0.authority.as_ref()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.endpoint, f)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{self}", self.scheme())
    }
}
