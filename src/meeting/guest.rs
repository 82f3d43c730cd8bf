//! The side of a shard that is not the first: it comes, waits, tells what it measures, and does what the host says.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::frame::{self, MOST, SILENCE};
use super::handshake;
use super::line::{self, Failed, Line};
use super::message::{FromGuest, FromHost, Identity, Refusal, Report, Snapshot};
use super::settings::GuestSettings;
use crate::engine::Stop;
use crate::measure::{Live, Observed};
use crate::plan::Stored;
use crate::result::Document;
use crate::transport::{Duplex, TlsProblem};

/// How often a host that is not there yet is tried again.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// How often a wait looks for a signal to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long iterations under way may take to end when the host is lost.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// What a guest may have to say at once: its counts, a few times a second, and its report.
const UNSAID: usize = 16;

/// Why a guest is not part of a run.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// The host does not take it.
    #[error("the first shard, at {address}, refused this one: {refusal}")]
    Refused {
        /// Where the host is.
        address: String,
        /// Why.
        refusal: Refusal,
    },
    /// The host is not trusted, or speaks no TLS.
    #[error("no TLS with the first shard, at {address}: {}", line::of_host(.problem))]
    Insecure {
        /// Where the host is.
        address: String,
        /// Why.
        problem: TlsProblem,
    },
    /// The host could not be reached in time.
    #[error("the first shard does not respond at {address}: {source}")]
    Unreached {
        /// Where it should be.
        address: String,
        /// What happened at the last try.
        source: io::Error,
    },
    /// There will be no load: the host says why.
    #[error("there is no load: {0}")]
    Over(String),
    /// The host is silent or gone.
    #[error("the first shard is lost: {0}")]
    Lost(String),
    /// The run was stopped.
    #[error("interrupted before anything was measured")]
    Interrupted,
    /// There is no thread to be had.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// What has been heard of the host.
#[derive(Debug, Default)]
struct Heard {
    prepared: bool,
    start: Option<Instant>,
    received: bool,
    /// Why there is nothing more to hear.
    over: Option<Over>,
}

#[derive(Debug, Clone)]
enum Over {
    Said(String),
    Lost(String),
}

#[derive(Debug, Default)]
struct Shared {
    heard: Mutex<Heard>,
    changed: Condvar,
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard());
        self.changed.notify_all();
    }
}

/// A shard that is welcome. Dropped, it leaves.
#[derive(Debug)]
pub struct Guest {
    run: u64,
    shared: Arc<Shared>,
    say: mpsc::Sender<FromGuest>,
    /// What was told last of what thresholds are judged by.
    told: Mutex<Vec<Observed>>,
}

impl Guest {
    /// Goes to the meeting point and waits until the host is there and takes this shard. From then on `stop` ends the load when
    /// the host says so, or is lost.
    ///
    /// Blocks the calling thread.
    ///
    /// # Errors
    /// When the host refuses, or does not respond in time.
    pub fn join(
        settings: &GuestSettings,
        identity: &Identity,
        stop: &Stop,
    ) -> Result<Self, GuestError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(GuestError::Thread)?;
        let (stream, run) = runtime.block_on(reach(settings, identity, stop))?;
        let shared = Arc::<Shared>::default();
        let (say, said) = mpsc::channel(UNSAID);
        let (of_thread, stop) = (Arc::clone(&shared), stop.clone());
        let listening = move || {
            runtime.block_on(listen(stream, &of_thread, said, &stop));
        };
        let thread = thread::Builder::new().name("meeting".to_owned());
        thread.spawn(listening).map_err(GuestError::Thread)?;
        let told = Mutex::default();
        Ok(Self {
            run,
            shared,
            say,
            told,
        })
    }

    /// Returns the number of the run, which the host gives.
    pub const fn run(&self) -> u64 {
        self.run
    }

    /// Waits until the target has the images.
    ///
    /// # Errors
    /// When there will be no load.
    pub fn wait_prepared(&self, stop: &Stop) -> Result<(), GuestError> {
        self.wait(stop, |heard| heard.prepared.then_some(()))
    }

    /// Says that this shard is ready, and waits for the moment at which all start.
    ///
    /// # Errors
    /// When there will be no load.
    pub fn wait_start(&self, stop: &Stop) -> Result<Instant, GuestError> {
        self.say(FromGuest::Ready);
        self.wait(stop, |heard| heard.start)
    }

    /// Tells how far the load has come. What cannot be said at once is left out: the next words have it. What thresholds are judged
    /// by are whole histograms, which change once a second: they are told when they have.
    pub fn tell(&self, live: &Live, observed: &[Observed]) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *told != observed;
        let snapshot = Snapshot {
            live: live.clone(),
            observed: if is_new {
                observed.to_vec()
            } else {
                Vec::new()
            },
        };
        let message = FromGuest::Live(Box::new(snapshot));
        if self.say.try_send(message).is_ok() && is_new {
            *told = observed.to_vec();
        }
    }

    /// Tells why it does not come to measuring.
    pub fn fail(&self, why: String) {
        self.say(FromGuest::Failed(why));
        // The thread may send it before the process ends.
        let over = |heard: &mut Heard| heard.over.is_some();
        let _ = self.wait_for(Duration::from_secs(1), |heard| over(heard).then_some(()));
    }

    /// Hands over what was measured, and waits until the host has it. `stopped_at` is when this shard was stopped by a signal of
    /// its own, since the load began.
    ///
    /// # Errors
    /// When the host is lost.
    pub fn end(
        &self,
        document: &Document,
        stored: Stored,
        panics: u64,
        stopped_at: Option<Duration>,
    ) -> Result<(), GuestError> {
        let report = FromGuest::Ended(Box::new(Report {
            document: document.clone(),
            stored,
            panics,
            stopped_at,
        }));
        if self.say.blocking_send(report).is_err() {
            return Err(self.lost());
        }
        loop {
            let done = self.wait_for(SILENCE, |heard| {
                (heard.received || heard.over.is_some()).then_some(heard.received)
            });
            match done {
                Some(true) => return Ok(()),
                Some(false) => return Err(self.lost()),
                // The host may have much to receive; whether it is lost, the thread knows.
                None => {}
            }
        }
    }

    /// Returns why the host is lost or has ended the run, if so.
    pub fn over(&self) -> Option<GuestError> {
        self.shared.heard().over.clone().map(GuestError::from)
    }

    fn lost(&self) -> GuestError {
        self.over()
            .unwrap_or_else(|| GuestError::Lost("it has gone".to_owned()))
    }

    fn say(&self, message: FromGuest) {
        // Full: the host is slow, and hears of it soon enough. Closed: it is lost, and every wait says so.
        let _ = self.say.try_send(message);
    }

    fn wait<T>(
        &self,
        stop: &Stop,
        mut look: impl FnMut(&mut Heard) -> Option<T>,
    ) -> Result<T, GuestError> {
        loop {
            let found = self.wait_for(LOOK_EVERY, |heard| {
                let found = look(heard).map(Ok);
                found.or_else(|| heard.over.clone().map(|over| Err(GuestError::from(over))))
            });
            if let Some(found) = found {
                return found;
            }
            if stop.asked().is_some() {
                return Err(GuestError::Interrupted);
            }
        }
    }

    fn wait_for<T>(
        &self,
        time: Duration,
        mut look: impl FnMut(&mut Heard) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + time;
        let mut heard = self.shared.heard();
        loop {
            if let Some(found) = look(&mut heard) {
                return Some(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.shared.changed.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl From<Over> for GuestError {
    fn from(over: Over) -> Self {
        match over {
            Over::Said(why) => Self::Over(why),
            Over::Lost(why) => Self::Lost(why),
        }
    }
}

/// Connects, again and again until the time is over, and says what this shard is.
async fn reach(
    settings: &GuestSettings,
    identity: &Identity,
    stop: &Stop,
) -> Result<(Box<dyn Duplex>, u64), GuestError> {
    let deadline = Instant::now() + settings.timeout;
    let address = || settings.address.clone();
    loop {
        let tried = match greet(settings, identity).await {
            Ok(greeted) => return Ok(greeted),
            Err(Failed::Refused(refusal)) => {
                let address = address();
                return Err(GuestError::Refused { address, refusal });
            }
            Err(Failed::Tls(problem)) => {
                let address = address();
                return Err(GuestError::Insecure { address, problem });
            }
            Err(Failed::Io(error)) => error,
            // That is of a host.
            Err(Failed::Unwanted) => io::ErrorKind::InvalidData.into(),
        };
        if stop.asked().is_some() {
            return Err(GuestError::Interrupted);
        }
        if Instant::now() >= deadline {
            return Err(GuestError::Unreached {
                address: address(),
                source: tried,
            });
        }
        sleep(TRY_EVERY).await;
    }
}

/// Tries it once.
async fn greet(
    settings: &GuestSettings,
    identity: &Identity,
) -> Result<(Box<dyn Duplex>, u64), Failed> {
    let stream = TcpStream::connect(settings.address.as_str()).await?;
    let _ = stream.set_nodelay(true);
    let mut line = Line::to_host(stream, settings.tls.as_ref()).await?;
    let run = handshake::claim(&mut line, &settings.token, identity).await?;
    Ok((line.stream, run))
}

/// Hears and says what there is, until the host is gone or this shard leaves.
async fn listen(
    stream: Box<dyn Duplex>,
    shared: &Shared,
    said: mpsc::Receiver<FromGuest>,
    stop: &Stop,
) {
    let epoch = Instant::now();
    let (from, to) = split(stream);
    let (answer, answers) = mpsc::channel(UNSAID);
    let hearing = hear(from, shared, (epoch, answer), stop);
    let over = tokio::select! {
        over = hearing => over,
        over = speak(to, said, answers) => over,
    };
    shared.hear(|heard| {
        heard.over.get_or_insert(over);
    });
    if !shared.heard().received {
        // A load without its host is not the planned one.
        stop.drain();
        // What hangs then may hang as the host does.
        sleep(GRACE).await;
        stop.abort();
    }
}

async fn hear(
    mut from: impl AsyncRead + Unpin,
    shared: &Shared,
    (epoch, answer): (Instant, mpsc::Sender<FromGuest>),
    stop: &Stop,
) -> Over {
    loop {
        let message = match frame::read(&mut from, MOST).await {
            Err(error) => return Over::Lost(error.to_string()),
            Ok(message) => message,
        };
        match message {
            FromHost::Ping => {
                let now = u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
                // Full: a late answer is of no use.
                let _ = answer.try_send(FromGuest::Pong(now));
            }
            FromHost::Prepared => shared.hear(|heard| heard.prepared = true),
            FromHost::Start(at) => {
                let start = epoch.checked_add(Duration::from_nanos(at));
                shared.hear(|heard| heard.start = start);
            }
            FromHost::Drain => stop.drain(),
            FromHost::Abort => stop.abort(),
            FromHost::Received => shared.hear(|heard| heard.received = true),
            FromHost::Over(why) => return Over::Said(why),
        }
    }
}

async fn speak(
    mut to: impl AsyncWrite + Unpin,
    mut said: mpsc::Receiver<FromGuest>,
    mut answers: mpsc::Receiver<FromGuest>,
) -> Over {
    loop {
        let message = tokio::select! {
            biased;
            Some(answer) = answers.recv() => answer,
            message = said.recv() => match message {
                Some(message) => message,
                None => return Over::Said("this shard has left".to_owned()),
            },
        };
        if let Err(error) = frame::write(&mut to, &message).await {
            return Over::Lost(error.to_string());
        }
    }
}
