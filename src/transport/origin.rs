//! Who is spoken to: scheme, host and port.

use std::fmt;

use url::{Host, Url};

/// A scheme, a host and a port: what a connection leads to, and the border that credentials do not cross.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    host: Host<String>,
    port: u16,
}

/// Why a URL leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// A scheme that is not spoken here.
    #[error("`{0}://` is not supported; regstorm speaks plain http:// so far")]
    Scheme(String),
    /// A URL without a host.
    #[error("the URL names no host")]
    NoHost,
}

impl Origin {
    /// The origin of a URL.
    ///
    /// # Errors
    /// When the scheme is not `http`, or there is no host.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        if url.scheme() != "http" {
            return Err(OriginError::Scheme(url.scheme().to_owned()));
        }
        Ok(Self {
            host: url.host().ok_or(OriginError::NoHost)?.to_owned(),
            port: url.port_or_known_default().ok_or(OriginError::NoHost)?,
        })
    }

    /// The host, a name or an address.
    pub const fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The TCP port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
