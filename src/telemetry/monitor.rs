//! The thread that reads all sources of a load, and what it has gathered.

use std::io;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::time::Instant;

use super::course::Course;
use super::follow::{Phase, Teller, Told, follow};
use super::proc;
use super::reader::{Reader, Spent};
use super::reading::micros;
use super::record::{Cost, Telemetry};
use super::source::{Identity, Source};

/// Reads sources once a second on a thread of its own, and once more at each edge of the measured window. Dropped, it ends by itself.
#[derive(Debug)]
pub struct Monitor {
    phase: watch::Sender<Phase>,
    told: mpsc::Receiver<Told>,
    thread: JoinHandle<io::Result<Gathered>>,
}

/// What was read over the measured window.
#[derive(Debug)]
pub struct Gathered {
    sources: Vec<(Identity, Course)>,
    cost: Cost,
}

impl Monitor {
    /// Starts to read; `None` if there are no sources.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(sources: &Arc<[Source]>) -> io::Result<Option<Self>> {
        if sources.is_empty() {
            return Ok(None);
        }
        let (phase, until) = watch::channel(Phase::default());
        let (tell, told) = mpsc::channel();
        let sources = Arc::clone(sources);
        let thread = thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || run(&sources, &until, &tell))?;
        Ok(Some(Self {
            phase,
            told,
            thread,
        }))
    }

    /// Opens the measured window now. A second call does nothing. Returns at once.
    pub fn open_window(&self) {
        let now = Instant::now();
        self.phase.send_if_modified(|phase| {
            let is_first = phase.opened.is_none();
            phase.opened.get_or_insert(now);
            is_first
        });
    }

    /// Closes the measured window now, if it is open. A second call does nothing. Returns at once.
    pub fn close_window(&self) {
        if self.phase.borrow().opened.is_some() {
            self.end();
        }
    }

    fn end(&self) {
        let now = Instant::now();
        self.phase.send_if_modified(|phase| {
            let is_first = phase.closed.is_none();
            phase.closed.get_or_insert(now);
            is_first
        });
    }

    /// Returns the news that nobody was told yet.
    pub fn news(&self) -> impl Iterator<Item = Told> {
        self.told.try_iter()
    }

    /// Closes the window if it is open, waits two seconds at the most for the last readings, and returns what was read and the news
    /// that nobody was told yet; nothing if the thread ended in a panic.
    ///
    /// # Errors
    /// When the event loop of the thread could not be had.
    pub fn finish(self) -> io::Result<Option<(Gathered, Vec<Told>)>> {
        self.end();
        let gathered = self.thread.join().ok().transpose()?;
        Ok(gathered.map(|it| (it, self.told.try_iter().collect())))
    }
}

impl Gathered {
    /// Returns what a report says of it, in windows of that many seconds, a power of two; or in wider ones, if it has no others.
    pub fn telemetry(&self, window_s: u64) -> Telemetry {
        let shifts = self.sources.iter().map(|(_, course)| course.shift());
        let shift = shifts.fold(window_s.max(1).ilog2(), u32::max);
        let sources = self.sources.iter();
        Telemetry {
            window_s: 1 << shift,
            sources: sources
                .map(|(identity, course)| course.record(identity, shift))
                .collect(),
            cost: self.cost,
        }
    }
}

/// Runs the thread.
fn run(
    sources: &[Source],
    until: &watch::Receiver<Phase>,
    tell: &mpsc::Sender<Told>,
) -> io::Result<Gathered> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let spent = Rc::<Spent>::default();
    let read = |source: &Source| {
        let teller = Teller {
            source: source.name.clone(),
            to: tell.clone(),
        };
        let reader = Reader::new(source.place.clone(), &spent);
        let (identity, until) = (source.identity(), until.clone());
        async move { (identity, follow(reader, until, &teller).await) }
    };
    let mut opened = until.clone();
    let opening = async {
        // The load may be given up before.
        let _ = opened
            .wait_for(|it| it.opened.or(it.closed).is_some())
            .await;
        used(&spent)
    };
    let all = join(join_all(sources.iter().map(read)), opening);
    let (sources, before) = runtime.block_on(all);
    let after = used(&spent);
    Ok(Gathered {
        sources,
        cost: Cost {
            cpu_us: micros(after.0.saturating_sub(before.0)),
            received_bytes: after.1.saturating_sub(before.1),
        },
    })
}

/// Returns the processor time and the bytes that reading took so far.
fn used(spent: &Spent) -> (Duration, u64) {
    let own = proc::own_time().unwrap_or_default();
    (own + spent.aside.get(), spent.totals.received())
}
