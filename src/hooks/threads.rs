//! The threads of hooks: each waits for its times, and has the command run.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::Instant;

use super::output;
use super::record::MOST_RUNS;
use super::{Allowed, Hook, HookCounts, HookEnd, HookRecord, HookRun, Order, Ran};
use crate::units::Secret;

/// How many pieces of news may wait to be told. What does not fit is in the record.
const NEWS: usize = 64;

/// The hooks of a load that runs.
#[derive(Debug)]
pub struct HookThreads {
    threads: Vec<Thread>,
    news: Receiver<News>,
}

#[derive(Debug)]
struct Thread {
    name: String,
    timeout: Duration,
    /// Dropped when the load is over.
    over: Option<mpsc::Sender<()>>,
    handle: JoinHandle<HookRecord>,
}

/// What a person may want to know while a load runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A run of a hook did not do what it was to do; told once of each hook.
    Failed {
        /// The name of the hook.
        hook: String,
        /// Which run it was, from 1.
        run: u32,
        /// How it ended.
        end: HookEnd,
    },
    /// The load is over, and a run of a hook is not.
    Waiting {
        /// The name of the hook.
        hook: String,
        /// How long it may take altogether.
        timeout: Duration,
    },
}

/// What all hooks of a load have in common.
#[derive(Debug)]
pub struct Beside<'a> {
    /// Who runs them.
    pub allowed: &'a Allowed,
    /// The base URL of the target, without credentials.
    pub target: &'a str,
    /// What no report may show.
    pub secrets: Vec<Secret>,
    /// When the measured window opens.
    pub opens: Instant,
}

impl HookThreads {
    /// Starts the threads. `is_stopped` returns `true` once commands are to be ended at once.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(
        hooks: &[Hook],
        beside: &Beside<'_>,
        is_stopped: &(impl Fn() -> bool + Clone + Send + 'static),
    ) -> io::Result<Self> {
        let (told, news) = mpsc::sync_channel(NEWS);
        let mut threads = Vec::with_capacity(hooks.len());
        for hook in hooks {
            let (over, until) = mpsc::channel();
            let name = hook.name.clone();
            let runs = Runs {
                hook: hook.clone(),
                allowed: beside
                    .allowed
                    .with("REGSTORM_TARGET", beside.target)
                    .with("REGSTORM_HOOK", &name),
                secrets: beside.secrets.clone(),
                opens: beside.opens,
                until,
                told: told.clone(),
            };
            let is_stopped = is_stopped.clone();
            let handle = thread::Builder::new()
                .name(format!("hook-{name}"))
                .spawn(move || runs.make(&is_stopped))?;
            threads.push(Thread {
                name,
                timeout: hook.timeout,
                over: Some(over),
                handle,
            });
        }
        Ok(Self { threads, news })
    }

    /// Returns what has happened since the last time.
    pub fn news(&self) -> impl Iterator<Item = News> {
        self.news.try_iter()
    }

    /// Ends the hooks: no run begins any more, and one under way is waited for, up to its time limit. Returns what came of each, `None`
    /// of one whose thread panicked, and what has happened since [`news`](Self::news).
    pub fn end(mut self, tell: &mut dyn FnMut(&News)) -> (Vec<Option<HookRecord>>, Vec<News>) {
        for it in &mut self.threads {
            it.over = None;
        }
        let ended = self.threads.into_iter().map(|it| {
            // A thread that waits for a time ends at once.
            let began = Instant::now();
            while !it.handle.is_finished() && began.elapsed() < GRACE {
                thread::park_timeout(GRACE / 20);
            }
            if !it.handle.is_finished() {
                tell(&News::Waiting {
                    hook: it.name,
                    timeout: it.timeout,
                });
            }
            it.handle.join().ok()
        });
        (ended.collect(), self.news.try_iter().collect())
    }
}

/// How long a thread may take to end that has nothing to wait for.
const GRACE: Duration = Duration::from_millis(100);

/// The runs of one hook, on its thread.
struct Runs {
    hook: Hook,
    allowed: Allowed,
    secrets: Vec<Secret>,
    opens: Instant,
    /// Disconnected when the load is over.
    until: Receiver<()>,
    told: SyncSender<News>,
}

impl Runs {
    fn make(self, is_stopped: &dyn Fn() -> bool) -> HookRecord {
        let mut counts = HookCounts::default();
        let mut runs = Vec::new();
        let mut told = false;
        let mut busy_until = Duration::ZERO;
        for number in 0.. {
            let Some(due) = self.hook.times.nth(number) else {
                break;
            };
            if self.is_over_before(due) {
                counts.unreached = self.hook.times.left_from(number);
                break;
            }
            counts.due += 1;
            if due < busy_until {
                counts.missed += 1;
                continue;
            }
            let run = self.run(number + 1, due, is_stopped);
            busy_until = Duration::from_micros(run.ended_us);
            counts.count(&run.end);
            if !run.end.is_ok() && !told {
                told = self.tell(number + 1, &run.end);
            }
            if runs.len() < MOST_RUNS {
                runs.push(run);
            }
        }
        HookRecord {
            name: self.hook.name,
            command: self.hook.command,
            timeout_us: micros(self.hook.timeout),
            counts,
            runs,
        }
    }

    /// Waits for a time of the measured window; `true` if the load is over before.
    fn is_over_before(&self, due: Duration) -> bool {
        let wait = (self.opens + due).saturating_duration_since(Instant::now());
        self.until.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected)
    }

    fn run(&self, number: u32, due: Duration, is_stopped: &dyn Fn() -> bool) -> HookRun {
        let allowed = self.allowed.with("REGSTORM_HOOK_RUN", number.to_string());
        let started = self.opens.elapsed();
        let Ran {
            end,
            ended,
            printed,
        } = allowed.runner.run(&Order {
            command: &self.hook.command,
            variables: &allowed.variables,
            timeout: self.hook.timeout,
            is_stopped,
        });
        let ended = ended.saturating_duration_since(self.opens);
        let over = self.until.try_recv();
        HookRun {
            due_us: micros(due),
            started_us: micros(started),
            ended_us: micros(ended),
            opened_us: 0,
            closed_us: None,
            end,
            outlasted_load: over == Err(mpsc::TryRecvError::Disconnected),
            output: output::shown(&printed, &self.secrets),
        }
    }

    /// Returns `true` unless there was no room for it.
    fn tell(&self, run: u32, end: &HookEnd) -> bool {
        let news = News::Failed {
            hook: self.hook.name.clone(),
            run,
            end: end.clone(),
        };
        !matches!(self.told.try_send(news), Err(TrySendError::Full(_)))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
