//! Texts of `/proc` and `/sys` that tell of one process, device or group.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

/// Ticks of the processor times in a second. Linux shows them in this unit to every program, whatever its own clock.
const TICKS_PER_S: u64 = 100;

/// The most of a text that is read.
const MOST: u64 = 4 << 20;

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) parent: u32,
    /// User and system time so far.
    pub(super) cpu: Duration,
    /// When it started, in ticks since the machine booted. With its number it tells a process from all others.
    pub(super) started_ticks: u64,
    /// Whether it has ended, and its parent does not know yet.
    pub(super) is_zombie: bool,
}

/// Reads a text that is made up when it is read.
pub(super) fn text(path: impl AsRef<Path>) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads `/proc/PID/stat`. The name of the program stands in brackets and may hold anything, brackets included.
pub(super) fn stat(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    // The third field of proc_pid_stat(5) is the first one here: ppid is the 4th there, utime 14th, stime 15th, starttime 22nd.
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let user: u64 = fields.nth(14 - 5)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let started_ticks = fields.nth(22 - 16)?.parse().ok()?;
    Some(Stat {
        parent,
        cpu: ticks(user.checked_add(system)?),
        started_ticks,
        is_zombie: matches!(state, "Z" | "X" | "x"),
    })
}

/// Returns a time that is told in ticks.
pub(super) const fn ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(1000 / TICKS_PER_S))
}

/// Returns how long the machine has run: `/proc/uptime`.
pub(super) fn uptime(text: &str) -> Option<Duration> {
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Returns the number behind a name and a colon, as in `/proc/PID/status` and `/proc/PID/io`.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

/// Returns the number behind a name and a blank, as in `cpu.stat` and `memory.stat`.
pub(super) fn entry(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

/// Returns the time that a thread has run: the first number of its `schedstat`, in nanoseconds.
pub(super) fn run_time(schedstat: &str) -> Option<Duration> {
    let mut numbers = schedstat.split_whitespace().map(str::parse::<u64>);
    let (on_cpu, turns) = (numbers.next()?.ok()?, numbers.nth(1)?.ok()?);
    // A kernel that does not keep count shows three zeros.
    (turns > 0).then(|| Duration::from_nanos(on_cpu))
}

/// Returns the processor time of the calling thread so far.
pub(super) fn own_time() -> Option<Duration> {
    run_time(&text("/proc/thread-self/schedstat").ok()?)
}

/// The inodes of the sockets that listen on a port: those of `/proc/net/tcp` or `/proc/net/tcp6`.
pub(super) fn listening(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let sockets = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (_, local) = fields.next()?.rsplit_once(':')?;
        let state = fields.nth(1)?;
        let is_ours = state == LISTEN && u16::from_str_radix(local, 16) == Ok(port);
        is_ours.then(|| fields.nth(5)?.parse().ok())?
    });
    sockets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_may_hold_anything() {
        let line = "28500 (a) R 1 (b)) S 7 28494 24386 0 -1 4194304 102 0 3 0 150 50 9 9 20 0 1 0 147717 3133440 412 18446744073709551615";
        let stat = stat(line).unwrap();
        assert_eq!((stat.parent, stat.started_ticks), (7, 147_717));
        assert_eq!((stat.cpu, stat.is_zombie), (Duration::from_secs(2), false));
        assert_eq!(super::stat("28500 (cat"), None);
        assert_eq!(super::stat(""), None);
    }

    #[test]
    fn sockets_that_listen_on_a_port() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 318211 1 00000000fc0d0ac6 100 0 0 10 0
   1: 0100007F:1388 0100007F:A4BD 01 00000000:00000000 00:00000000 00000000     0        0 332368 1 00000000217f23ba 100 0 0 10 0
   2: 00000000000000000000000000000000:1388 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1
";
        assert_eq!(listening(table, 5000), [318_211, 7]);
        assert_eq!(listening(table, 42_173), [0; 0]);
        assert_eq!(listening("garbage\n:\n", 1), [0; 0]);
    }

    #[test]
    fn fields_and_entries() {
        let status = "Name:\tcat\nVmRSS:\t    1756 kB\nThreads:\t1\n";
        assert_eq!(field(status, "VmRSS"), Some(1756));
        assert_eq!(field(status, "Vm"), None);
        assert_eq!(
            entry("usage_usec 12\nuser_usec 5\n", "usage_usec"),
            Some(12)
        );
        assert_eq!(entry("usage_usec x\n", "usage_usec"), None);
        assert_eq!(run_time("1500 7 3\n"), Some(Duration::from_nanos(1500)));
        assert_eq!(run_time("0 0 0\n"), None);
        assert_eq!(
            uptime("350735.47 234388.90\n"),
            Some(Duration::from_millis(350_735_470))
        );
    }
}
