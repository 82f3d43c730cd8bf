//! The guests of a host: how far each has come, and how to wait for them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::clock::ClockBook;
use super::message::{Refusal, Report, Snapshot};
use crate::engine::Stop;

/// How far the host has come: what guests are told follows from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    Gathering,
    Prepared,
    /// The load starts then.
    Started(Instant),
    Draining,
    Aborting,
    /// There will be no load.
    Over(String),
}

/// What is known of one guest.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) state: State,
    pub(super) clock: ClockBook,
    pub(super) last: Snapshot,
    /// Which of its connections is the one that counts.
    pub(super) connection: u64,
    /// The machine, as it says.
    pub(super) host: Option<String>,
    /// Whether it was told that it is lost or stopped.
    pub(super) is_told: bool,
}

/// How far a guest has come.
#[derive(Debug)]
pub(super) enum State {
    /// It has not come yet, or has left before the load.
    Absent,
    Here,
    Ready,
    Ended(Box<Report>),
    /// Nothing more is heard of it.
    Lost {
        why: String,
        /// When it was given up. It may not know that yet.
        at: Instant,
    },
}

impl Peer {
    /// Whether it can be told when to start: it is ready, and its clock is known. One that came last may be ready first.
    pub(super) fn can_start(&self) -> bool {
        matches!(self.state, State::Ready) && self.clock.theirs(Instant::now()).is_some()
    }

    fn absent(epoch: Instant) -> Self {
        Self {
            state: State::Absent,
            clock: ClockBook::new(epoch),
            last: Snapshot::default(),
            connection: 0,
            host: None,
            is_told: false,
        }
    }
}

/// Who was not taken and why, each once, however often it tries.
#[derive(Debug, Default)]
struct TurnedAway {
    known: BTreeSet<(IpAddr, String)>,
    untold: Vec<(IpAddr, String)>,
}

/// The most of these; of more there is nothing new to say.
const MOST_TURNED_AWAY: usize = 32;

/// The guests of a host, and how to wait for them.
#[derive(Debug)]
pub(super) struct Book {
    epoch: Instant,
    peers: Mutex<BTreeMap<u32, Peer>>,
    changed: Condvar,
    turned_away: Mutex<TurnedAway>,
    pub(super) phase: watch::Sender<Phase>,
    /// Ends what the host does while it prepares the target, once a shard is lost that had come.
    stop: Stop,
    /// Whether all have come: from then on the loss of one ends the run, or is counted.
    pub(super) is_complete: AtomicBool,
}

impl Book {
    /// The guests with these numbers, none of which is there.
    pub(super) fn of(indexes: impl Iterator<Item = u32>, stop: Stop) -> Self {
        let epoch = Instant::now();
        Self {
            epoch,
            peers: Mutex::new(indexes.map(|index| (index, Peer::absent(epoch))).collect()),
            changed: Condvar::new(),
            turned_away: Mutex::default(),
            phase: watch::Sender::new(Phase::Gathering),
            stop,
            is_complete: AtomicBool::new(false),
        }
    }

    pub(super) fn peers(&self) -> MutexGuard<'_, BTreeMap<u32, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes who was not taken, and why.
    pub(super) fn turn_away(&self, from: IpAddr, why: String) {
        let mut turned_away = self
            .turned_away
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let TurnedAway { known, untold } = &mut *turned_away;
        if known.len() < MOST_TURNED_AWAY && known.insert((from, why.clone())) {
            untold.push((from, why));
        }
    }

    /// Returns who was not taken since this was last asked.
    pub(super) fn turned_away(&self) -> Vec<(IpAddr, String)> {
        let mut turned_away = self
            .turned_away
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut turned_away.untold)
    }

    /// Changes what is known of a guest, if that connection is the one that counts.
    pub(super) fn with(&self, (index, connection): (u32, u64), change: impl FnOnce(&mut Peer)) {
        let mut peers = self.peers();
        if let Some(peer) = peers.get_mut(&index)
            && peer.connection == connection
        {
            change(peer);
        }
        drop(peers);
        self.changed.notify_all();
    }

    /// Returns what a guest's clock says at the start.
    pub(super) fn start(&self, (index, _): (u32, u64), at: Instant) -> Option<u64> {
        let mut peers = self.peers();
        let peer = peers.get_mut(&index)?;
        let theirs = peer.clock.theirs(at);
        peer.clock.start();
        theirs
    }

    /// Nothing more is heard on a connection. There is no load without a shard that had come: preparing one ends.
    pub(super) fn leaves(&self, place: (u32, u64), why: String) {
        self.with(place, |peer| {
            if matches!(peer.state, State::Ended(_)) {
                return;
            }
            let at = Instant::now();
            peer.state = State::Lost { why, at };
            let is_before = matches!(*self.phase.borrow(), Phase::Gathering);
            if is_before && self.is_complete.load(Ordering::SeqCst) {
                self.stop.drain();
            }
        });
    }

    /// Returns which shards have not come; if that is none, each of them has to stay from now on.
    pub(super) fn missing(&self) -> Vec<u32> {
        let peers = self.peers();
        let absent = peers.iter();
        let absent = absent.filter(|(_, it)| !matches!(it.state, State::Here));
        let missing: Vec<u32> = absent.map(|(index, _)| *index).collect();
        self.is_complete.store(missing.is_empty(), Ordering::SeqCst);
        missing
    }

    /// Takes a guest, or says why not. Before the load the newest connection counts.
    pub(super) fn enters(
        &self,
        (index, connection): (u32, u64),
        host: &str,
    ) -> Result<(), Refusal> {
        let late = !matches!(*self.phase.borrow(), Phase::Gathering);
        let mut peers = self.peers();
        let Some(peer) = peers.get_mut(&index).filter(|_| !late) else {
            return Err(Refusal::TooLate);
        };
        // Another process, with a clock of its own.
        *peer = Peer {
            state: State::Here,
            connection,
            host: Some(host).filter(|it| !it.is_empty()).map(str::to_owned),
            ..Peer::absent(self.epoch)
        };
        drop(peers);
        self.changed.notify_all();
        Ok(())
    }

    /// Whether a connection is still the one of its shard.
    pub(super) fn counts(&self, index: u32, connection: u64) -> bool {
        let peers = self.peers();
        peers
            .get(&index)
            .is_some_and(|it| it.connection == connection)
    }

    pub(super) fn wait_for<T>(
        &self,
        time: Duration,
        mut look: impl FnMut(&mut BTreeMap<u32, Peer>) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + time;
        let mut peers = self.peers();
        loop {
            if let Some(found) = look(&mut peers) {
                return Some(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(peers, left);
            peers = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_process_that_comes_again_has_a_clock_of_its_own() {
        let (_stopper, stop) = engine::stop();
        let book = Book::of(1..2, stop);
        let at = |millis: u32| book.epoch + millis * MS;
        book.enters((1, 1), "here").unwrap();
        book.with((1, 1), |it| it.clock.heard(at(10), at(11), 5_000_000));
        book.enters((1, 2), "here").unwrap();
        let theirs = || book.peers()[&1].clock.theirs(at(100));
        assert_eq!(theirs(), None);
        // What the older one still says is not of this clock.
        book.with((1, 1), |it| it.clock.heard(at(20), at(21), 15_000_000));
        book.with((1, 2), |it| it.clock.heard(at(30), at(34), 2_000_000));
        assert_eq!(theirs(), Some(70_000_000));
    }

    #[test]
    fn a_shard_that_leaves_ends_the_preparing_once_all_had_come() {
        let (_stopper, stop) = engine::stop();
        let book = Book::of(1..3, stop.clone());
        let leave = |place| book.leaves(place, "gone".to_owned());
        book.enters((1, 1), "here").unwrap();
        assert_eq!(book.missing(), [2]);
        leave((1, 1));
        assert_eq!(book.missing(), [1, 2]);
        book.enters((1, 2), "here").unwrap();
        book.enters((2, 3), "here").unwrap();
        assert!(book.missing().is_empty());
        // Not the one that counts.
        leave((1, 1));
        assert_eq!(stop.asked(), None);
        leave((1, 2));
        assert!(stop.asked().is_some());
        assert!(!stop.is_interrupted());
    }

    #[test]
    fn the_load_goes_on_without_a_shard() {
        let (_stopper, stop) = engine::stop();
        let book = Book::of(1..2, stop.clone());
        book.enters((1, 1), "here").unwrap();
        assert!(book.missing().is_empty());
        book.phase.send_replace(Phase::Started(Instant::now()));
        book.leaves((1, 1), "gone".to_owned());
        assert_eq!(stop.asked(), None);
        assert!(matches!(book.peers()[&1].state, State::Lost { .. }));
    }
}
