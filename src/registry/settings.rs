//! The settings of a client, the same for all clients of a worker.

use std::fmt;
use std::time::Duration;

use http::header::HeaderMap;

use super::headers::Headers;
use super::location::Base;
use super::seen::Seen;
use crate::profile::Habits;
use crate::units::Credentials;

/// The settings of a client.
pub struct Settings {
    /// The registry's base URL.
    pub base: Base,
    /// Headers of every request to the registry. Token services and redirect targets elsewhere do not get them.
    pub headers: HeaderMap,
    /// The credentials for challenges.
    pub credentials: Option<Credentials>,
    /// Whether credentials and headers may go from https to http: to a token service, or to the same host.
    pub cleartext: bool,
    /// The longest silence of an exchange: how long it may wait for a connection, and then for a byte to move. A long body
    /// that moves has no limit here.
    pub timeout: Duration,
    habits: Habits,
    pub(super) wire: Headers, // of the habits
    seen: Seen,               // by all clients with these settings
}

impl Settings {
    /// Makes the settings of a client with these habits, without credentials and without additional headers.
    ///
    /// `timeout` is the longest silence of an exchange.
    pub fn new(base: Base, habits: Habits, timeout: Duration) -> Self {
        Self {
            base,
            headers: HeaderMap::new(),
            credentials: None,
            cleartext: false,
            timeout,
            wire: Headers::of(&habits.wire),
            habits,
            seen: Seen::default(),
        }
    }

    /// The habits of the emulated client.
    pub const fn habits(&self) -> &Habits {
        &self.habits
    }

    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl fmt::Debug for Settings {
    /// Shows only the names of headers: any value may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("credentials", &self.credentials)
            .field("cleartext", &self.cleartext)
            .field("timeout", &self.timeout)
            .field("habits", &self.habits)
            .finish_non_exhaustive()
    }
}
