//! The side of the first shard: it listens, gathers the others, starts all at one instant, and receives what they measured.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::book::{Book, Peer, Phase, State};
use super::door::{Door, receive};
use super::host_error::HostError;
use super::listen::listen;
use super::message::{Identity, Snapshot};
use super::settings::{HostSettings, may_listen};
use crate::engine::Stop;
use crate::measure::{Live, Observed};

/// How often a wait looks for a signal to stop.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long guests have to make their users ready, once the target is prepared.
const READY: Duration = Duration::from_mins(1);

/// From the moment at which all are ready to the start, beside the time that the news takes.
const LEAD: Duration = Duration::from_millis(500);

/// Why a shard is lost that has a signal of its own.
const STOPPED: &str = "it was stopped";

/// What happens while the others come.
#[derive(Debug)]
pub enum Gathering {
    /// So many have not come yet.
    Missing(usize),
    /// One that came is not taken.
    TurnedAway {
        /// From where it came.
        from: IpAddr,
        /// Why.
        why: String,
    },
}

/// The meeting point. Dropped, it ends the meeting: guests that are still there are told.
#[derive(Debug)]
pub struct Host {
    pub(super) book: Arc<Book>,
    address: SocketAddr,
    timeout: Duration,
    leave: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Listens for the other shards of a run with that number. `tell` hears why that is not possible yet, once.
    ///
    /// # Errors
    /// When the address cannot be listened on, or would let strangers in, and when the run is stopped.
    pub fn open(
        settings: &HostSettings,
        (identity, run): (&Identity, u64),
        stop: &Stop,
        tell: &mut dyn FnMut(&io::Error),
    ) -> Result<Self, HostError> {
        let failed = |source| HostError::Listen {
            address: settings.address.clone(),
            source,
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let listener = runtime.block_on(listen(settings, stop, tell))?;
        let address = listener.local_addr().map_err(failed)?;
        if !may_listen(address, &settings.token) {
            return Err(HostError::Open { address });
        }
        let book = Arc::new(Book::of(1..identity.part.count, stop.clone()));
        let (leave, left) = oneshot::channel();
        let door = Arc::new(Door::new(&book, settings, (identity, run)));
        let thread = thread::Builder::new()
            .name("meeting".to_owned())
            .spawn(move || {
                runtime.block_on(receive(listener, door, left));
            })
            .map_err(failed)?;
        Ok(Self {
            book,
            address,
            timeout: settings.timeout,
            leave: Some(leave),
            thread: Some(thread),
        })
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until all other shards are there; `tell` hears how many are missing whenever that changes, and who was turned away.
    ///
    /// # Errors
    /// When some do not come in time, or the run is stopped.
    pub fn gather(&self, stop: &Stop, tell: &mut dyn FnMut(Gathering)) -> Result<(), HostError> {
        let deadline = Instant::now() + self.timeout;
        let mut told = None;
        loop {
            for (from, why) in self.book.turned_away() {
                tell(Gathering::TurnedAway { from, why });
            }
            let missing = self.book.missing();
            if told != Some(missing.len()) {
                told = Some(missing.len());
                tell(Gathering::Missing(missing.len()));
            }
            if missing.is_empty() {
                return Ok(());
            }
            if stop.asked().is_some() {
                return Err(self.over(HostError::Interrupted));
            }
            if Instant::now() >= deadline {
                return Err(self.over(HostError::Missing(missing)));
            }
            let _ = self.book.wait_for(LOOK_EVERY, |_| None::<()>);
        }
    }

    /// The target has the images. Who comes now is too late.
    ///
    /// # Errors
    /// When a shard was lost meanwhile.
    pub fn prepared(&self) -> Result<(), HostError> {
        if let Some(error) = self.lost() {
            return Err(self.over(error));
        }
        self.book.phase.send_replace(Phase::Prepared);
        Ok(())
    }

    /// Waits until all are ready, and returns the moment at which all start.
    ///
    /// # Errors
    /// When one is lost or not ready in time, and when the run is stopped.
    pub fn start(&self, stop: &Stop) -> Result<Instant, HostError> {
        let deadline = Instant::now() + READY;
        loop {
            if let Some(error) = self.lost() {
                return Err(self.over(error));
            }
            if stop.asked().is_some() {
                return Err(self.over(HostError::Interrupted));
            }
            let all = self.book.wait_for(LOOK_EVERY, |peers| {
                peers.values().all(Peer::can_start).then_some(())
            });
            if all.is_some() {
                break;
            }
            if Instant::now() >= deadline {
                let missing = {
                    let peers = self.book.peers();
                    let late = peers.iter().filter(|(_, it)| !it.can_start());
                    late.map(|(index, _)| *index).collect()
                };
                return Err(self.over(HostError::Missing(missing)));
            }
        }
        let longest = {
            let peers = self.book.peers();
            let trips = peers.values().map(|it| it.clock.error().round_trip_us);
            Duration::from_micros(trips.max().unwrap_or(0))
        };
        let start = Instant::now() + LEAD + 3 * longest;
        self.book.phase.send_replace(Phase::Started(start));
        Ok(start)
    }

    /// Adds what the others have counted to what this shard has.
    pub fn add_others(&self, live: &mut Live, observed: &mut [Observed]) {
        for peer in self.book.peers().values() {
            let Snapshot {
                live: theirs,
                observed: seen,
            } = &peer.last;
            live.merge(theirs);
            for (mine, theirs) in observed.iter_mut().zip(seen) {
                mine.merge(theirs);
            }
        }
    }

    /// Returns the shards that were lost or stopped since this was last asked, with the reason.
    pub fn losses(&self) -> Vec<(u32, String)> {
        let mut peers = self.book.peers();
        let new = peers.iter_mut().filter(|(_, it)| !it.is_told);
        let lost = new.filter_map(|(index, it)| {
            let why = match &it.state {
                State::Lost { why, .. } => why.clone(),
                State::Ended(report) if report.stopped_at.is_some() => STOPPED.to_owned(),
                _ => return None,
            };
            it.is_told = true;
            Some((*index, why))
        });
        lost.collect()
    }

    /// Lets all end early.
    pub fn drain(&self) {
        self.advance(&Phase::Draining);
    }

    /// Lets all drop what is under way.
    pub fn abort(&self) {
        self.advance(&Phase::Aborting);
    }

    fn advance(&self, to: &Phase) {
        self.book.phase.send_if_modified(|phase| {
            let rank = |it: &Phase| match it {
                Phase::Gathering => 0,
                Phase::Prepared => 1,
                Phase::Started(_) => 2,
                Phase::Draining => 3,
                Phase::Aborting => 4,
                Phase::Over(_) => 5,
            };
            let is_further = rank(to) > rank(phase);
            if is_further {
                *phase = to.clone();
            }
            is_further
        });
    }

    /// Returns the first shard that is lost, as the reason why there is no load.
    pub fn lost(&self) -> Option<HostError> {
        let peers = self.book.peers();
        peers.iter().find_map(|(index, it)| match &it.state {
            State::Lost { why, .. } => Some(HostError::Lost {
                index: *index,
                why: why.clone(),
            }),
            _ => None,
        })
    }

    /// There will be no load: the others are told why.
    fn over(&self, error: HostError) -> HostError {
        self.give_up(&error.to_string());
        error
    }

    /// There will be no load, for a reason that is not of the meeting.
    pub fn give_up(&self, why: &str) {
        self.advance(&Phase::Over(why.to_owned()));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.give_up("the first shard has ended");
        if let Some(leave) = self.leave.take() {
            let _ = leave.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
