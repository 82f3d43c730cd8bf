//! Replay fidelity: what a client sends to docker-registry against recordings of the real ones.
//!
//! `recordings/` holds what real clients sent, `recorder` writes such recordings, and `compare` tells what differs.
//! `real` runs the real clients that are here against their recordings, so that the comparison itself is proven;
//! `cases` runs regstorm.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

mod aligned;
mod cases;
pub(crate) mod compare;
mod differences;
pub(crate) mod fixture;
mod formulas;
pub(crate) mod lines;
mod order;
mod real;
pub(crate) mod recorder;
mod rows;
mod scene;
pub(crate) mod trace;

/// Does the work for each item, four at a time, because most of it is waiting for programs to start. Names all that failed;
/// what was wrong with each is on the screen.
fn side_by_side<T: Sync>(
    items: &[T],
    name: impl Fn(&T) -> &'static str + Sync,
    work: impl Fn(&T) + Sync,
) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(AssertUnwindSafe(|| work(item))).is_err() {
                        failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(name(item));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "{failed:#?}");
}
