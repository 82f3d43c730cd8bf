//! Ctrl-C and requests to end (SIGINT, SIGTERM, SIGHUP, SIGQUIT), from the first moment of the process.

use std::io;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use regstorm::programs;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::exit::Exit;

/// How long a command has for its end once it is asked for the last time.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How long standard error may take to take a line.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a command does about a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// It ends by itself.
    Ends,
    /// It ends by itself, and these words say when.
    Tell(&'static str),
    /// It should end by itself, but may be stuck: after a second the process is ended.
    EndsOr(&'static str),
    /// Nothing has to be finished: the process is ended.
    Leave(&'static str),
}

type Hearer = Box<dyn Fn(u32) -> Reaction + Send>;

/// Who hears signals. Before a command has something to finish, nobody does.
static HEARER: Mutex<Option<Hearer>> = Mutex::new(None);

/// Listens, from a thread of its own. Until a command hears, a signal ends the process with the code of an interruption.
pub(crate) fn listen() -> io::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let mut signals = {
        let _in_runtime = runtime.enter();
        Signals::new()?
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(hear(&mut signals)))
        .map(drop)
}

/// From now on calls `hear` with the number of the signal, counted from 1.
pub(crate) fn on_interrupt(hear: impl Fn(u32) -> Reaction + Send + 'static) {
    *HEARER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hear));
}

async fn hear(signals: &mut Signals) {
    let mut count = 0;
    let mut last: Option<(Instant, &'static str)> = None;
    loop {
        let too_late = async {
            match last {
                Some((deadline, _)) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = signals.next() => {}
            () = too_late => {}
        }
        if let Some((_, words)) = last {
            leave(words);
        }
        count += 1;
        let hearer = HEARER.lock().unwrap_or_else(PoisonError::into_inner);
        let reaction = hearer
            .as_ref()
            .map_or(Reaction::Leave("interrupted"), |hear| hear(count));
        match reaction {
            Reaction::Ends => {}
            Reaction::Tell(words) => drop(tell(format!("note: {words}\n"))),
            Reaction::EndsOr(words) => last = Some((Instant::now() + LAST_WAIT, words)),
            Reaction::Leave(words) => leave(words),
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            // Under `nohup` the end of a session is to be outlived.
            hangup: if is_ignored(SignalKind::hangup()) {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Returns `true` if the process was started with this signal ignored.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) >> (kind.as_raw_value() - 1) & 1 == 1
}

/// Ends the process, and what it has started.
#[expect(
    clippy::exit,
    reason = "the main thread may be stuck in a read, a write or a computation that nothing else ends"
)]
fn leave(words: &str) -> ! {
    programs::end_all();
    let _ = tell(format!("error: {words}\n")).recv_timeout(LAST_WORDS);
    std::process::exit(Exit::Interrupted as i32);
}

/// Says something from a thread of its own: where nobody reads standard error, that must keep neither this thread nor the process.
fn tell(words: String) -> mpsc::Receiver<()> {
    let (said, is_said) = mpsc::sync_channel(1);
    // Without a thread nothing is said.
    let _ = thread::Builder::new().spawn(move || {
        let _ = io::stderr().write_all(words.as_bytes());
        let _ = said.send(());
    });
    is_said
}
