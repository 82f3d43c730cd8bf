//! How late this machine is by itself: a timer of the kernel, a request at each tick, and nothing else.
//!
//! `metronome PORT PATH RATE CONNECTIONS SECONDS` asks 127.0.0.1:PORT for PATH so many times a second, over connections
//! that take turns, and prints in JSON how late its ticks were. The first second does not count. What an answer says is
//! looked at when its connection has its next turn: nothing but the timer wakes this program. What reads its answers as they
//! come is woken once more for each.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::time::Instant;

const USAGE: &str = "\
usage: metronome PORT PATH RATE CONNECTIONS SECONDS

Asks 127.0.0.1:PORT for PATH, RATE times a second for SECONDS and one more before, and prints how late the ticks were.";

/// Room for an answer, in bytes.
const ANSWER: usize = 16 << 10;
/// What a good answer begins with.
const GOOD: &[u8] = b"HTTP/1.1 200 ";

/// What is to be asked.
struct Work {
    port: u16,
    path: String,
    rate: u32, // a second
    connections: u16,
    seconds: u32,
}

impl Work {
    fn of(arguments: &[String]) -> Option<Self> {
        let [port, path, rate, connections, seconds] = arguments else {
            return None;
        };
        let work = Self {
            port: port.parse().ok()?,
            path: path.clone(),
            rate: rate.parse().ok()?,
            connections: connections.parse().ok()?,
            seconds: seconds.parse().ok()?,
        };
        let is_sane = (1..=1_000_000).contains(&work.rate)
            && (1..=10_000).contains(&work.connections)
            && (1..=3_600).contains(&work.seconds);
        is_sane.then_some(work)
    }
}

/// What came of it.
#[derive(Default)]
struct Kept {
    lags: Vec<Duration>,
    failures: u64, // answers that were not there in time, or no good
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, not a part of the library"
)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(work) = Work::of(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match keep_time(&work) {
        Ok(kept) => {
            println!("{}", told(kept));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keep_time(work: &Work) -> io::Result<Kept> {
    let mut connections = (0..work.connections)
        .map(|_| connect(work.port))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| io::Error::other(format!("127.0.0.1:{}: {error}", work.port)))?;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
        work.path, work.port
    );
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)?;
    let mut kept = Kept::default();
    let begin = Instant::now();
    let ticks = 0..work.rate * (work.seconds + 1);
    for (tick, turn) in ticks.zip((0..connections.len()).cycle()) {
        let due = begin + Duration::from_secs(1) * tick / work.rate;
        let left = due.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            let once = Expiration::OneShot(TimeSpec::from_duration(left));
            timer.set(once, TimerSetTimeFlags::empty())?;
            timer.wait()?;
        }
        if tick >= work.rate {
            kept.lags.push(due.elapsed());
        }
        let connection = &mut connections[turn];
        if tick >= u32::from(work.connections) && !has_good_answer(connection)? {
            kept.failures += 1;
        }
        connection.write_all(head.as_bytes())?;
    }
    Ok(kept)
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn has_good_answer(connection: &mut TcpStream) -> io::Result<bool> {
    let mut answer = [0; ANSWER];
    match connection.read(&mut answer) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(length) => Ok(answer[..length].starts_with(GOOD)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

fn told(mut kept: Kept) -> String {
    kept.lags.sort_unstable();
    let last = kept.lags.len() - 1; // there is at least one second of them
    let micros = |percent: usize| kept.lags[last * percent / 100].as_secs_f64() * 1e6;
    format!(
        r#"{{"starts": {}, "failures": {}, "p50_us": {:.1}, "p99_us": {:.1}, "max_us": {:.1}}}"#,
        kept.lags.len(),
        kept.failures,
        micros(50),
        micros(99),
        micros(100),
    )
}
