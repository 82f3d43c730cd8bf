//! What a client needs to know of its registry, the same for all clients of a worker.

use std::fmt;
use std::time::Duration;

use http::header::HeaderMap;

use super::headers::Headers;
use super::location::Base;
use super::seen::Seen;
use crate::profile::Habits;
use crate::units::Credentials;

/// What a client needs to know of its registry.
pub struct Settings {
    /// Where the registry is.
    pub base: Base,
    /// Headers of every request to the registry; not sent to token services and redirect targets elsewhere.
    pub headers: HeaderMap,
    /// What to answer a challenge with.
    pub credentials: Option<Credentials>,
    /// Whether credentials and headers may go from https to http: to a token service, or to the same host.
    pub cleartext: bool,
    /// The longest that one exchange may take, from waiting for a connection to the end of the body.
    pub timeout: Duration,
    habits: Habits,
    pub(super) wire: Headers, // of those habits
    seen: Seen,               // by any client with these settings
}

impl Settings {
    /// What a client needs to know that emulates one with these habits: nobody's credentials, and no headers of its own.
    ///
    /// `timeout` is the longest that one exchange may take.
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

    /// The client that is emulated.
    pub const fn habits(&self) -> &Habits {
        &self.habits
    }

    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl fmt::Debug for Settings {
    /// Of the headers only the names: any of them may be a key.
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
