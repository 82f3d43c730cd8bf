//! What went wrong with an HTTP proxy.

use std::fmt;
use std::io;

use http::StatusCode;

/// Why a proxy gave no connection.
#[derive(Debug)]
pub enum ProxyProblem {
    /// Its name has no address.
    Unresolved(io::Error),
    /// There is no connection to it.
    Unreachable(io::Error),
    /// It responded with that status in place of a tunnel, or with 407 to a request that it should have forwarded.
    Refused {
        /// The status.
        status: StatusCode,
        /// Whether it was sent a user and a password.
        has_user: bool,
    },
    /// The connection ended before its response.
    Closed(Option<io::Error>),
    /// What it sent is not the head of an HTTP/1.1 response, or is longer than 16 KiB.
    NotHttp,
}

impl ProxyProblem {
    /// Returns `true` if the name of the proxy has no address.
    pub const fn is_unresolved(&self) -> bool {
        matches!(self, Self::Unresolved(_))
    }
}

impl fmt::Display for ProxyProblem {
    /// Completes "the proxy HOST:PORT ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PROXY: StatusCode = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        match self {
            Self::Unresolved(source) => write!(f, "cannot be resolved: {source}"),
            Self::Unreachable(source) => write!(f, "cannot be reached: {source}"),
            Self::Closed(None) => f.write_str("closed the connection in place of a tunnel"),
            Self::Closed(Some(source)) => write!(f, "gave no tunnel: {source}"),
            Self::NotHttp => f.write_str("gave no tunnel: its response is not HTTP/1.1"),
            Self::Refused { status, has_user } => {
                write!(f, "refused the connection with status {status}")?;
                match (*status, has_user) {
                    (PROXY, true) => f.write_str(": check its user and password"),
                    (PROXY, false) => f.write_str(
                        ": it wants a user and a password, http://${PROXY_USER}:${PROXY_PASSWORD}@HOST:PORT",
                    ),
                    _ => Ok(()),
                }
            }
        }
    }
}
