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
    static SPARE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// A block of nothing.
pub(super) fn take() -> Block {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(empty)
}

/// Sees to it that this thread has so many.
pub(super) fn provide(count: usize) {
    SPARE.with_borrow_mut(|spare| {
        let missing = count.saturating_sub(spare.len());
        spare.extend((0..missing).map(|_| empty()));
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
        let left = || SPARE.with_borrow(Vec::len);
        assert_eq!(left(), 3);
        for wanted in [2, 1, 0, 0] {
            assert!(take().iter().all(|it| *it == 0));
            assert_eq!(left(), wanted);
        }
    }
}
