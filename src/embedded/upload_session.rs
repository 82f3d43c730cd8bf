//! Open uploads: a session per blob, a state that changes with every chunk, and an end for those that are left behind.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::oci::RepositoryName;

use super::blob::Spool;
use super::site::Site;

/// The sessions, by id.
#[derive(Debug)]
pub(super) struct Uploads {
    slots: HashMap<u128, Slot>,
    limit: usize,
    idle: Duration,
}

/// A session, or the place of one that a request has in its hands.
#[derive(Debug)]
struct Slot {
    repository: RepositoryName,
    session: Option<Session>,
}

/// One upload.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) spool: Spool,
    /// Must come back with the next request; changes whenever the offset does.
    pub(super) state: u64,
    /// Was the last chunk shorter than the registry's minimum? Then none may follow.
    pub(super) short: bool,
    touched: Instant,
}

/// Why a session cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unavailable {
    /// There is no such session in this repository.
    Unknown,
    /// The state is not the one of the last answer, or another request is writing.
    Stale,
}

/// What a client may know of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) id: u128,
    pub(super) state: u64,
    /// Bytes received.
    pub(super) size: u64,
}

impl Uploads {
    pub(super) fn new(limit: usize, idle: Duration) -> Self {
        Self {
            slots: HashMap::new(),
            limit,
            idle,
        }
    }

    pub(super) fn open(&self) -> usize {
        self.slots.len()
    }

    /// Opens a session; `None` when there are too many.
    pub(super) fn start(
        &mut self,
        id: u128,
        state: u64,
        repository: RepositoryName,
        spool: Spool,
    ) -> Option<Progress> {
        if self.slots.len() >= self.limit {
            self.forget_idle();
            if self.slots.len() >= self.limit {
                return None;
            }
        }
        let session = Session {
            spool,
            state,
            short: false,
            touched: Instant::now(),
        };
        let progress = session.progress(id);
        self.slots.insert(
            id,
            Slot {
                repository,
                session: Some(session),
            },
        );
        Some(progress)
    }

    /// Forgets every session that nobody has touched for the idle time.
    pub(super) fn forget_idle(&mut self) {
        let now = Instant::now();
        let idle = self.idle;
        self.slots.retain(|_, slot| {
            slot.session
                .as_ref()
                .is_none_or(|session| now.duration_since(session.touched) < idle)
        });
    }

    fn slot(&mut self, id: u128, repository: &RepositoryName) -> Result<&mut Slot, Unavailable> {
        self.slots
            .get_mut(&id)
            .filter(|slot| slot.repository == *repository)
            .ok_or(Unavailable::Unknown)
    }

    /// How far a session came.
    pub(super) fn progress(
        &mut self,
        id: u128,
        repository: &RepositoryName,
    ) -> Result<Progress, Unavailable> {
        let session = self
            .slot(id, repository)?
            .session
            .as_mut()
            .ok_or(Unavailable::Stale)?;
        session.touched = Instant::now();
        Ok(session.progress(id))
    }

    /// Ends a session, also one that a request has in its hands: it finds no place to go back to.
    ///
    /// A client that breaks off in the middle of a chunk cancels at once, often before this side has noticed.
    pub(super) fn cancel(
        &mut self,
        id: u128,
        repository: &RepositoryName,
    ) -> Result<(), Unavailable> {
        self.slot(id, repository)?;
        self.slots.remove(&id);
        Ok(())
    }
}

impl Session {
    const fn progress(&self, id: u128) -> Progress {
        Progress {
            id,
            state: self.state,
            size: self.spool.size(),
        }
    }
}

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
        let mut uploads = site.uploads.borrow_mut();
        let slot = uploads.slot(id, repository)?;
        match &slot.session {
            Some(session) if Some(session.state) == state => {}
            _ => return Err(Unavailable::Stale),
        }
        let session = slot.session.take();
        Ok(Self {
            site: Rc::clone(site),
            id,
            size_before: session.as_ref().map_or(0, |session| session.spool.size()),
            session,
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
        self.site.uploads.borrow_mut().slots.remove(&self.id);
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
            session.touched = Instant::now();
            if let Some(slot) = self.site.uploads.borrow_mut().slots.get_mut(&self.id) {
                slot.session = Some(session);
            }
        }
    }
}

/// Forgets idle sessions from time to time, for as long as it runs.
pub(super) async fn sweep(site: Rc<Site>, uploads_idle: Duration) {
    let pause = (uploads_idle / 2).clamp(Duration::from_millis(10), Duration::from_mins(1));
    loop {
        tokio::time::sleep(pause).await;
        site.uploads.borrow_mut().forget_idle();
    }
}
