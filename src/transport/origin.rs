//! Who is spoken to: scheme, host and port.

use std::fmt;

use url::{Host, Url};

use crate::units::Endpoint;

/// A scheme, a host and a port: what a connection leads to, and the border that credentials do not cross.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    endpoint: Endpoint,
}

/// Why a URL leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// A scheme that is not spoken here.
    #[error("`{0}://` is not supported; regstorm speaks http:// and https://")]
    Scheme(String),
    /// A URL without a host.
    #[error("the URL names no host")]
    NoHost,
}

impl Origin {
    /// The origin of a URL.
    ///
    /// # Errors
    /// When the scheme is neither `http` nor `https`, or there is no host.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(OriginError::Scheme(other.to_owned())),
        };
        Ok(Self {
            secure,
            endpoint: Endpoint {
                host: url.host().ok_or(OriginError::NoHost)?.to_owned(),
                port: url.port_or_known_default().ok_or(OriginError::NoHost)?,
            },
        })
    }

    /// Is it spoken to within TLS?
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host and port.
    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The host, a name or an address.
    pub const fn host(&self) -> &Host<String> {
        &self.endpoint.host
    }

    /// The TCP port.
    pub const fn port(&self) -> u16 {
        self.endpoint.port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.endpoint, f)
    }
}
