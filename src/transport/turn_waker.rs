//! A waker for a task that polls both halves of a connection: it drops wakes that the task causes itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

/// A waker for the two halves of a connection that one task polls in one turn: the work, which hands over a request and waits
/// for the response, and the connection, which writes and reads.
///
/// The halves wake each other: handing over a request wakes the half that writes it, and reading the response wakes the
/// work. The turn polls both anyway, and each such wake would cost the task another turn with nothing to do. Wakes within a
/// turn are therefore only noted. Wakes of the event loop arrive between turns, because it runs on the same thread; nothing
/// else has this waker.
pub(super) struct TurnWaker {
    state: Arc<WakeState>,
    waker: Waker, // sets the state
}

/// The wakes that a [`TurnWaker`] has seen.
#[derive(Debug)]
pub(super) struct WakeState {
    task: AtomicWaker,
    polled: AtomicU8,  // what is being polled: one of the three below
    woken: AtomicBool, // within the turn
    heard: AtomicBool, // since it was cleared, from the connection or from outside
}

const NOBODY: u8 = 0;
const WORK: u8 = 1;
const CONNECTION: u8 = 2;

impl WakeState {
    /// Forgets earlier wakes: from here on the connection waits for the event loop.
    pub(super) fn clear(&self) {
        self.heard.store(false, Ordering::Release);
    }

    /// Returns `true` if nothing but the work has woken the task since [`WakeState::clear`].
    pub(super) fn is_quiet(&self) -> bool {
        !self.heard.load(Ordering::Acquire)
    }
}

impl Wake for WakeState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let polled = self.polled.load(Ordering::Acquire);
        if polled != WORK {
            self.heard.store(true, Ordering::Release);
        }
        if polled == NOBODY {
            self.task.wake();
        } else {
            self.woken.store(true, Ordering::Release);
        }
    }
}

impl TurnWaker {
    pub(super) fn new() -> Self {
        let state = Arc::new(WakeState {
            task: AtomicWaker::new(),
            polled: AtomicU8::new(NOBODY),
            woken: AtomicBool::new(false),
            heard: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&state));
        Self { state, waker }
    }

    /// Returns the shared state.
    pub(super) fn state(&self) -> Arc<WakeState> {
        Arc::clone(&self.state)
    }

    /// Starts a turn of the task that polls the connection.
    pub(super) fn enter(&self, context: &Context<'_>) -> Turn<'_> {
        self.state.task.register(context.waker());
        self.state.woken.store(false, Ordering::Release);
        Turn(self)
    }

    /// Runs a part of the work outside a turn. The next turn handles what it wakes.
    pub(super) fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        self.polling(WORK, work)
    }

    /// Returns a context to poll the connection between turns, while no task waits for it.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    fn polling<T>(&self, polled: u8, poll: impl FnOnce() -> T) -> T {
        self.state.polled.store(polled, Ordering::Release);
        let polled = poll();
        self.state.polled.store(NOBODY, Ordering::Release);
        polled
    }
}

/// One turn of the task.
pub(super) struct Turn<'a>(&'a TurnWaker);

impl Turn<'_> {
    /// Polls the work.
    pub(super) fn work<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.0.polling(WORK, || poll(&mut self.0.context()))
    }

    /// Polls the connection, which handles all wakes so far.
    pub(super) fn connection<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.0.state.woken.store(false, Ordering::Release);
        self.0.polling(CONNECTION, || poll(&mut self.0.context()))
    }

    /// Ends the turn, and wakes the task for another one if a half was woken after its last poll.
    pub(super) fn end(self, context: &Context<'_>) {
        if self.0.state.woken.load(Ordering::Acquire) {
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

    fn wake(context: &mut Context<'_>) {
        context.waker().wake_by_ref();
    }

    #[test]
    fn only_what_is_left_undone_in_a_turn_wakes_the_task() {
        let count = Arc::new(Count::default());
        let task = Waker::from(Arc::clone(&count));
        let context = Context::from_waker(&task);
        let waker = TurnWaker::new();
        let woken = || count.0.load(Ordering::Relaxed);

        // The connection is polled after it, ...
        let turn = waker.enter(&context);
        turn.work(wake);
        turn.connection(|_| ());
        turn.end(&context);
        assert_eq!(woken(), 0);

        // ... or before.
        let turn = waker.enter(&context);
        turn.connection(|_| ());
        turn.work(wake);
        turn.end(&context);
        assert_eq!(woken(), 1);

        // What was woken and then done.
        let kept = waker.context().waker().clone();
        let turn = waker.enter(&context);
        turn.connection(|_| kept.wake_by_ref());
        assert_eq!(woken(), 1);

        // Outside a turn.
        kept.wake_by_ref();
        assert_eq!(woken(), 2);
        // Once for each turn, as the task asks each time.
        kept.wake_by_ref();
        assert_eq!(woken(), 2);
        // What the next turn sees to.
        let _turn = waker.enter(&context);
        waker.work(|| kept.wake_by_ref());
        assert_eq!(woken(), 2);
    }

    #[test]
    fn it_is_silent_until_somebody_else_than_the_work_rings() {
        let task = Waker::from(Arc::<Count>::default());
        let context = Context::from_waker(&task);
        let waker = TurnWaker::new();
        let state = waker.state();
        let turn = waker.enter(&context);
        turn.work(wake);
        waker.work(|| wake(&mut waker.context()));
        assert!(state.is_quiet());
        turn.connection(wake);
        assert!(!state.is_quiet());
        state.clear();
        assert!(state.is_quiet());
        wake(&mut waker.context());
        assert!(!state.is_quiet());
    }
}
