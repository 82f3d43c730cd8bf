//! Blocks of counts that were made beforehand, so that recording a latency allocates nothing.
//!
//! Each thread has its own. A worker provides them where no latency is measured: before its load begins, and whenever it shows
//! its counts. A value that needs a block when there is none left allocates one, which costs a microsecond and no count.

use std::cell::RefCell;

/// So many blocks are more than the first latencies of most runs fill: 256 KiB.
pub(super) const ROOM: usize = 128;

/// So many counts stand in a block.
pub(super) const BLOCK: usize = 256;

pub(super) type Block = Box<[u64; BLOCK]>;

thread_local! {
    static POOL: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Takes an empty block, from the pool of this thread if there is one.
pub(super) fn take() -> Block {
    POOL.with_borrow_mut(Vec::pop).unwrap_or_else(empty)
}

/// Fills the pool of this thread up to so many blocks.
pub(super) fn provide(count: usize) {
    POOL.with_borrow_mut(|pool| {
        let missing = count.saturating_sub(pool.len());
        pool.extend((0..missing).map(|_| empty()));
    });
}

fn empty() -> Block {
    Box::new([0; BLOCK])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_provided_is_used_first_and_there_is_more() {
        provide(3);
        provide(2);
        let left = || POOL.with_borrow(Vec::len);
        assert_eq!(left(), 3);
        for wanted in [2, 1, 0, 0] {
            assert!(take().iter().all(|it| *it == 0));
            assert_eq!(left(), wanted);
        }
    }
}
