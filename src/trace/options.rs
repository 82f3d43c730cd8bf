//! What every trace is made with, wherever its requests are from.

use std::time::Duration;

use super::convert::Converter;
use super::key::Key;
use super::sessions::Sessions;
use super::sorter::Sorter;
use super::summary::{Naming, Summary};

/// What every trace is made with.
#[derive(Debug)]
pub struct TraceOptions {
    /// The key of pseudonyms.
    pub key: Key,
    /// Whether names are kept beside their pseudonyms.
    pub keep_names: bool,
    /// The pause that ends a session, in whole seconds.
    pub session_gap: Duration,
}

impl TraceOptions {
    /// Makes requests of entries, whose names go to the sorter if they are kept.
    pub(super) fn converter<'a>(&'a self, sorter: &'a mut Sorter) -> Converter<'a> {
        Converter {
            key: &self.key,
            names: self.keep_names.then(|| sorter.names()),
        }
    }

    /// The summary of a trace with these sessions, which says nothing yet of what it is made of.
    pub(super) fn summary(&self, sessions: &Sessions) -> Summary {
        let naming = if self.keep_names {
            Naming::Kept
        } else {
            Naming::Pseudonyms {
                key: self.key.fingerprint().to_owned(),
            }
        };
        Summary {
            sessions: sessions.count(),
            sessions_cut: sessions.cut,
            ..Summary::new(naming, self.session_gap)
        }
    }
}
