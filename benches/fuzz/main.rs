//! Fuzzes what reads logs, traces and metrics: changed inputs for some time, none of which may panic, hang, take much memory or break
//! what must hold.
//!
//!     cargo run --release --example fuzz -- import|read|metrics [SECONDS [SEED]]
//!     cargo run --example fuzz -- import|read|metrics --case NUMBER
//!
//! A case follows from its number, and the numbers from the seed. The first one that fails is printed, and ends it.
#![expect(clippy::print_stdout, reason = "a bench tells what it found")]

mod cases;
mod logs;
mod metrics;
mod mutate;
mod traces;

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::time::Instant;

/// A case that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(20);
/// The most memory of all cases, in MB: 2^20 bytes.
const MOST_MB: u64 = 200;

/// What a case is done with: its number.
type Case = fn(u64) -> Result<(), String>;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (what, rest) = arguments
        .split_first()
        .context("import, read or metrics?")?;
    let case: Case = match *what {
        "import" => cases::import,
        "read" => cases::read,
        "metrics" => cases::metrics,
        other => bail!("{other}: import, read or metrics?"),
    };
    if let ["--case", number] = rest {
        case(number.parse()?).map_err(anyhow::Error::msg)?;
        return Ok(ExitCode::SUCCESS);
    }
    let number = |at: usize, otherwise: u64| rest.get(at).map_or(Ok(otherwise), |it| it.parse());
    let (seconds, seed) = (number(0, 600)?, number(1, 1)?);
    let done = run(case, Duration::from_secs(seconds), seed)
        .with_context(|| format!("again with: {what} --case"))?;
    let peak = peak_mb()?;
    println!("{what}: {done} cases from seed {seed} in {seconds} s, {peak} MB at most");
    ensure!(peak <= MOST_MB, "more than {MOST_MB} MB");
    Ok(ExitCode::SUCCESS)
}

/// Runs cases until the time is over, and returns how many.
fn run(case: Case, time: Duration, seed: u64) -> Result<u64> {
    let (tell, told) = mpsc::sync_channel(0);
    let (hand, handed) = mpsc::sync_channel(0);
    thread::spawn(move || {
        while let Ok(number) = handed.recv() {
            let result = catch_unwind(|| case(number));
            let result = result.unwrap_or_else(|_| Err("it panicked".to_owned()));
            if tell.send(result).is_err() {
                return;
            }
        }
    });
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < time {
        let number = seed.wrapping_mul(1 << 32).wrapping_add(done);
        hand.send(number)?;
        match told.recv_timeout(LONGEST) {
            Ok(Ok(())) => done += 1,
            Ok(Err(why)) => bail!("case {number}: {why}"),
            Err(_) => bail!("case {number} takes more than {LONGEST:?}"),
        }
    }
    Ok(done)
}

/// The most memory that the process has had, in MB.
fn peak_mb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|it| it.trim().strip_suffix(" kB"));
    Ok(peak.context("no VmHWM")?.parse::<u64>()? / 1024)
}
