//! A command of the user that is run before each pair: it restarts builds, or resets their storage.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::anyhow;
use regstorm::engine::Stop;
use regstorm::programs::ProcessGroup;

use crate::child::{self, Waited};
use crate::exit::{Exit, Failure};

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
        let (child, group) = ProcessGroup::start(command)
            .map_err(|error| failed(format!("cannot run it: {error}")))?;
        let is_stopped = || stop.asked().is_some();
        match child::wait(child, &group, self.patience, &is_stopped) {
            Waited::Ended(status) if status.success() => Ok(Ended::Well),
            Waited::Ended(status) => Err(failed(format!("before pair {pair}: {status}"))),
            Waited::Stopped => Ok(Ended::Interrupted),
            Waited::TimedOut => {
                let patience = humantime::format_duration(self.patience);
                Err(failed(format!(
                    "before pair {pair}: not done after {patience} (--patience)"
                )))
            }
            Waited::Lost(error) => Err(failed(error.to_string())),
        }
    }
}
