//! Child processes that end: by themselves, by a time limit, or with the value that holds them.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::Instant;

/// Longer than any of the programs needs on a slow and busy machine; a test that reaches it has hung.
const LIMIT: Duration = Duration::from_mins(5);

/// Lets other processes run while a condition is awaited.
pub(crate) fn pause() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the state of another process can only be polled, and no worker of the library runs here"
    )]
    std::thread::sleep(Duration::from_millis(20));
}

/// Polls until there is a value; `None` when the time is over.
pub(crate) fn wait_for<T>(limit: Duration, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = poll() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        pause();
    }
}

/// Plays something that must be ready within a delay, as `date` reads it, with longer ones until the machine keeps up.
#[track_caller]
pub(crate) fn patiently(mut play: impl FnMut(&str) -> Result<(), String>) {
    let mut last = String::new();
    for delay in ["10 seconds", "1 minute", "4 minutes"] {
        match play(delay) {
            Ok(()) => return,
            Err(why) => last = why,
        }
    }
    panic!("{last}");
}

/// A program about to run, with everything it says kept in files: a pipe that nobody reads would stop it.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    input: Option<Vec<u8>>,
    output: Option<PathBuf>,
}

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        Self {
            command: Command::new(name),
            input: None,
            output: None,
        }
    }

    pub(crate) fn args<I: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads from its standard input; nothing when this is not called.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Writes its standard output to this file.
    pub(crate) fn output_to(mut self, path: &Path) -> Self {
        self.output = Some(path.to_owned());
        self
    }

    /// Runs it to its end, which must come within the limit.
    pub(crate) fn run(mut self) -> Finished {
        let dir = super::scratch();
        let [out, err] = ["stdout", "stderr"].map(|name| dir.path().join(name));
        let mut running = self.spawn(&out, &err);
        let status = wait_for(LIMIT, || {
            running.child.try_wait().expect("a child to wait for")
        });
        let text =
            |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let finished = |status| Finished {
            command: running.command.clone(),
            status,
            stdout: if self.output.is_some() {
                String::new()
            } else {
                text(&out)
            },
            stderr: text(&err),
        };
        let Some(status) = status else {
            let _ = running.child.kill();
            let status = running.child.wait().expect("a killed child ends");
            panic!("still running after {LIMIT:?}\n{}", finished(status));
        };
        finished(status)
    }

    /// Starts it and leaves it running, with both outputs in one log.
    pub(crate) fn start(mut self, log: &Path) -> Running {
        self.spawn(log, log)
    }

    fn spawn(&mut self, out: &Path, err: &Path) -> Running {
        let out = self.output.as_deref().unwrap_or(out);
        let create = |path: &Path| File::create(path).expect("a file for what a program says");
        let stdout = create(out);
        let stderr = if out == err {
            stdout.try_clone().expect("a second handle")
        } else {
            create(err)
        };
        let stdin = if self.input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = self
            .command
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|error| panic!("{:?} does not start: {error}", self.command));
        if let (Some(input), Some(mut stdin)) = (&self.input, child.stdin.take()) {
            // One that refuses early does not read what it is told; that is for the test to judge.
            let _ = stdin.write_all(input);
        }
        Running {
            command: shown(&self.command),
            child,
            log: err.to_owned(),
        }
    }
}

fn shown(command: &Command) -> String {
    let mut shown = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        let _ = write!(shown, " {}", arg.to_string_lossy());
    }
    shown
}

/// A program that came to its end.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    command: String,
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// The exit code; -1 after a signal.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// Itself when it ended well; otherwise the test ends here, with all that was said.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ends_with(0)
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "exit code\n{self}");
        self
    }

    /// Both outputs.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$ {}\n{}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.status, self.stdout, self.stderr
        )
    }
}

/// A program that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    command: String,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Waits until the program is ready; `false` when it ended before that.
    #[track_caller]
    pub(crate) fn ready(&mut self, mut probe: impl FnMut() -> bool) -> bool {
        let ready = wait_for(LIMIT, || match self.child.try_wait() {
            Ok(Some(_)) => Some(false),
            _ if probe() => Some(true),
            _ => None,
        });
        ready.unwrap_or_else(|| {
            panic!(
                "{} is not ready after {LIMIT:?}\n{}",
                self.command,
                self.log()
            )
        })
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the signal of Ctrl-C. The shell has `kill` also where there is no program of that name.
    pub(crate) fn interrupt(&self) {
        let id = self.id().to_string();
        Program::new("sh")
            .args(["-c", "kill -INT \"$0\"", &id])
            .run()
            .ok();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        wait_for(limit, || self.child.try_wait().ok().flatten())
    }

    /// Ends it without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    #[expect(
        clippy::print_stdout,
        reason = "the test harness shows it with the failed test"
    )]
    fn show_log(&self) {
        const TAIL: usize = 25;
        const WIDTH: usize = 300;
        let log = self.log();
        // The tests' own polling would push everything else out.
        let lines: Vec<String> = log
            .lines()
            .filter(|line| !line.contains(super::access_log::PROBE))
            .map(|line| line.chars().take(WIDTH).collect())
            .collect();
        let tail = &lines[lines.len().saturating_sub(TAIL)..];
        println!(
            "--- end of the log of {}\n{}",
            self.command,
            tail.join("\n")
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
        self.kill();
    }
}
