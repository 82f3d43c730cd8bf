//! Wakes a task for what happens outside its own turn, and not for what it does itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A waker for the two halves of a connection that one task polls in one turn.
///
/// The halves wake each other: whoever hands over a request wakes the half that writes it, which wakes whoever waits for
/// the answer. Both are polled in that turn anyway, and each such wake would cost the task another turn, in which there
/// is nothing to do. So wakes within a turn are only noted. Those of the event loop come between turns, since it runs on the
/// same thread; nobody else has this waker.
pub(super) struct Gate {
    bell: Arc<Bell>,
    waker: Waker, // rings the bell
}

struct Bell {
    task: AtomicWaker,
    in_turn: AtomicBool,
    rung: AtomicBool, // within the turn
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.in_turn.load(Ordering::Acquire) {
            self.rung.store(true, Ordering::Release);
        } else {
            self.task.wake();
        }
    }
}

impl Gate {
    pub(super) fn new() -> Self {
        let bell = Arc::new(Bell {
            task: AtomicWaker::new(),
            in_turn: AtomicBool::new(false),
            rung: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&bell));
        Self { bell, waker }
    }

    /// Begins a turn of that task.
    pub(super) fn enter(&self, context: &Context<'_>) -> Turn<'_> {
        self.bell.task.register(context.waker());
        self.bell.in_turn.store(true, Ordering::Release);
        self.bell.rung.store(false, Ordering::Release);
        Turn(self)
    }
}

/// A turn; it ends when this is dropped.
pub(super) struct Turn<'a>(&'a Gate);

impl<'a> Turn<'a> {
    /// What to poll with.
    pub(super) fn context(&self) -> Context<'a> {
        Context::from_waker(&self.0.waker)
    }

    /// What has rung so far has been seen to.
    pub(super) fn seen(&self) {
        self.0.bell.rung.store(false, Ordering::Release);
    }

    /// Ends a turn in which there is nothing more to do; the task has another one if that is not so.
    pub(super) fn end(self, context: &Context<'_>) {
        if self.0.bell.rung.load(Ordering::Acquire) {
            context.waker().wake_by_ref();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.bell.in_turn.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_what_is_left_undone_in_a_turn_wakes_the_task() {
        let count = Arc::new(Count::default());
        let task = Waker::from(Arc::clone(&count));
        let context = Context::from_waker(&task);
        let gate = Gate::new();
        let woken = || count.0.load(Ordering::Relaxed);

        let turn = gate.enter(&context);
        turn.context().waker().wake_by_ref();
        turn.seen();
        turn.end(&context);
        assert_eq!(woken(), 0);

        let turn = gate.enter(&context);
        turn.context().waker().wake_by_ref();
        turn.end(&context);
        assert_eq!(woken(), 1);

        // What was woken and then done.
        let turn = gate.enter(&context);
        let kept = turn.context().waker().clone();
        kept.wake_by_ref();
        drop(turn);
        assert_eq!(woken(), 1);

        // Outside a turn.
        kept.wake_by_ref();
        assert_eq!(woken(), 2);
        // Once for each turn, as the task asks each time.
        kept.wake_by_ref();
        assert_eq!(woken(), 2);
    }
}
