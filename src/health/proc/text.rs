//! Parsers of the texts under `/proc`. Each takes a whole text and returns nothing rather than a guess.

use std::collections::BTreeSet;

/// Ticks of the processor times in a second. Linux shows them in this unit to every program, whatever its own clock.
const TICKS_PER_S: u64 = 100;
const TICK_US: u64 = 1_000_000 / TICKS_PER_S;

/// How long a thread has run, and how long it could have run and did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct ThreadTimes {
    pub(in crate::health) on_cpu_ns: u64,
    pub(in crate::health) waiting_ns: u64,
}

/// What the process has used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct ProcessTimes {
    /// In steps of 10 ms.
    pub(in crate::health) cpu_us: u64,
    /// Pages that had to come from a disk.
    pub(in crate::health) major_faults: u64,
}

/// Where the time of one core went, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct CoreTimes {
    pub(in crate::health) core: u32,
    /// Nothing to do, or nothing but waiting for a disk.
    pub(in crate::health) idle: u64,
    /// The machine below had something else to do.
    pub(in crate::health) steal: u64,
    /// All of it.
    pub(in crate::health) total: u64,
}

/// `RLIMIT_NOFILE`; `u64::MAX` stands for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct OpenFilesLimit {
    pub(in crate::health) soft: u64,
    pub(in crate::health) hard: u64,
}

/// TCP sockets of the network namespace, IPv4 and IPv6 together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct Sockets {
    pub(in crate::health) in_use: u64,
    pub(in crate::health) time_wait: u64,
}

/// TCP segments of the network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct Segments {
    pub(in crate::health) sent: u64,
    pub(in crate::health) sent_again: u64,
}

/// The thread that `/proc/thread-self` leads to, `7936/task/7940`.
pub(in crate::health) fn thread_id(link: &str) -> Option<u32> {
    let (_, id) = link.split_once("/task/")?;
    id.parse().ok()
}

/// `/proc/self/task/TID/schedstat`: time on a core, time runnable but waiting, turns. A kernel that does not keep
/// count shows three zeros.
pub(in crate::health) fn thread_times(schedstat: &str) -> Option<ThreadTimes> {
    let mut numbers = schedstat.split_whitespace().map(str::parse);
    let times = ThreadTimes {
        on_cpu_ns: numbers.next()?.ok()?,
        waiting_ns: numbers.next()?.ok()?,
    };
    let turns: u64 = numbers.next()?.ok()?;
    (turns > 0).then_some(times)
}

/// `/proc/self/stat`. The name of the program stands in brackets and may hold anything, brackets included.
pub(in crate::health) fn process_times(stat: &str) -> Option<ProcessTimes> {
    let (_, fields) = stat.rsplit_once(')')?;
    // The third field of proc_pid_stat(5) is the first one here: majflt is the 12th there, utime 14th, stime 15th.
    let mut fields = fields.split_whitespace().skip(12 - 3);
    let major_faults = fields.next()?.parse().ok()?;
    let user: u64 = fields.nth(1)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(ProcessTimes {
        cpu_us: user.checked_add(system)?.checked_mul(TICK_US)?,
        major_faults,
    })
}

/// The cores in `/proc/stat` that are allowed, in its order. Guest time is part of user time there.
pub(in crate::health) fn cores(stat: &str, allowed: &BTreeSet<u32>) -> Option<Vec<CoreTimes>> {
    let times = stat.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let core = fields.next()?.strip_prefix("cpu")?.parse().ok()?;
        if !allowed.contains(&core) {
            return None;
        }
        // user nice system idle iowait irq softirq steal; the last three are younger than the rest
        let ticks: Vec<u64> = fields.map_while(|it| it.parse().ok()).take(8).collect();
        let at = |index: usize| ticks.get(index).copied().unwrap_or(0);
        (ticks.len() >= 4).then(|| CoreTimes {
            core,
            idle: at(3) + at(4),
            steal: at(7),
            total: ticks.iter().sum(),
        })
    });
    let times: Vec<CoreTimes> = times.collect();
    (!times.is_empty()).then_some(times)
}

/// The cores that `/proc/self/status` allows: `Cpus_allowed_list: 0-1,4`.
pub(in crate::health) fn allowed_cores(status: &str) -> Option<BTreeSet<u32>> {
    const MOST: u32 = 1 << 16;
    let mut cores = BTreeSet::new();
    for range in field(status, "Cpus_allowed_list")?.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        cores.extend(first..=last.min(MOST));
    }
    (!cores.is_empty()).then_some(cores)
}

/// The bytes of memory in use, from `/proc/self/status`.
pub(in crate::health) fn resident(status: &str) -> Option<u64> {
    kib(field(status, "VmRSS")?)
}

/// The bytes of memory that programs can still have without swapping, from `/proc/meminfo`.
pub(in crate::health) fn memory_available(meminfo: &str) -> Option<u64> {
    kib(field(meminfo, "MemAvailable")?)
}

/// `Max open files` of `/proc/self/limits`.
pub(in crate::health) fn open_files_limit(limits: &str) -> Option<OpenFilesLimit> {
    let limit = |text: &str| match text {
        "unlimited" => Some(u64::MAX),
        _ => text.parse().ok(),
    };
    let line = limits
        .lines()
        .find_map(|it| it.strip_prefix("Max open files"))?;
    let mut fields = line.split_whitespace();
    Some(OpenFilesLimit {
        soft: limit(fields.next()?)?,
        hard: limit(fields.next()?)?,
    })
}

/// How long some task of the machine has been stalled, in microseconds: `total` of the line `some` of
/// `/proc/pressure/*`. Differences of it know no time before the window, as `avg10` does.
pub(in crate::health) fn stalled_us(pressure: &str) -> Option<u64> {
    let line = pressure.lines().find_map(|it| it.strip_prefix("some "))?;
    let mut fields = line.split_whitespace();
    fields
        .find_map(|it| it.strip_prefix("total="))?
        .parse()
        .ok()
}

/// TCP sockets of `/proc/net/sockstat` and, where there is IPv6, `/proc/net/sockstat6`. The former counts the sockets
/// in `TIME_WAIT` of both.
pub(in crate::health) fn sockets(sockstat: &str, sockstat6: Option<&str>) -> Option<Sockets> {
    let named = |text: &str, protocol: &str, name: &str| {
        let line = text.lines().find_map(|it| it.strip_prefix(protocol))?;
        let mut fields = line.split_whitespace();
        fields.find(|it| *it == name)?;
        fields.next()?.parse::<u64>().ok()
    };
    let in_use = named(sockstat, "TCP:", "inuse")?;
    let in_use_6 = sockstat6.and_then(|it| named(it, "TCP6:", "inuse"));
    Some(Sockets {
        in_use: in_use.saturating_add(in_use_6.unwrap_or(0)),
        time_wait: named(sockstat, "TCP:", "tw")?,
    })
}

/// `OutSegs` and `RetransSegs` of the two lines `Tcp:` of `/proc/net/snmp`, found by name. Those sent again are not
/// among the former.
pub(in crate::health) fn segments(snmp: &str) -> Option<Segments> {
    let mut lines = snmp.lines().filter_map(|it| it.strip_prefix("Tcp: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted: &str| {
        let at = names.split_whitespace().position(|it| it == wanted)?;
        values.split_whitespace().nth(at)?.parse().ok()
    };
    Some(Segments {
        sent: value("OutSegs")?,
        sent_again: value("RetransSegs")?,
    })
}

/// The number of ports in `/proc/sys/net/ipv4/ip_local_port_range`.
pub(in crate::health) fn port_range(text: &str) -> Option<u64> {
    let mut ends = text.split_whitespace().map(str::parse::<u16>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    (first <= last).then(|| u64::from(last - first) + 1)
}

/// Returns the value of the first line `name: value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key == name).then(|| value.trim())
    })
}

fn kib(text: &str) -> Option<u64> {
    let number = text.strip_suffix("kB")?.trim();
    number.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests;
