//! A process by `/proc`: its processor time, its memory, and what else the system tells of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::find;
use super::proc::{self, Stat};
use super::reading::{Life, Reading, float};
use super::record::Unit;
use super::source::{ProcessBy, ProcessPlace};

/// The most processes of a family.
const MOST_CHILDREN: usize = 10_000;

/// Reads a process, and finds it again when another has taken its place.
#[derive(Debug)]
pub(super) struct ProcessReader {
    place: ProcessPlace,
    /// The one that was read last.
    known: Option<Known>,
    /// Of its family: the processor time of those that are there, and that of all that were seen.
    family: BTreeMap<(u32, u64), Duration>,
    family_cpu: Duration,
}

/// A process that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    pid: u32,
    started_ticks: u64,
}

/// What one process uses.
#[derive(Debug, Default, Clone, Copy)]
struct Use {
    memory: Option<u64>,
    open_files: Option<u64>,
    threads: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
}

impl ProcessReader {
    pub(super) const fn new(place: ProcessPlace) -> Self {
        Self {
            place,
            known: None,
            family: BTreeMap::new(),
            family_cpu: Duration::ZERO,
        }
    }

    /// Reads it once.
    ///
    /// # Errors
    /// Returns what to tell people if there is nothing to read.
    pub(super) fn read(&mut self) -> Result<Reading, String> {
        if let ProcessBy::Thread(thread) = self.place.by {
            return read_thread(thread);
        }
        let (known, stat) = self.find()?;
        if self.known != Some(known) {
            (self.family, self.family_cpu) = (BTreeMap::new(), Duration::ZERO);
        }
        self.known = Some(known);
        let mut reading = Reading::new(Instant::now());
        reading.life = Some(life(known, reading.at));
        let (cpu, used) = if self.place.children {
            let members = members(known.pid, stat);
            (
                self.add_up(&members),
                members
                    .keys()
                    .map(|pid| usage(*pid))
                    .fold(Use::default(), Use::and),
            )
        } else {
            (stat.cpu, usage(known.pid))
        };
        reading.counter("cpu", Unit::Seconds, Some(cpu.as_secs_f64()));
        used.add_to(&mut reading);
        if used.open_files.is_none() || used.read.is_none() {
            reading.problems.push(
                "open files and disk use cannot be read of a process of another user: run as that user, or as root".into(),
            );
        }
        Ok(reading)
    }

    /// Returns the process that is read now.
    fn find(&self) -> Result<(Known, Stat), String> {
        if let Some(known) = self.known {
            match stat_of(known.pid) {
                Ok(stat) if stat.started_ticks == known.started_ticks && !stat.is_zombie => {
                    return Ok((known, stat));
                }
                _ if matches!(self.place.by, ProcessBy::Pid(_)) => {
                    return Err(format!(
                        "process {} has ended; what has its number now is another one",
                        known.pid
                    ));
                }
                _ => {}
            }
        }
        let pid = find::find(&self.place.by)?;
        let stat = stat_of(pid).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no process {pid}"),
            _ => format!("process {pid} cannot be read: {error}"),
        })?;
        if stat.is_zombie {
            return Err(format!("process {pid} has ended"));
        }
        let started_ticks = stat.started_ticks;
        Ok((Known { pid, started_ticks }, stat))
    }

    /// Adds up the processor time of a family: what each has used since it was seen last. What a child used between the last
    /// reading and its end is not seen.
    fn add_up(&mut self, members: &BTreeMap<u32, Stat>) -> Duration {
        let now = members
            .iter()
            .map(|(pid, it)| ((*pid, it.started_ticks), it.cpu));
        let now: BTreeMap<_, _> = now.collect();
        for (member, cpu) in &now {
            let before = self.family.get(member).copied().unwrap_or_default();
            self.family_cpu += cpu.saturating_sub(before);
        }
        self.family = now;
        self.family_cpu
    }
}

impl Use {
    fn and(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        };
        Self {
            memory: sum(self.memory, other.memory),
            open_files: sum(self.open_files, other.open_files),
            threads: sum(self.threads, other.threads),
            read: sum(self.read, other.read),
            written: sum(self.written, other.written),
        }
    }

    fn add_to(&self, reading: &mut Reading) {
        reading.gauge("memory", Unit::Bytes, self.memory);
        reading.gauge("open_files", Unit::Plain, self.open_files);
        reading.gauge("threads", Unit::Plain, self.threads);
        reading.counter("read_bytes", Unit::Bytes, self.read.map(float));
        reading.counter("written_bytes", Unit::Bytes, self.written.map(float));
    }
}

fn stat_of(pid: u32) -> io::Result<Stat> {
    let text = proc::text(format!("/proc/{pid}/stat"))?;
    proc::stat(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn usage(pid: u32) -> Use {
    let text = |name: &str| proc::text(format!("/proc/{pid}/{name}")).ok();
    let status = text("status").unwrap_or_default();
    let io = text("io").unwrap_or_default();
    Use {
        memory: proc::field(&status, "VmRSS").map(|it| it.saturating_mul(1024)),
        threads: proc::field(&status, "Threads"),
        open_files: open_files(pid),
        read: proc::field(&io, "read_bytes"),
        written: proc::field(&io, "write_bytes"),
    }
}

/// Since Linux 6.2 it is the size of the directory. Before, they are counted one by one.
fn open_files(pid: u32) -> Option<u64> {
    let directory = format!("/proc/{pid}/fd");
    // Whose directory cannot be listed shows a size all the same.
    let mut entries = fs::read_dir(&directory).ok()?;
    let size = fs::metadata(&directory).ok()?.len();
    if size > 0 {
        return Some(size);
    }
    u64::try_from(entries.by_ref().count()).ok()
}

/// Returns which run of a program it is, and when it began.
fn life(known: Known, now: Instant) -> Life {
    let uptime = proc::text("/proc/uptime").ok();
    let uptime = uptime.and_then(|it| proc::uptime(&it));
    let age = uptime.map(|it| it.saturating_sub(proc::ticks(known.started_ticks)));
    Life {
        id: (known.pid.into(), known.started_ticks),
        is_rounded: false,
        began: age.and_then(|age| now.checked_sub(age)),
    }
}

/// Returns a process and all that it has started, directly or not.
fn members(root: u32, stat: Stat) -> BTreeMap<u32, Stat> {
    let mut members = BTreeMap::from([(root, stat)]);
    let all: Vec<(u32, Stat)> = find::pids()
        .filter_map(|pid| Some((pid, stat_of(pid).ok()?)))
        .collect();
    loop {
        let before = members.len();
        for (pid, stat) in &all {
            if members.contains_key(&stat.parent) && members.len() < MOST_CHILDREN {
                members.entry(*pid).or_insert(*stat);
            }
        }
        if members.len() == before {
            return members;
        }
    }
}

/// Reads a thread of this process. Its memory is that of all threads.
fn read_thread(thread: u32) -> Result<Reading, String> {
    let schedstat = proc::text(format!("/proc/self/task/{thread}/schedstat"))
        .map_err(|error| format!("the thread of the embedded registry cannot be read: {error}"))?;
    let mut reading = Reading::new(Instant::now());
    let cpu = proc::run_time(&schedstat).ok_or("this system keeps no count of what threads use")?;
    reading.counter("cpu", Unit::Seconds, Some(cpu.as_secs_f64()));
    Ok(reading)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
