//! Wakes a task for what happens outside its own turn, and not for what it does itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A waker for the two halves of a connection that one task polls in one turn: the work, which hands over a request and waits
/// for its answer, and the connection, which writes and reads.
///
/// The halves wake each other: whoever hands over a request wakes the half that writes it, which wakes whoever waits for
/// the answer. Both are polled in that turn anyway, and each such wake would cost the task another turn, in which there
/// is nothing to do. So wakes within a turn are only noted. Those of the event loop come between turns, since it runs on the
/// same thread; nobody else has this waker.
pub(super) struct Gate {
    bell: Arc<Bell>,
    waker: Waker, // rings the bell
}

/// What a [`Gate`] hears of.
#[derive(Debug)]
pub(super) struct Bell {
    task: AtomicWaker,
    mover: AtomicU8,   // whoever is being polled: one of the three below
    rung: AtomicBool,  // within the turn
    heard: AtomicBool, // since it was hushed, from the connection or from outside
}

const NOBODY: u8 = 0;
const WORK: u8 = 1;
const CONNECTION: u8 = 2;

impl Bell {
    /// From here on the connection waits for the event loop.
    pub(super) fn hush(&self) {
        self.heard.store(false, Ordering::Release);
    }

    /// Has the event loop had nothing to tell since then? What the work does is not of that kind.
    pub(super) fn is_silent(&self) -> bool {
        !self.heard.load(Ordering::Acquire)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mover = self.mover.load(Ordering::Acquire);
        if mover != WORK {
            self.heard.store(true, Ordering::Release);
        }
        if mover == NOBODY {
            self.task.wake();
        } else {
            self.rung.store(true, Ordering::Release);
        }
    }
}

impl Gate {
    pub(super) fn new() -> Self {
        let bell = Arc::new(Bell {
            task: AtomicWaker::new(),
            mover: AtomicU8::new(NOBODY),
            rung: AtomicBool::new(false),
            heard: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&bell));
        Self { bell, waker }
    }

    /// What it hears of.
    pub(super) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Begins a turn of that task.
    pub(super) fn enter(&self, context: &Context<'_>) -> Turn<'_> {
        self.bell.task.register(context.waker());
        self.bell.rung.store(false, Ordering::Release);
        Turn(self)
    }

    /// A part of the work outside a turn, where the next turn sees to what it wakes.
    pub(super) fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        self.as_mover(WORK, work)
    }

    /// What to poll the connection with between turns, when nobody waits for it.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    fn as_mover<T>(&self, mover: u8, poll: impl FnOnce() -> T) -> T {
        self.bell.mover.store(mover, Ordering::Release);
        let polled = poll();
        self.bell.mover.store(NOBODY, Ordering::Release);
        polled
    }
}

/// A turn.
pub(super) struct Turn<'a>(&'a Gate);

impl Turn<'_> {
    /// Polls the work.
    pub(super) fn work<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.0.as_mover(WORK, || poll(&mut self.0.context()))
    }

    /// Polls the connection, which sees to what has rung so far.
    pub(super) fn connection<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.0.bell.rung.store(false, Ordering::Release);
        self.0.as_mover(CONNECTION, || poll(&mut self.0.context()))
    }

    /// Ends a turn in which there is nothing more to do; the task has another one if that is not so.
    pub(super) fn end(self, context: &Context<'_>) {
        if self.0.bell.rung.load(Ordering::Acquire) {
            context.waker().wake_by_ref();
        }
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

    fn ring(context: &mut Context<'_>) {
        context.waker().wake_by_ref();
    }

    #[test]
    fn only_what_is_left_undone_in_a_turn_wakes_the_task() {
        let count = Arc::new(Count::default());
        let task = Waker::from(Arc::clone(&count));
        let context = Context::from_waker(&task);
        let gate = Gate::new();
        let woken = || count.0.load(Ordering::Relaxed);

        // The connection is polled after it, ...
        let turn = gate.enter(&context);
        turn.work(ring);
        turn.connection(|_| ());
        turn.end(&context);
        assert_eq!(woken(), 0);

        // ... or before.
        let turn = gate.enter(&context);
        turn.connection(|_| ());
        turn.work(ring);
        turn.end(&context);
        assert_eq!(woken(), 1);

        // What was woken and then done.
        let kept = gate.context().waker().clone();
        let turn = gate.enter(&context);
        turn.connection(|_| kept.wake_by_ref());
        assert_eq!(woken(), 1);

        // Outside a turn.
        kept.wake_by_ref();
        assert_eq!(woken(), 2);
        // Once for each turn, as the task asks each time.
        kept.wake_by_ref();
        assert_eq!(woken(), 2);
        // What the next turn sees to.
        let _turn = gate.enter(&context);
        gate.work(|| kept.wake_by_ref());
        assert_eq!(woken(), 2);
    }

    #[test]
    fn it_is_silent_until_somebody_else_than_the_work_rings() {
        let task = Waker::from(Arc::<Count>::default());
        let context = Context::from_waker(&task);
        let gate = Gate::new();
        let bell = gate.bell();
        let turn = gate.enter(&context);
        turn.work(ring);
        gate.work(|| ring(&mut gate.context()));
        assert!(bell.is_silent());
        turn.connection(ring);
        assert!(!bell.is_silent());
        bell.hush();
        assert!(bell.is_silent());
        ring(&mut gate.context());
        assert!(!bell.is_silent());
    }
}
