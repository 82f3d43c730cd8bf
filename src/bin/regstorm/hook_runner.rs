//! `--allow-hooks`: runs the hooks of a scenario, each in a process group of its own, and keeps the end of what they print.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use regstorm::hooks::{Allowed, CAPTURED, HookEnd, Order, Ran, Runner};
use regstorm::programs::ProcessGroup;
use tokio::time::Instant;

use crate::child::{self, Waited};

/// How long output may come after a command has ended: what it has started may hold the pipe for ever.
const AFTER: Duration = Duration::from_secs(1);

/// Whether the hooks of a scenario may run.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct HookArgs {
    /// Run the commands of the scenario's [[hook]] and [[telemetry]] tables on this machine, beside the load
    #[arg(long, help_heading = "Run")]
    allow_hooks: bool,
}

impl HookArgs {
    pub(crate) fn allowed(self) -> Option<Allowed> {
        self.allow_hooks.then(|| Allowed {
            runner: Arc::new(Processes),
            variables: Vec::new(),
        })
    }
}

/// Runs commands as processes.
struct Processes;

impl Runner for Processes {
    fn run(&self, order: &Order<'_>) -> Ran {
        run(order).unwrap_or_else(|error| Ran {
            end: HookEnd::NotStarted(error.to_string()),
            ended: Instant::now(),
            printed: Vec::new(),
        })
    }
}

fn run(order: &Order<'_>) -> io::Result<Ran> {
    let [program, arguments @ ..] = order.command else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let (output, printed) = io::pipe()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(order.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(printed.try_clone()?)
        .stderr(printed);
    let (child, group) = ProcessGroup::start(&mut command)?;
    // It holds the other ends of the pipe.
    drop(command);
    let kept = Kept::read(output);
    let end = match child::wait(child, &group, order.timeout, order.is_stopped) {
        Waited::Ended(status) => match (status.code(), status.signal()) {
            (Some(code), _) => HookEnd::Exit(code),
            (None, signal) => HookEnd::Signal(signal.unwrap_or_default()),
        },
        Waited::TimedOut => HookEnd::TimedOut,
        Waited::Stopped => HookEnd::Stopped,
        Waited::Lost(error) => return Err(error),
    };
    let ended = Instant::now();
    Ok(Ran {
        end,
        ended,
        printed: kept.end(),
    })
}

/// The end of what a command prints, read on a thread until nobody holds the pipe: a command must not wait because nobody reads.
struct Kept {
    last: Arc<Mutex<VecDeque<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Kept {
    fn read(mut from: PipeReader) -> Self {
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let (end, ended) = mpsc::channel();
        let all = Arc::clone(&last);
        thread::spawn(move || {
            let _end = end;
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.extend(&buffer[..read]);
                let more = all.len().saturating_sub(CAPTURED);
                all.drain(..more);
            }
        });
        Self { last, ended }
    }

    fn end(self) -> Vec<u8> {
        // Disconnected once all is read.
        let _ = self.ended.recv_timeout(AFTER);
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().copied().collect()
    }
}
