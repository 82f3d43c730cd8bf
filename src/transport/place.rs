//! A place in the limit on a pool's connections.

use std::rc::Rc;

use tokio::sync::OwnedSemaphorePermit;

use super::pool::Pool;

/// A place in the pool's limit, taken from before the dial until the connection is free or closed.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) pool: Rc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    pub(super) fn take(pool: &Rc<Pool>, permit: Option<OwnedSemaphorePermit>) -> Self {
        pool.in_use.set(pool.in_use.get() + 1);
        Self {
            pool: Rc::clone(pool),
            permit,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.in_use.set(self.pool.in_use.get() - 1);
        drop(self.permit.take());
    }
}
