//! The HTTP version of origins without an HTTP/2 connection: still being dialled, or known to be HTTP/1.1.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::Notify;

use super::origin::Origin;

/// A peer that redirects to ever new hosts must not fill memory.
const MOST: usize = 64;

/// The origins and what is known of each.
#[derive(Debug, Default)]
pub(super) struct OriginProtocols(RefCell<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    origin: Origin,
    known: Known,
}

/// What is known of an origin.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// An exchange is dialling it, and notifies the exchanges that wait for the outcome.
    Dialling(Rc<Notify>),
    /// It chose HTTP/1.1.
    Http1,
}

/// A dial that other exchanges wait for. Dropping it lets them dial themselves.
#[derive(Debug)]
pub(super) struct Dialling<'a> {
    protocols: &'a OriginProtocols,
    origin: &'a Origin,
}

impl OriginProtocols {
    pub(super) fn of(&self, origin: &Origin) -> Option<Known> {
        let all = self.0.borrow();
        let found = all.iter().find(|it| it.origin == *origin);
        found.map(|it| it.known.clone())
    }

    /// Announces a dial. Call it only while nothing is known of the origin.
    pub(super) fn dial<'a>(&'a self, origin: &'a Origin) -> Dialling<'a> {
        self.0.borrow_mut().push(Entry {
            origin: origin.clone(),
            known: Known::Dialling(Rc::default()),
        });
        Dialling {
            protocols: self,
            origin,
        }
    }

    /// Forgets what was found. Dials under way go on.
    pub(super) fn clear(&self) {
        let is_open = |it: &Entry| matches!(it.known, Known::Dialling(_));
        self.0.borrow_mut().retain(is_open);
    }
}

impl Dialling<'_> {
    /// Records that the origin speaks HTTP/1.1.
    pub(super) fn found_http1(&self) {
        let mut all = self.protocols.0.borrow_mut();
        if all.len() < MOST {
            // Behind the entry of the dial, which is gone with it.
            all.push(Entry {
                origin: self.origin.clone(),
                known: Known::Http1,
            });
        }
    }
}

impl Drop for Dialling<'_> {
    fn drop(&mut self) {
        let mut all = self.protocols.0.borrow_mut();
        all.retain(|it| match &it.known {
            Known::Dialling(told) if it.origin == *self.origin => {
                told.notify_waiters();
                false
            }
            _ => true,
        });
    }
}
