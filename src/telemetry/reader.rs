//! A source as it is read again and again, whatever it is.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::cgroup::CgroupReader;
use super::command;
use super::device;
use super::directory::{self, WalkGuard};
use super::endpoint::EndpointReader;
use super::failure::Failure;
use super::proc;
use super::process::ProcessReader;
use super::reading::Reading;
use super::record::Unit;
use super::source::SourcePlace;
use crate::transport::Totals;

/// From one reading to the next.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// The longest that a reading may take.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// The longest that a walk through a directory may take.
const LONGEST_WALK: Duration = Duration::from_mins(1);

/// From one walk through a directory to the next, at least; and that many times as long as a walk takes.
const WALK_EVERY: Duration = Duration::from_secs(5);
const WALK_SHARE: u32 = 20;

/// Bytes and processor time beside what the transport and the thread count.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) totals: Rc<Totals>,
    /// Of threads that walk through directories and wait for commands.
    pub(super) aside: Cell<Duration>,
}

/// A source as it is read.
pub(super) struct Reader {
    what: What,
    spent: Rc<Spent>,
    every: Duration,
}

enum What {
    Endpoint(Box<EndpointReader>),
    Process(ProcessReader),
    Cgroup(CgroupReader),
    Directory(std::path::PathBuf),
    Device(String),
    Command(Vec<String>),
}

impl Reader {
    pub(super) fn new(place: SourcePlace, spent: &Rc<Spent>) -> Self {
        let what = match place {
            SourcePlace::Prometheus(endpoint) => {
                let reader = EndpointReader::new(endpoint, &spent.totals, LONGEST);
                What::Endpoint(Box::new(reader))
            }
            SourcePlace::Process(place) => What::Process(ProcessReader::new(place)),
            SourcePlace::Cgroup(place) => What::Cgroup(CgroupReader::new(place)),
            SourcePlace::Directory(path) => What::Directory(path),
            SourcePlace::Device(name) => What::Device(name),
            SourcePlace::Command(argv) => What::Command(argv),
        };
        Self {
            what,
            spent: Rc::clone(spent),
            every: EVERY,
        }
    }

    /// Returns how long it may take.
    pub(super) const fn longest(&self) -> Duration {
        match self.what {
            What::Directory(_) => LONGEST_WALK,
            _ => LONGEST,
        }
    }

    /// Returns the time from one reading to the next, which a large directory lengthens.
    pub(super) const fn every(&self) -> Duration {
        self.every
    }

    /// Reads it once.
    ///
    /// # Cancel safety
    /// What is under way is given up.
    pub(super) async fn read(&mut self) -> Result<Reading, Failure> {
        match &mut self.what {
            What::Endpoint(reader) => reader.read().await,
            What::Process(reader) => reader.read().map_err(Failure::once),
            What::Cgroup(reader) => reader.read().map_err(Failure::once),
            What::Device(name) => device::read(name).map_err(Failure::once),
            What::Directory(path) => {
                let path = path.clone();
                let began = Instant::now();
                let walked = aside(&self.spent, move |is_over| directory::walk(&path, is_over));
                let size = walked.await;
                self.every = WALK_EVERY.max(began.elapsed() * WALK_SHARE);
                size.map(reading_of).map_err(Failure::once)
            }
            What::Command(argv) => {
                let argv = argv.clone();
                let run = aside(&self.spent, move |is_over| {
                    command::run(&argv, LONGEST, is_over)
                });
                run.await.map_err(Failure::once)
            }
        }
    }
}

fn reading_of(size: directory::Size) -> Reading {
    let mut reading = Reading::new(Instant::now());
    reading.gauge("size", Unit::Bytes, Some(size.bytes));
    reading.gauge("files", Unit::Plain, Some(size.files));
    if size.unread > 0 {
        let text = "some directories in it cannot be read: its size is larger";
        reading.problems.push(text.into());
    }
    reading
}

/// Does something that blocks on a thread of its own, which gives up once nobody waits for it.
async fn aside<T: Send + 'static>(
    spent: &Spent,
    work: impl FnOnce(&AtomicBool) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let guard = WalkGuard::default();
    let is_over = guard.flag();
    let (done, result) = oneshot::channel();
    let thread = thread::Builder::new().name("telemetry-aside".to_owned());
    let started = thread.spawn(move || {
        let result = work(&is_over);
        // Nobody may wait any more.
        let _ = done.send((result, proc::own_time().unwrap_or_default()));
    });
    started.map_err(|error| format!("no thread can be started: {error}"))?;
    let (result, time) = result
        .await
        .map_err(|_| "it ended in a panic: a defect of regstorm")?;
    spent.aside.set(spent.aside.get() + time);
    drop(guard);
    result
}
