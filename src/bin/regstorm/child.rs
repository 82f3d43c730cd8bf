//! Waiting for a program of the user: to its end, its time limit, or a signal.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use regstorm::programs::ProcessGroup;
use tokio::time::Instant;

/// How often the signal to stop is checked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How a program ended.
#[derive(Debug)]
pub(crate) enum Waited {
    /// By itself.
    Ended(ExitStatus),
    /// It was ended with its group: it took too long.
    TimedOut,
    /// It was ended with its group: the run is to stop.
    Stopped,
    /// Its end was not seen.
    Lost(io::Error),
}

/// Waits for a program, and ends its group unless it ended by itself.
pub(crate) fn wait(
    mut child: Child,
    group: &ProcessGroup,
    timeout: Duration,
    is_stopped: &dyn Fn() -> bool,
) -> Waited {
    let (ended, end) = mpsc::sync_channel(1);
    thread::spawn(move || {
        // The receiver is gone if the program is no longer waited for.
        let _ = ended.send(child.wait());
    });
    let deadline = Instant::now() + timeout;
    let why = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match end.recv_timeout(left.min(LOOK_EVERY)) {
            Ok(Ok(status)) => return Waited::Ended(status),
            Ok(Err(error)) => return Waited::Lost(error),
            Err(RecvTimeoutError::Disconnected) => {
                return Waited::Lost(io::Error::other("its end was not seen"));
            }
            Err(RecvTimeoutError::Timeout) if is_stopped() => break Waited::Stopped,
            Err(RecvTimeoutError::Timeout) if Instant::now() >= deadline => break Waited::TimedOut,
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    group.end();
    why
}
