//! What came of a hook, as reports store it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most runs of a hook of which more than the outcome is kept.
pub const MOST_RUNS: usize = 200;

/// What came of a hook in the measured window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookRecord {
    /// Its name in the scenario.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How long a run could take, in microseconds.
    pub timeout_us: u64,
    /// What became of its runs.
    pub counts: HookCounts,
    /// Its first 200 runs, in order of time.
    pub runs: Vec<HookRun>,
}

/// What became of the runs of a hook. Due is the sum of all others but `unreached`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct HookCounts {
    /// Were due while the load ran.
    pub due: u64,
    /// Ended with exit code 0.
    pub ok: u64,
    /// Ended with another one, or by a signal.
    pub failed: u64,
    /// Were ended at their time limit.
    pub timed_out: u64,
    /// Could not be started.
    pub not_started: u64,
    /// Were ended because a person stopped the run.
    pub stopped: u64,
    /// Were left out, because the run before had not ended.
    pub missed: u64,
    /// Were never due, because the load ended before.
    pub unreached: u64,
}

/// One run of a hook. Times are in microseconds since the measured window opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookRun {
    /// When it was due.
    pub due_us: u64,
    /// When it started.
    pub started_us: u64,
    /// When it ended.
    pub ended_us: u64,
    /// When the measured window opened that it ran in: later than zero in what was made of several runs.
    pub opened_us: u64,
    /// When that window closed; null of a run that goes on.
    pub closed_us: Option<u64>,
    /// How it ended.
    pub end: HookEnd,
    /// Whether the load ended before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outlasted_load: bool,
    /// The end of what it printed, at most 2 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// How a run of a hook ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HookEnd {
    /// With this exit code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// At its time limit.
    TimedOut,
    /// It could not be started, for this reason.
    NotStarted(String),
    /// A person stopped the run.
    Stopped,
}

impl HookEnd {
    /// Returns `true` if the command did what it was to do.
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Exit(0))
    }
}

impl std::fmt::Display for HookEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut => f.write_str("ended at its time limit"),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
            Self::Stopped => f.write_str("stopped with the run"),
        }
    }
}

impl HookCounts {
    /// Counts a run.
    pub(super) const fn count(&mut self, end: &HookEnd) {
        let of = match end {
            HookEnd::Exit(0) => &mut self.ok,
            HookEnd::Exit(_) | HookEnd::Signal(_) => &mut self.failed,
            HookEnd::TimedOut => &mut self.timed_out,
            HookEnd::NotStarted(_) => &mut self.not_started,
            HookEnd::Stopped => &mut self.stopped,
        };
        *of += 1;
    }

    /// Returns the runs that were due, counted by what became of them.
    pub const fn sum(&self) -> u64 {
        self.ok + self.failed + self.timed_out + self.not_started + self.stopped + self.missed
    }

    /// Returns `true` if every run that was planned did what it was to do.
    pub const fn all_ok(&self) -> bool {
        self.ok == self.due && self.unreached == 0
    }

    /// Adds those of another part of the run.
    pub const fn merge(&mut self, other: Self) {
        self.due += other.due;
        self.ok += other.ok;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.not_started += other.not_started;
        self.stopped += other.stopped;
        self.missed += other.missed;
        self.unreached += other.unreached;
    }
}

impl HookRecord {
    /// Adds what came of the hook in another run, of which the times are so much later.
    pub fn append(&mut self, mut other: Self, later_us: u64) {
        other.delay(later_us);
        self.counts.merge(other.counts);
        let room = MOST_RUNS.saturating_sub(self.runs.len());
        self.runs.extend(other.runs.into_iter().take(room));
    }

    /// Lets the measured window begin so much earlier.
    pub fn delay(&mut self, micros: u64) {
        for run in &mut self.runs {
            let times = [
                &mut run.due_us,
                &mut run.started_us,
                &mut run.ended_us,
                &mut run.opened_us,
            ];
            for time in times.into_iter().chain(&mut run.closed_us) {
                *time = time.saturating_add(micros);
            }
        }
    }
}
