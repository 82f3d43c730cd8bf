//! A command of the user that is run before each pair: it restarts builds, or resets their storage.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine::Stop;
use tokio::time::Instant;

use crate::exit::{Exit, Failure};
use crate::process_group::ProcessGroup;

/// How often the signal to stop is checked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The command, and the environment it gets.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) command: String,
    pub(crate) base: String,
    pub(crate) candidate: String,
    /// How long it may take.
    pub(crate) patience: Duration,
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It has succeeded.
    Well,
    /// A person has interrupted the run; the command was ended.
    Interrupted,
}

impl Hook {
    /// Runs the command by the shell, in a process group of its own, which is ended with it. What it prints goes to standard
    /// error: standard output is for results.
    pub(crate) fn run(&self, pair: usize, stop: &Stop) -> Result<Ended, Failure> {
        let failed = |why: String| Failure::new(Exit::Target, anyhow!("--before-pair: {why}"));
        let mut command = Command::new("sh");
        let command = command
            .args(["-c", &self.command])
            .env("REGSTORM_PAIR", pair.to_string())
            .env("REGSTORM_BASE", &self.base)
            .env("REGSTORM_CANDIDATE", &self.candidate)
            .stdin(Stdio::null())
            .stdout(std::io::stderr());
        let (mut child, group) = ProcessGroup::start(command)
            .map_err(|error| failed(format!("cannot run it: {error}")))?;
        let (ended, end) = mpsc::sync_channel(1);
        thread::spawn(move || {
            // The receiver is gone if the command is no longer waited for.
            let _ = ended.send(child.wait());
        });
        let deadline = Instant::now() + self.patience;
        let why = loop {
            match end.recv_timeout(LOOK_EVERY) {
                Ok(Ok(status)) if status.success() => return Ok(Ended::Well),
                Ok(Ok(status)) => return Err(failed(format!("before pair {pair}: {status}"))),
                Ok(Err(error)) => return Err(failed(error.to_string())),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(failed("its end was not seen".to_owned()));
                }
                Err(mpsc::RecvTimeoutError::Timeout) if stop.asked().is_some() => break None,
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() >= deadline => {
                    let patience = humantime::format_duration(self.patience);
                    break Some(format!(
                        "before pair {pair}: not done after {patience} (--patience)"
                    ));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        };
        group.end();
        why.map_or(Ok(Ended::Interrupted), |why| Err(failed(why)))
    }
}
