//! The guests of a host: how far each has come, and how to wait for them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::clock::ClockBook;
use super::message::{Refusal, Report, Snapshot};

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
}

/// How far a guest has come.
#[derive(Debug)]
pub(super) enum State {
    /// It has not come yet, or has left before the load.
    Absent,
    Here,
    Ready,
    Ended(Box<Report>),
    /// Why nothing more is heard of it.
    Lost(String),
}

impl Peer {
    fn absent(epoch: Instant) -> Self {
        Self {
            state: State::Absent,
            clock: ClockBook::new(epoch),
            last: Snapshot::default(),
            connection: 0,
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
    peers: Mutex<BTreeMap<u32, Peer>>,
    changed: Condvar,
    turned_away: Mutex<TurnedAway>,
    pub(super) phase: watch::Sender<Phase>,
}

impl Book {
    /// The guests with these numbers, none of which is there.
    pub(super) fn of(indexes: impl Iterator<Item = u32>) -> Self {
        let epoch = Instant::now();
        Self {
            peers: Mutex::new(indexes.map(|index| (index, Peer::absent(epoch))).collect()),
            changed: Condvar::new(),
            turned_away: Mutex::default(),
            phase: watch::Sender::new(Phase::Gathering),
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

    /// Nothing more is heard on a connection.
    pub(super) fn leaves(&self, place: (u32, u64), why: String) {
        self.with(place, |peer| {
            if !matches!(peer.state, State::Ended(_)) {
                peer.state = State::Lost(why);
            }
        });
    }

    /// Takes a guest, or says why not. Before the load the newest connection counts.
    pub(super) fn enters(&self, index: u32, connection: u64) -> Result<(), Refusal> {
        let late = !matches!(*self.phase.borrow(), Phase::Gathering);
        let mut peers = self.peers();
        let Some(peer) = peers.get_mut(&index).filter(|_| !late) else {
            return Err(Refusal::TooLate);
        };
        peer.connection = connection;
        peer.state = State::Here;
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
