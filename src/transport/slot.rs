//! A slot in the connection limit of a pool.

use std::rc::Rc;

use tokio::sync::OwnedSemaphorePermit;

use super::pool::Pool;

/// A slot in the connection limit of a pool, held from before the dial until the connection is idle or closed.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) pool: Rc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Slot {
    pub(super) fn take(pool: &Rc<Pool>, permit: Option<OwnedSemaphorePermit>) -> Self {
        pool.in_use.set(pool.in_use.get() + 1);
        Self {
            pool: Rc::clone(pool),
            permit,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.in_use.set(self.pool.in_use.get() - 1);
        drop(self.permit.take());
    }
}
