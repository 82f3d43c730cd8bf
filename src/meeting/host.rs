//! The side of the first shard: it listens, gathers the others, starts all at one instant, and receives what they measured.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, lookup_host};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::book::{Book, Peer, Phase, State};
use super::door::{Door, receive};
use super::guest::GRACE;
use super::message::{Identity, Report, Snapshot};
use super::settings::{HostSettings, may_listen};
use crate::engine::Stop;
use crate::measure::{Live, Observed};
use crate::plan::Stored;
use crate::result::{ClockError, Document};

/// How often a name that has no address yet is looked up again.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// How often a wait looks for a signal to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long guests have to make their users ready, once the target is prepared.
const READY: Duration = Duration::from_mins(1);

/// From the moment at which all are ready to the start, beside the time that the news takes.
const LEAD: Duration = Duration::from_millis(500);

/// How long a guest may take to hand over its report, once the plan gives its load no more time.
const LAST_WORDS: Duration = Duration::from_mins(1);

/// How long a guest that is lost may still make requests. It notices when the host does: it is as long silent for it, or hears that
/// the connection ends. Then its iterations under way may end. A machine that stands still goes on later; nobody knows when.
const SETTLED: Duration = GRACE.saturating_add(Duration::from_secs(1));

/// Why a shard is lost that is told nothing else of.
const LATE: &str = "it did not end in time";

/// Why a shard is lost that has a signal of its own.
const STOPPED: &str = "it was stopped";

/// Why there is no meeting.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address cannot be listened on.
    #[error("cannot listen at {address} for the other shards: {source}")]
    Listen {
        /// The address, as it was given.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Without a token only this machine may meet.
    #[error(
        "{address} can be reached from other machines, and there is no token: give all shards one (--meet-token-file)"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// Some did not come in time.
    #[error("{} did not come in time", shards(.0))]
    Missing(Vec<u32>),
    /// Some were lost before the load.
    #[error("shard {index} was lost before the load: {why}")]
    Lost {
        /// Its number.
        index: u32,
        /// What happened.
        why: String,
    },
    /// The run was stopped.
    #[error("interrupted before anything was measured")]
    Interrupted,
}

/// Returns the numbers of shards, for people.
fn shards(numbers: &[u32]) -> String {
    let first: Vec<String> = numbers.iter().take(5).map(u32::to_string).collect();
    let shown = first.join(", ");
    match (numbers.len(), numbers.len() - first.len()) {
        (1, _) => format!("shard {shown}"),
        (_, 0) => format!("shards {shown}"),
        (_, more) => format!("shards {shown} and {more} more"),
    }
}

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

/// What came of a guest.
#[derive(Debug)]
pub struct Ended {
    /// Its number.
    pub index: u32,
    /// The machine that it ran on, as it said when it came.
    pub host: Option<String>,
    /// How well its clock is known.
    pub clock: ClockError,
    /// What it measured, or why that is not known.
    pub end: End,
}

/// What came of a guest.
#[derive(Debug)]
pub enum End {
    /// It measured to its end.
    Measured {
        /// What it measured.
        document: Box<Document>,
        /// What it has left in the registry.
        stored: Stored,
        /// Users or workers that ended in a panic.
        panics: u64,
        /// When it was stopped by a signal of its own, since the load began.
        stopped_at: Option<Duration>,
    },
    /// Nothing more is heard of it.
    Lost(String),
}

/// Until when shards may make requests, by the plan.
#[derive(Debug, Clone, Copy)]
pub struct Latest {
    /// The end of the load, if nothing stops it.
    pub planned: Instant,
    /// What iterations under way may take to end.
    pub graceful: Duration,
    /// Whether something is deleted then that a shard which is lost may still use.
    pub deletes: bool,
}

impl Latest {
    /// Returns until when a shard is waited for that does not end.
    fn deadline(self, asked: Option<Instant>) -> Instant {
        let end = asked.map_or(self.planned, |it| it.min(self.planned));
        end + self.graceful + LAST_WORDS
    }
}

/// The meeting point. Dropped, it ends the meeting: guests that are still there are told.
#[derive(Debug)]
pub struct Host {
    book: Arc<Book>,
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

    /// Waits until each of the others has ended or is lost and makes no more requests, and returns what came of them, in their
    /// order. `tell` hears of each loss.
    ///
    /// One that the host hears of, and that does not end when the plan says so, is told to drop what it does. Whoever aborts the
    /// run does not wait for those that are lost.
    pub fn finish(
        &self,
        stop: &Stop,
        latest: Latest,
        tell: &mut dyn FnMut(u32, &str),
    ) -> Vec<Ended> {
        loop {
            let deadline = latest.deadline(stop.asked());
            let now = Instant::now();
            if stop.is_aborted() || now >= deadline {
                self.abort();
            } else if stop.asked().is_some() {
                self.drain();
            }
            for (index, why) in self.losses() {
                tell(index, &why);
            }
            let is_over = |it: &State| match it {
                State::Ended(_) => true,
                State::Lost { at, .. } => {
                    !latest.deletes || stop.is_aborted() || *at + SETTLED <= now
                }
                State::Absent | State::Here | State::Ready => false,
            };
            let all = self.book.wait_for(LOOK_EVERY, |peers| {
                let mut states = peers.values().map(|it| &it.state);
                states.all(is_over).then_some(())
            });
            if all.is_some() || now >= deadline + SETTLED {
                break;
            }
        }
        let mut peers = self.book.peers();
        let ends = peers.iter_mut().map(|(index, peer)| {
            let clock = peer.clock.error();
            let unheard = State::Lost {
                why: LATE.to_owned(),
                at: Instant::now(),
            };
            let end = match std::mem::replace(&mut peer.state, unheard) {
                State::Ended(report) => {
                    let Report {
                        document,
                        stored,
                        panics,
                        stopped_at,
                    } = *report;
                    End::Measured {
                        document: Box::new(document),
                        stored,
                        panics,
                        stopped_at,
                    }
                }
                State::Lost { why, .. } => End::Lost(why),
                State::Absent | State::Here | State::Ready => End::Lost(LATE.to_owned()),
            };
            Ended {
                index: *index,
                host: peer.host.take(),
                clock,
                end,
            }
        });
        ends.collect()
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

/// Listens at an address of this machine. An engine may give a process its name some time after it has started it: until then
/// that has no address, or still the one of another machine.
async fn listen(
    settings: &HostSettings,
    stop: &Stop,
    tell: &mut dyn FnMut(&io::Error),
) -> Result<TcpListener, HostError> {
    let deadline = Instant::now() + settings.timeout;
    let is_name = settings.address.parse::<SocketAddr>().is_err();
    let mut is_told = false;
    loop {
        let source = match bind(&settings.address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => error,
        };
        if stop.asked().is_some() {
            return Err(HostError::Interrupted);
        }
        let is_taken = matches!(
            source.kind(),
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
        );
        if is_taken || !is_name || Instant::now() >= deadline {
            let address = settings.address.clone();
            return Err(HostError::Listen { address, source });
        }
        if !is_told {
            tell(&source);
            is_told = true;
        }
        sleep(TRY_EVERY).await;
    }
}

async fn bind(address: &str) -> io::Result<TcpListener> {
    let mut last = None;
    for address in lookup_host(address).await? {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}
