//! An upload session while one request writes to it.

use std::rc::Rc;

use crate::oci::RepositoryName;

use super::blob::Spool;
use super::site::Site;
use super::upload_session::{Progress, Session, Unavailable};

/// A session in the hands of one request. Dropped, it goes back with what it has got: a client that broke off
/// may ask for the offset and go on.
#[derive(Debug)]
pub(super) struct Writing {
    site: Rc<Site>,
    id: u128,
    size_before: u64,
    session: Option<Session>,
}

impl Writing {
    /// Takes a session that no other request has, if the state is the last one given out.
    pub(super) fn begin(
        site: &Rc<Site>,
        id: u128,
        repository: &RepositoryName,
        state: Option<u64>,
    ) -> Result<Self, Unavailable> {
        let session = site.uploads.borrow_mut().take(id, repository, state)?;
        Ok(Self {
            site: Rc::clone(site),
            id,
            size_before: session.spool.size(),
            session: Some(session),
        })
    }

    pub(super) fn session(&mut self) -> &mut Session {
        self.session
            .as_mut()
            .expect("only `commit` takes the session, and it takes `self` too")
    }

    pub(super) fn progress(&mut self) -> Progress {
        let id = self.id;
        self.session().progress(id)
    }

    /// Gives the session back under a new state.
    pub(super) fn suspend(mut self) -> Progress {
        let state = self.site.draw_state();
        self.session().state = state;
        self.size_before = self.session().spool.size();
        self.progress()
    }

    /// Ends the session and hands out its content.
    pub(super) fn commit(mut self) -> Spool {
        self.site.uploads.borrow_mut().remove(self.id);
        self.session
            .take()
            .expect("only `commit` takes the session, and it takes `self` too")
            .spool
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take() {
            if session.spool.size() != self.size_before {
                session.state = self.site.draw_state();
            }
            self.site.uploads.borrow_mut().put_back(self.id, session);
        }
    }
}
