//! Whether what a plan needs fits into this machine, before the first request.

use std::fmt;
use std::fs;
use std::time::Duration;

use super::proc;
use crate::units::{bytes, count, duration};

/// How long a port is kept back after its connection was closed from this side (`TCP_TIMEWAIT_LEN`).
const TIME_WAIT: Duration = Duration::from_mins(1);
/// How long where the system may take it again sooner (`net.ipv4.tcp_tw_reuse`).
const TIME_WAIT_REUSE: Duration = Duration::from_secs(1);

/// What this process may use. `None` where the system does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// How many files it may have open (`RLIMIT_NOFILE`, soft); `u64::MAX` for no limit.
    pub open_files_soft: Option<u64>,
    /// How many it may allow itself (the hard limit).
    pub open_files_hard: Option<u64>,
    /// The number of ports for outgoing connections to one destination.
    pub ports: Option<u64>,
    /// When the port of a closed connection may be used again.
    pub port_reuse: Option<PortReuse>,
    /// Bytes of memory that can be had without swapping.
    pub memory_available: Option<u64>,
}

/// When the port of a closed connection may be used again: `net.ipv4.tcp_tw_reuse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortReuse {
    /// After a minute.
    Never,
    /// After a second.
    Always,
    /// After a second within the machine, after a minute otherwise: the default of Linux.
    Loopback,
}

/// The network between this machine and the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Over an address of this machine.
    Loopback,
    /// Over a network.
    Network,
}

/// What a plan needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The most connections that are open at once.
    pub connections: u64,
    /// Descriptors that each takes: 2 when the registry's end is in this process, too, and 1 otherwise.
    pub descriptors_per_connection: u64,
    /// Descriptors for everything else.
    pub other_descriptors: u64,
    /// Connections that are newly made in a second, to one address of the target and in the busiest minute; 0 if they
    /// are kept.
    pub new_connections_per_s: u64,
    /// The way to the target.
    pub route: Route,
    /// Virtual users.
    pub vus: u64,
    /// Bytes of memory that each takes, with its connections.
    pub bytes_per_vu: u64,
    /// Bytes of memory for everything else: histograms, images.
    pub other_bytes: u64,
    /// Bytes of memory for the manifests and blobs of replays.
    pub replay_bytes: u64,
}

/// Something that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The process may not open that many files, even if it raises its own limit.
    OpenFiles {
        /// Connections that the plan wants.
        wanted: u64,
        /// Connections that fit.
        fits: u64,
        /// The hard limit on descriptors.
        limit: u64,
    },
    /// Ports are used up faster than they come back.
    Ports {
        /// New connections per minute that the plan wants.
        wanted: u64,
        /// New connections per minute that fit, beside those that are open.
        fits: u64,
        /// The number of ports.
        ports: u64,
        /// How long a port is kept back.
        kept_back: Duration,
    },
    /// There is not enough memory for the content of replays, whatever the number of users.
    Replays {
        /// Bytes that it takes.
        needed_bytes: u64,
        /// Bytes that there are.
        available_bytes: u64,
    },
    /// There is not that much memory.
    Memory {
        /// Virtual users that the plan wants.
        wanted: u64,
        /// Virtual users that fit.
        fits: u64,
        /// Bytes that the plan takes.
        needed_bytes: u64,
        /// Bytes that there are.
        available_bytes: u64,
    },
}

impl Limits {
    /// Reads the limits of this process.
    pub fn read() -> Self {
        let text = |path| fs::read_to_string(path).ok();
        let open_files = text("/proc/self/limits").and_then(|it| proc::open_files_limit(&it));
        let ports = text("/proc/sys/net/ipv4/ip_local_port_range");
        let reuse = text("/proc/sys/net/ipv4/tcp_tw_reuse");
        let memory = text("/proc/meminfo");
        Self {
            open_files_soft: open_files.map(|it| it.soft),
            open_files_hard: open_files.map(|it| it.hard),
            ports: ports.and_then(|it| proc::port_range(&it)),
            port_reuse: reuse.and_then(|it| PortReuse::parse(&it)),
            memory_available: memory.and_then(|it| proc::memory_available(&it)),
        }
    }
}

impl PortReuse {
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "0" => Some(Self::Never),
            "1" => Some(Self::Always),
            "2" => Some(Self::Loopback),
            _ => None,
        }
    }

    const fn kept_back(self, route: Route) -> Duration {
        match (self, route) {
            (Self::Always, _) | (Self::Loopback, Route::Loopback) => TIME_WAIT_REUSE,
            (Self::Never, _) | (Self::Loopback, Route::Network) => TIME_WAIT,
        }
    }
}

impl Demand {
    /// Descriptors that the plan needs; what the soft limit has to be raised to if it is lower.
    pub const fn descriptors(&self) -> u64 {
        self.connections
            .saturating_mul(self.descriptors_per_connection)
            .saturating_add(self.other_descriptors)
    }

    /// Returns what does not fit into these limits. A limit that is not known is taken as none.
    pub fn problems(&self, limits: &Limits) -> Vec<Problem> {
        [
            self.open_files(limits),
            self.ports(limits),
            self.memory(limits),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn open_files(&self, limits: &Limits) -> Option<Problem> {
        let limit = limits.open_files_hard?;
        (self.descriptors() > limit).then(|| Problem::OpenFiles {
            wanted: self.connections,
            fits: limit.saturating_sub(self.other_descriptors)
                / self.descriptors_per_connection.max(1),
            limit,
        })
    }

    /// Returns the problem with ports, if there is one. A port is taken as long as its connection is open, and kept back for
    /// a while after, unless the target closes first, which is not known here.
    fn ports(&self, limits: &Limits) -> Option<Problem> {
        let ports = limits.ports?;
        let kept_back = limits.port_reuse?.kept_back(self.route);
        let seconds = kept_back.as_secs();
        let taken = self
            .connections
            .saturating_add(self.new_connections_per_s.saturating_mul(seconds));
        (taken > ports).then(|| Problem::Ports {
            wanted: self.new_connections_per_s.saturating_mul(60),
            fits: ports.saturating_sub(self.connections).saturating_mul(60) / seconds.max(1),
            ports,
            kept_back,
        })
    }

    fn memory(&self, limits: &Limits) -> Option<Problem> {
        let available_bytes = limits.memory_available?;
        if self.replay_bytes > available_bytes {
            return Some(Problem::Replays {
                needed_bytes: self.replay_bytes,
                available_bytes,
            });
        }
        let other_bytes = self.other_bytes.saturating_add(self.replay_bytes);
        let of_vus = self.vus.saturating_mul(self.bytes_per_vu);
        let needed_bytes = of_vus.saturating_add(other_bytes);
        (needed_bytes > available_bytes).then(|| Problem::Memory {
            wanted: self.vus,
            fits: available_bytes.saturating_sub(other_bytes) / self.bytes_per_vu.max(1),
            needed_bytes,
            available_bytes,
        })
    }
}

impl fmt::Display for Problem {
    /// Returns what is too much, what fits, and the setting to change.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OpenFiles {
                wanted,
                fits,
                limit,
            } => write!(
                f,
                "the plan needs up to {} connections at once, and {} fit into the {} files that this process may \
                 open: raise the limit (ulimit -n), or lower `vus` or `parallel`",
                count(wanted),
                count(fits),
                count(limit)
            ),
            Self::Ports {
                wanted,
                fits,
                ports,
                kept_back,
            } => write!(
                f,
                "the plan makes {} new connections a minute, and {} fit into {} ports, each kept back for {} after \
                 its use: keep connections alive, lower the rate, or widen net.ipv4.ip_local_port_range",
                count(wanted),
                count(fits),
                count(ports),
                duration(kept_back)
            ),
            Self::Replays {
                needed_bytes,
                available_bytes,
            } => write!(
                f,
                "the replays take about {} of memory for their manifests and blobs, and {} are available: choose a \
                 shorter slice of the trace (`from`, `until`)",
                bytes(needed_bytes),
                bytes(available_bytes)
            ),
            Self::Memory {
                wanted,
                fits,
                needed_bytes,
                available_bytes,
            } => write!(
                f,
                "{} virtual users take about {} of memory, and {} are available, for {} of them: lower `vus` or \
                 `max_vus`",
                count(wanted),
                bytes(needed_bytes),
                bytes(available_bytes),
                count(fits)
            ),
        }
    }
}

#[cfg(test)]
mod tests;
