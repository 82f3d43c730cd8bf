//! Origins that may speak HTTP/2 and to which there is no such connection: who finds out, and what was found.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::Notify;

use super::origin::Origin;

/// A peer that redirects to ever new hosts must not fill memory.
const MOST: usize = 64;

/// What is known of such origins.
#[derive(Debug, Default)]
pub(super) struct Prospects(RefCell<Vec<Prospect>>);

#[derive(Debug)]
struct Prospect {
    origin: Origin,
    known: Known,
}

/// What is known of one.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// Somebody is finding out; they tell those who wait.
    Dialling(Rc<Notify>),
    /// It has chosen HTTP/1.1.
    Http1,
}

/// Somebody dials so that the others need not. Dropped, they may try themselves.
#[derive(Debug)]
pub(super) struct Dialling<'a> {
    prospects: &'a Prospects,
    origin: &'a Origin,
}

impl Prospects {
    pub(super) fn of(&self, origin: &Origin) -> Option<Known> {
        let all = self.0.borrow();
        let found = all.iter().find(|it| it.origin == *origin);
        found.map(|it| it.known.clone())
    }

    /// To be called when nothing is known of the origin.
    pub(super) fn dial<'a>(&'a self, origin: &'a Origin) -> Dialling<'a> {
        self.0.borrow_mut().push(Prospect {
            origin: origin.clone(),
            known: Known::Dialling(Rc::default()),
        });
        Dialling {
            prospects: self,
            origin,
        }
    }

    /// Forgets what was found; who is finding out goes on.
    pub(super) fn clear(&self) {
        let is_open = |it: &Prospect| matches!(it.known, Known::Dialling(_));
        self.0.borrow_mut().retain(is_open);
    }
}

impl Dialling<'_> {
    /// It speaks HTTP/1.1.
    pub(super) fn found_http1(&self) {
        let mut all = self.prospects.0.borrow_mut();
        if all.len() < MOST {
            // Behind the entry of the dial, which is gone with it.
            all.push(Prospect {
                origin: self.origin.clone(),
                known: Known::Http1,
            });
        }
    }
}

impl Drop for Dialling<'_> {
    fn drop(&mut self) {
        let mut all = self.prospects.0.borrow_mut();
        all.retain(|it| match &it.known {
            Known::Dialling(told) if it.origin == *self.origin => {
                told.notify_waiters();
                false
            }
            _ => true,
        });
    }
}
