//! One reading of everything the system reports about this process and its machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tokio::time::Instant;

use super::proc::{
    self, CoreTimes, ProcFile, ProcessTimes, Segments, Sockets, ThreadTimes, Throttle,
};

/// What was read at one moment. Times and counts go up from an unknown start; only differences mean something.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) at: Instant,
    /// By number of the worker.
    pub(super) workers: BTreeMap<usize, ThreadTimes>,
    pub(super) process: Option<ProcessTimes>,
    pub(super) resident_bytes: Option<u64>,
    /// Those that this process may use.
    pub(super) cores: Option<Vec<CoreTimes>>,
    pub(super) throttle: Option<Throttle>,
    /// For how long some task of the machine waited for a core.
    pub(super) cpu_stalled_us: Option<u64>,
    /// For how long some task of the machine waited for memory.
    pub(super) memory_stalled_us: Option<u64>,
    pub(super) open_files: Option<u64>,
    pub(super) sockets: Option<Sockets>,
    pub(super) segments: Option<Segments>,
}

impl Sample {
    /// Creates the reading of a system that reports nothing.
    #[cfg(test)]
    pub(super) const fn silent(at: Instant) -> Self {
        Self {
            at,
            workers: BTreeMap::new(),
            process: None,
            resident_bytes: None,
            cores: None,
            throttle: None,
            cpu_stalled_us: None,
            memory_stalled_us: None,
            open_files: None,
            sockets: None,
            segments: None,
        }
    }
}

/// What does not change within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fixed {
    /// The soft limit on open files.
    pub(super) open_files_limit: Option<u64>,
    /// The number of ports for outgoing connections.
    pub(super) ports: Option<u64>,
}

impl Fixed {
    pub(super) fn read() -> Self {
        let text = |path| fs::read_to_string(path).ok();
        Self {
            open_files_limit: text("/proc/self/limits")
                .and_then(|it| proc::open_files_limit(&it))
                .map(|limit| limit.soft),
            ports: text("/proc/sys/net/ipv4/ip_local_port_range")
                .and_then(|it| proc::port_range(&it)),
        }
    }
}

/// The open files, and the buffer that all of them are read into.
#[derive(Debug)]
pub(super) struct Sampler {
    workers: BTreeMap<usize, (u32, ProcFile)>,
    stat: ProcFile,
    status: ProcFile,
    machine: ProcFile,
    cpu_stat: ProcFile,
    cpu_pressure: ProcFile,
    memory_pressure: ProcFile,
    sockstat: ProcFile,
    sockstat6: ProcFile,
    snmp: ProcFile,
    buffer: Vec<u8>,
    second_buffer: Vec<u8>,
}

impl Sampler {
    pub(super) fn new() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let groups = text("/proc/self/cgroup");
        let candidates = proc::cpu_stat_candidates(&groups, &text("/proc/self/mountinfo"));
        Self {
            workers: BTreeMap::new(),
            stat: ProcFile::open("/proc/self/stat"),
            status: ProcFile::open("/proc/self/status"),
            machine: ProcFile::open("/proc/stat"),
            cpu_stat: ProcFile::first_of(candidates, proc::throttle),
            cpu_pressure: ProcFile::open("/proc/pressure/cpu"),
            memory_pressure: ProcFile::open("/proc/pressure/memory"),
            sockstat: ProcFile::open("/proc/self/net/sockstat"),
            sockstat6: ProcFile::open("/proc/self/net/sockstat6"),
            snmp: ProcFile::open("/proc/self/net/snmp"),
            buffer: Vec::new(),
            second_buffer: Vec::new(),
        }
    }

    /// Adds the workers that have registered their thread since the last time.
    pub(super) fn watch(&mut self, threads: &BTreeMap<usize, u32>) {
        for (&worker, &thread) in threads {
            if self
                .workers
                .get(&worker)
                .is_none_or(|(it, _)| *it != thread)
            {
                let file = ProcFile::open(format!("/proc/self/task/{thread}/schedstat"));
                self.workers.insert(worker, (thread, file));
            }
        }
    }

    /// Reads everything once: a dozen system calls or two, and no allocation that grows.
    pub(super) fn sample(&mut self) -> Sample {
        let buffer = &mut self.buffer;
        let at = Instant::now();
        let workers = self.workers.iter().filter_map(|(worker, (_, file))| {
            let times = proc::thread_times(file.read(buffer)?)?;
            Some((*worker, times))
        });
        let workers = workers.collect();
        let (resident_bytes, allowed) = match self.status.read(buffer) {
            Some(status) => (proc::resident(status), proc::allowed_cores(status)),
            None => (None, None),
        };
        let sockets = self.sockstat.read(buffer).and_then(|v4| {
            let v6 = self.sockstat6.read(&mut self.second_buffer);
            proc::sockets(v4, v6)
        });
        Sample {
            at,
            workers,
            process: self.stat.read(buffer).and_then(proc::process_times),
            resident_bytes,
            cores: allowed.and_then(|allowed| self.cores(&allowed)),
            throttle: self
                .cpu_stat
                .read(&mut self.buffer)
                .and_then(proc::throttle),
            cpu_stalled_us: self
                .cpu_pressure
                .read(&mut self.buffer)
                .and_then(proc::stalled_us),
            memory_stalled_us: self
                .memory_pressure
                .read(&mut self.buffer)
                .and_then(proc::stalled_us),
            open_files: proc::open_files(),
            sockets,
            segments: self.snmp.read(&mut self.buffer).and_then(proc::segments),
        }
    }

    fn cores(&mut self, allowed: &BTreeSet<u32>) -> Option<Vec<CoreTimes>> {
        proc::cores(self.machine.read(&mut self.buffer)?, allowed)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_what_every_linux_tells() {
        let link = fs::read_link("/proc/thread-self").unwrap();
        let thread = proc::thread_id(link.to_str().unwrap()).unwrap();
        let mut sampler = Sampler::new();
        sampler.watch(&BTreeMap::from([(3, thread)]));
        let sample = sampler.sample();
        assert!(sample.process.is_some());
        assert!(sample.resident_bytes.unwrap() > 1 << 20);
        let allowed = std::thread::available_parallelism().unwrap().get();
        // A quota lowers the parallelism, not the number of allowed cores.
        assert!(sample.cores.unwrap().len() >= allowed);
        assert!(sample.open_files.unwrap() > 3);
        assert!(Fixed::read().open_files_limit.unwrap() > 3);
    }

    #[test]
    fn a_thread_that_is_gone_says_nothing() {
        let mut sampler = Sampler::new();
        let thread = std::thread::spawn(|| {
            let link = fs::read_link("/proc/thread-self").unwrap();
            proc::thread_id(link.to_str().unwrap()).unwrap()
        });
        let id = thread.join().unwrap();
        sampler.watch(&BTreeMap::from([(0, id)]));
        assert!(sampler.sample().workers.is_empty());
    }
}
