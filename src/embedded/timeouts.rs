//! How long a connection may hold a descriptor without a request, and which one gives way when descriptors run out.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has yet to send its first request, or has begun to send the head of the next.
    Head { since: Instant },
    /// Its last response is sent.
    Idle { since: Instant },
    /// So many of its requests are being served.
    Busy(u64),
}

/// What one connection does, and for how long.
#[derive(Debug)]
pub(super) struct Activity {
    state: Cell<State>,
    /// Over HTTP/2 what comes while nothing is asked for is no head, but pings and settings.
    multiplexed: Cell<bool>,
    over: Cell<Option<Over>>,
    waker: RefCell<Option<Waker>>,
}

/// How long connections may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) head: Duration,
    pub(super) idle: Duration,
}

/// Why a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// It has sent no whole head.
    Head,
    /// It has sent no request, or another connection needs its descriptor.
    Idle,
}

impl Activity {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            state: Cell::new(State::Head {
                since: Instant::now(),
            }),
            multiplexed: Cell::new(false),
            over: Cell::new(None),
            waker: RefCell::default(),
        })
    }

    pub(super) fn is_multiplexed(&self) {
        self.multiplexed.set(true);
    }

    /// Bytes came.
    pub(super) fn heard(&self) {
        if let State::Idle { .. } = self.state.get()
            && !self.multiplexed.get()
        {
            let since = Instant::now();
            self.state.set(State::Head { since });
        }
    }

    /// A request was read.
    pub(super) fn begins(&self) {
        let others = match self.state.get() {
            State::Busy(count) => count,
            _ => 0,
        };
        self.state.set(State::Busy(others + 1));
    }

    /// A request has come to its end.
    pub(super) fn ends(&self) {
        self.state.set(match self.state.get() {
            State::Busy(count @ 2..) => State::Busy(count - 1),
            _ => State::Idle {
                since: Instant::now(),
            },
        });
    }

    /// Waits until the connection has had its time.
    pub(super) async fn over(&self) -> Over {
        poll_fn(|cx| {
            if let Some(over) = self.over.get() {
                return Poll::Ready(over);
            }
            let mut waker = self.waker.borrow_mut();
            if !waker.as_ref().is_some_and(|it| it.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// Ends it.
    fn end(&self, over: Over) {
        self.over.set(Some(over));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Returns why it has had its time, if it has.
    fn overdue(&self, limits: Limits) -> Option<Over> {
        match self.state.get() {
            State::Head { since } if since.elapsed() >= limits.head => Some(Over::Head),
            State::Idle { since } if since.elapsed() >= limits.idle => Some(Over::Idle),
            _ => None,
        }
    }

    /// Returns since when it has had no request, or `None` while it has one.
    fn waits_since(&self) -> Option<Instant> {
        match self.state.get() {
            State::Head { since } | State::Idle { since } => Some(since),
            State::Busy(_) => None,
        }
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct OpenConnections(RefCell<BTreeMap<u64, Rc<Activity>>>);

impl OpenConnections {
    pub(super) fn add(&self, connection: u64, activity: &Rc<Activity>) {
        let mut all = self.0.borrow_mut();
        all.insert(connection, Rc::clone(activity));
    }

    pub(super) fn remove(&self, connection: u64) {
        self.0.borrow_mut().remove(&connection);
    }

    /// Ends the connection that has waited the longest. Returns `false` if every one is being served.
    pub(super) fn make_room(&self) -> bool {
        let mut all = self.0.borrow_mut();
        let waiting = all
            .iter()
            .filter_map(|(id, it)| Some((it.waits_since()?, *id)));
        let Some((_, longest)) = waiting.min() else {
            return false;
        };
        // It is not chosen twice while it goes.
        if let Some(activity) = all.remove(&longest) {
            activity.end(Over::Idle);
        }
        true
    }

    /// Ends the connections that have had their time.
    pub(super) fn sweep(&self, limits: Limits) {
        for activity in self.0.borrow().values() {
            if let Some(over) = activity.overdue(limits) {
                activity.end(over);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const LIMITS: Limits = Limits {
        head: Duration::from_secs(30),
        idle: Duration::from_mins(10),
    };

    /// After how many seconds a sweep ends it, if that is within an hour.
    async fn seconds(activity: &Rc<Activity>) -> Option<(Over, u64)> {
        let waiting = OpenConnections::default();
        waiting.add(0, activity);
        for second in 0..=3600 {
            waiting.sweep(LIMITS);
            let over = timeout(Duration::from_secs(1), activity.over()).await;
            if let Ok(over) = over {
                return Some((over, second));
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn heads_have_seconds_and_idle_connections_have_minutes() {
        assert_eq!(seconds(&Activity::new()).await, Some((Over::Head, 30)));
        let activity = Activity::new();
        activity.begins();
        assert_eq!(seconds(&activity).await, None, "it is being served");
        activity.begins();
        activity.ends();
        assert_eq!(seconds(&activity).await, None, "one more is");
        activity.ends();
        assert_eq!(seconds(&activity).await, Some((Over::Idle, 600)));
        // The first bytes of the next head. More of them do not put it off.
        let activity = Activity::new();
        activity.begins();
        activity.ends();
        activity.heard();
        sleep(Duration::from_secs(20)).await;
        activity.heard();
        assert_eq!(seconds(&activity).await, Some((Over::Head, 10)));
        // Over HTTP/2 it may be a ping.
        let activity = Activity::new();
        activity.is_multiplexed();
        activity.begins();
        activity.ends();
        activity.heard();
        assert_eq!(seconds(&activity).await, Some((Over::Idle, 600)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_longest_goes_first_and_who_is_served_stays() {
        let waiting = OpenConnections::default();
        assert!(!waiting.make_room());
        let mut all = Vec::new();
        for id in 0..3 {
            let activity = Activity::new();
            waiting.add(id, &activity);
            all.push(activity);
            sleep(Duration::from_secs(1)).await;
        }
        let gone = || all.iter().map(|it| it.over.get().is_some());
        all[0].begins();
        assert!(waiting.make_room());
        assert_eq!(gone().collect::<Vec<_>>(), [false, true, false]);
        assert!(waiting.make_room());
        assert!(!waiting.make_room(), "the last one is being served");
        all[0].ends();
        assert!(waiting.make_room());
        assert_eq!(gone().collect::<Vec<_>>(), [true; 3]);
        assert_eq!(all[0].over().await, Over::Idle);
    }
}
