//! Where shards meet, and what they know of each other.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::transport::{SecureClient, SecureServer};
use crate::units::Secret;

/// Where shards meet. `T` is TLS as the host or as a guest speaks it.
#[derive(Debug, Clone)]
pub struct Settings<T> {
    /// The address of the host, `HOST:PORT`: the first shard listens there, the others connect to it.
    pub address: String,
    /// What all shards of a run know and nobody else does.
    pub token: Token,
    /// How long a shard waits for the others before the load.
    pub timeout: Duration,
    /// TLS; without it what they say is not encrypted.
    pub tls: Option<T>,
}

/// Where the first shard listens.
pub type HostSettings = Settings<SecureServer>;

/// Where the others go.
pub type GuestSettings = Settings<SecureClient>;

/// A shared secret; empty where there is none, which is for one machine only.
#[derive(Clone, Default)]
pub struct Token(Option<Secret>);

impl Token {
    /// A token of at least [`Token::LEAST`] bytes.
    ///
    /// # Errors
    /// When it is shorter: it could be guessed.
    pub fn new(secret: Secret) -> Result<Self, usize> {
        let length = secret.expose().len();
        if length < Self::LEAST {
            return Err(length);
        }
        Ok(Self(Some(secret)))
    }

    /// The least bytes of a token.
    pub const LEAST: usize = 16;

    /// Returns `true` if there is none.
    pub const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |it| it.expose().as_bytes())
    }
}

/// Never shows the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() {
            "no token"
        } else {
            "a token"
        })
    }
}

/// Whether a host may listen there with this token: without one only this machine may meet.
pub(super) fn may_listen(address: SocketAddr, token: &Token) -> bool {
    !token.is_none() || address.ip().is_loopback()
}
