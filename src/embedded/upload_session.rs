//! Open uploads: a session per blob, a state that changes with every chunk, and an end for those that are left behind.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::oci::RepositoryName;

use super::blob::Spool;

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
    /// `true` if the last chunk was shorter than the registry's minimum: then none may follow.
    pub(super) short: bool,
    touched: Instant,
}

/// Why a session cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unavailable {
    /// There is no such session in this repository.
    Unknown,
    /// The state is not the one of the last response, or another request is writing.
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

    /// Forgets every session that was not used for the idle time.
    pub(super) fn forget_idle(&mut self) {
        let now = Instant::now();
        let idle = self.idle;
        self.slots.retain(|_, slot| {
            slot.session
                .as_ref()
                .is_none_or(|session| now.duration_since(session.touched) < idle)
        });
    }

    /// Takes a session out, if it is there and the state is the last one given out.
    pub(super) fn take(
        &mut self,
        id: u128,
        repository: &RepositoryName,
        state: Option<u64>,
    ) -> Result<Session, Unavailable> {
        let slot = self.slot(id, repository)?;
        let taken = slot.session.take_if(|it| Some(it.state) == state);
        taken.ok_or(Unavailable::Stale)
    }

    /// Puts a session back; one that was cancelled meanwhile is dropped.
    pub(super) fn put_back(&mut self, id: u128, mut session: Session) {
        session.touched = Instant::now();
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.session = Some(session);
        }
    }

    /// Ends a session that a request has taken.
    pub(super) fn remove(&mut self, id: u128) {
        self.slots.remove(&id);
    }

    fn slot(&mut self, id: u128, repository: &RepositoryName) -> Result<&mut Slot, Unavailable> {
        self.slots
            .get_mut(&id)
            .filter(|slot| slot.repository == *repository)
            .ok_or(Unavailable::Unknown)
    }

    /// Returns how far a session came.
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
    pub(super) const fn progress(&self, id: u128) -> Progress {
        Progress {
            id,
            state: self.state,
            size: self.spool.size(),
        }
    }
}
