//! A command that prints `NAME VALUE` lines: started for each reading, with a limit on its time and on what it prints.

use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::time::Instant;

use super::reading::{Number, Reading};
use super::record::{SeriesKind, Unit};
use super::text::{Dialect, Kind, Line, Parser, TextLimits};
use crate::programs::ProcessGroup;

/// What a command may print.
const LIMITS: TextLimits = TextLimits {
    bytes: 1 << 20,
    samples: 1000,
    lines: 10_000,
};

/// How often a command that is silent is looked at, in milliseconds.
const LOOK_EVERY: u8 = 50;

/// A program that runs, all of which ends with it.
struct Running {
    child: Child,
    group: Option<ProcessGroup>, // until it is over
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Self> {
        let (child, group) = ProcessGroup::start(command)?;
        Ok(Self {
            child,
            group: Some(group),
        })
    }

    /// Returns `true` once it has ended. It is not waited for: until then nothing else can have its number.
    fn has_ended(&self) -> io::Result<bool> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let id = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        match waitid(Id::Pid(Pid::from_raw(id)), flags) {
            Ok(status) => Ok(status != WaitStatus::StillAlive),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends whatever of it is there, children included.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(group) = self.group.take() {
            group.end();
        }
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Runs a command and reads what it prints. Blocks for that time at the most.
///
/// # Errors
/// Returns what to tell people if it cannot be started, fails, takes too long or prints something else.
pub(super) fn run(
    argv: &[String],
    limit: Duration,
    is_over: &AtomicBool,
) -> Result<Reading, String> {
    let (program, arguments) = argv.split_first().ok_or("there is no command")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let deadline = Instant::now() + limit;
    let running = Running::start(&mut command);
    let mut running = running.map_err(|error| format!("cannot run `{program}`: {error}"))?;
    let output = running.child.stdout.take().ok_or("it has no output")?;
    let wait = Wait {
        program,
        deadline,
        limit,
        is_over,
    };
    let mut printed = Printed::default();
    wait.read(output, &mut printed)?;
    wait.exit(&mut running)?;
    printed.reading()
}

struct Wait<'a> {
    program: &'a str,
    deadline: Instant,
    limit: Duration,
    is_over: &'a AtomicBool,
}

impl Wait<'_> {
    /// Returns an error once there is no more time.
    fn check(&self) -> Result<(), String> {
        let (program, limit) = (self.program, crate::units::duration(self.limit));
        if self.is_over.load(Ordering::Relaxed) {
            return Err(format!("`{program}` was not done when the run was over"));
        }
        if Instant::now() >= self.deadline {
            return Err(format!(
                "`{program}` was not done after {limit} and was killed"
            ));
        }
        Ok(())
    }

    fn read(&self, mut output: ChildStdout, printed: &mut Printed) -> Result<(), String> {
        let program = self.program;
        let mut buffer = [0; 8192];
        let wrong = |error| format!("what `{program}` prints: {error}");
        loop {
            self.check()?;
            let mut ready = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
            // An interrupted wait is one that found nothing.
            if poll(&mut ready, PollTimeout::from(LOOK_EVERY)).unwrap_or(0) == 0 {
                continue;
            }
            match output.read(&mut buffer) {
                Ok(0) => return printed.end().map_err(wrong),
                Ok(read) => printed.feed(&buffer[..read]).map_err(wrong)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("what `{program}` prints: {error}")),
            }
        }
    }

    fn exit(&self, running: &mut Running) -> Result<(), String> {
        let program = self.program;
        let told = |error: io::Error| format!("`{program}`: {error}");
        while !running.has_ended().map_err(told)? {
            self.check()?;
            let _ = poll(&mut [], PollTimeout::from(5_u8));
        }
        let status = running.end().map_err(told)?;
        if status.success() {
            return Ok(());
        }
        Err(format!("`{program}` failed: {status}"))
    }
}

/// What a command has printed so far.
struct Printed {
    parser: Parser,
    kinds: Vec<(String, SeriesKind)>,
    numbers: Vec<(String, f64)>,
}

impl Default for Printed {
    fn default() -> Self {
        Self {
            parser: Parser::new(Dialect::Prometheus, LIMITS),
            kinds: Vec::new(),
            numbers: Vec::new(),
        }
    }
}

impl Printed {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), super::text::TextError> {
        let (kinds, numbers) = (&mut self.kinds, &mut self.numbers);
        self.parser
            .feed(bytes, &mut |line| take(line, kinds, numbers))
    }

    fn end(&mut self) -> Result<(), super::text::TextError> {
        let (kinds, numbers) = (&mut self.kinds, &mut self.numbers);
        self.parser.end(&mut |line| take(line, kinds, numbers))
    }

    fn reading(self) -> Result<Reading, String> {
        let mut reading = Reading::new(Instant::now());
        for (name, value) in self.numbers {
            if !value.is_finite() {
                reading
                    .problems
                    .push(format!("{name} is not a finite number").into());
                continue;
            }
            let kind = self.kinds.iter().find(|(it, _)| *it == name);
            let counts = name.ends_with("_total");
            let kind = kind.map_or(
                if counts {
                    SeriesKind::Counter
                } else {
                    SeriesKind::Gauge
                },
                |(_, kind)| *kind,
            );
            if reading.numbers.iter().all(|it| it.name != name) {
                reading.numbers.push(Number {
                    unit: Unit::of_name(&name),
                    name: name.into(),
                    kind,
                    value,
                });
            }
        }
        if reading.numbers.is_empty() && reading.problems.is_empty() {
            return Err("the command printed no `NAME VALUE` line".to_owned());
        }
        Ok(reading)
    }
}

fn take(line: Line<'_>, kinds: &mut Vec<(String, SeriesKind)>, numbers: &mut Vec<(String, f64)>) {
    match line {
        Line::Type { name, kind } if kinds.len() < LIMITS.samples => {
            let kind = match kind {
                Kind::Counter => SeriesKind::Counter,
                _ => SeriesKind::Gauge,
            };
            kinds.push((name.to_owned(), kind));
        }
        Line::Type { .. } => {}
        Line::Sample(sample) => numbers.push((sample.name.to_owned(), sample.value)),
    }
}

#[cfg(test)]
mod tests;
