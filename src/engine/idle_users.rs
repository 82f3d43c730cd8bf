//! The idle users of an open load on one worker, and the arrivals that wait for one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use tokio::time::Instant;

/// An iteration that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Its number in the load's stream of arrivals.
    pub index: u64,
    /// When it is due.
    pub at: Instant,
    /// The stage of the load that it belongs to.
    pub stage: usize,
}

/// What became of an arrival that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// A user that was free has it and will start at once.
    Taken,
    /// It waits for a user.
    Queued,
    /// No user is free, and no more may wait.
    Refused,
}

/// Hands arrivals to users on one thread.
///
/// Of the users that are free, the one that was last busy comes first: then the connections in use are as many as
/// iterations run at once, whatever the number of users is, and the highest number of users that ever worked says
/// how many the load needs. Turns are refused: they would let every connection of a large load go idle for as
/// long as a registry waits before it closes one.
#[derive(Debug)]
pub struct IdleUsers {
    free: RefCell<Vec<usize>>,
    slots: Vec<Slot>,
    queue: RefCell<VecDeque<Due>>,
    limit: usize,
    over: Cell<bool>,
    /// The task that waits for the queue to be empty.
    emptied: RefCell<Option<Waker>>,
}

/// The place at which one user waits.
#[derive(Debug, Default)]
struct Slot {
    given: Cell<Option<Due>>,
    waker: RefCell<Option<Waker>>,
}

impl IdleUsers {
    /// Makes room for so many users, none of which waits yet; as many arrivals may wait for a user as `limit` says.
    pub fn new(users: usize, limit: usize) -> Rc<Self> {
        Rc::new(Self {
            free: RefCell::new(Vec::with_capacity(users)),
            slots: std::iter::repeat_with(Slot::default).take(users).collect(),
            queue: RefCell::default(),
            limit,
            over: Cell::new(false),
            emptied: RefCell::new(None),
        })
    }

    /// Gives an arrival to a user, or lets it wait.
    pub fn offer(&self, due: Due) -> Offered {
        if let Some(user) = self.free.borrow_mut().pop() {
            let slot = &self.slots[user];
            slot.given.set(Some(due));
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
            return Offered::Taken;
        }
        let mut queue = self.queue.borrow_mut();
        if queue.len() < self.limit {
            queue.push_back(due);
            Offered::Queued
        } else {
            Offered::Refused
        }
    }

    /// Waits for an arrival for the user at that slot; `None` when there will be no more.
    ///
    /// # Cancel safety
    /// None: a user that stops waiting still counts as free.
    ///
    /// # Panics
    /// When there are fewer slots.
    pub async fn next(&self, user: usize) -> Option<Due> {
        let waiting = self.queue.borrow_mut().pop_front();
        if let Some(due) = waiting {
            if self.queued() == 0
                && let Some(waker) = self.emptied.take()
            {
                waker.wake();
            }
            return Some(due);
        }
        if self.over.get() {
            return None;
        }
        let slot = &self.slots[user];
        self.free.borrow_mut().push(user);
        poll_fn(|context| {
            if let Some(due) = slot.given.take() {
                return Poll::Ready(Some(due));
            }
            if self.over.get() {
                return Poll::Ready(None);
            }
            slot.waker.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// Returns how many arrivals wait for a user.
    pub fn queued(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Waits until no arrival waits for a user. For one task at a time.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_empty(&self) {
        poll_fn(|context| {
            if self.queued() == 0 {
                return Poll::Ready(());
            }
            self.emptied.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Ends the arrivals: users take those that wait, and end.
    pub fn close(&self) {
        self.over.set(true);
        for slot in &self.slots {
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }

    /// Takes back the arrivals that still wait.
    pub fn drain(&self) -> Vec<Due> {
        self.queue.borrow_mut().drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(index: u64) -> Due {
        Due {
            index,
            at: Instant::now(),
            stage: 0,
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_user_last_busy_is_next_and_what_waits_is_taken_in_order() {
        let idle_users = IdleUsers::new(2, 2);
        assert_eq!(idle_users.offer(due(0)), Offered::Queued);
        assert_eq!(idle_users.offer(due(1)), Offered::Queued);
        assert_eq!(idle_users.offer(due(2)), Offered::Refused);
        assert_eq!(idle_users.next(0).await.unwrap().index, 0);
        assert_eq!(idle_users.next(1).await.unwrap().index, 1);
        // User 1 comes free before user 0.
        let (one, zero, ()) = tokio::join!(idle_users.next(1), idle_users.next(0), async {
            tokio::task::yield_now().await;
            assert_eq!(idle_users.offer(due(3)), Offered::Taken);
            assert_eq!(idle_users.offer(due(4)), Offered::Taken);
            assert_eq!(idle_users.offer(due(5)), Offered::Queued);
        });
        assert_eq!((zero.unwrap().index, one.unwrap().index), (3, 4));
        assert_eq!(idle_users.queued(), 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_waits_is_let_go_and_what_waits_is_still_done() {
        let idle_users = IdleUsers::new(1, 5);
        idle_users.offer(due(7));
        idle_users.close();
        assert_eq!(idle_users.next(0).await.unwrap().index, 7);
        assert!(idle_users.next(0).await.is_none());
        let idle_users = IdleUsers::new(1, 0);
        let (none, ()) = tokio::join!(idle_users.next(0), async {
            tokio::task::yield_now().await;
            idle_users.close();
        });
        assert!(none.is_none());
    }
}
