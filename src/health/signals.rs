//! What was seen of the generator while it measured. Stored as it is, judged by [`super::judge`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::LatencyHistogram;

/// What was seen between [`super::Monitor::open_window`] and [`super::Monitor::close_window`].
///
/// Shares are in `0..=1` of the window's length, to four decimals; times are in microseconds. `None` is what the system
/// does not tell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Signals {
    /// From the first reading to the last.
    pub window_us: u64,
    /// The number of readings, those at the window's edges included.
    pub readings: u32,
    /// The threads that carry the virtual users, by number.
    pub workers: Vec<WorkerSignals>,
    /// This process.
    pub process: ProcessSignals,
    /// The cores that this process may use.
    pub machine: Option<MachineSignals>,
    /// The quota of the process's control group.
    pub throttling: Option<Throttling>,
    /// The share in which some task of the machine waited for a core (PSI `some`).
    pub cpu_pressure: Option<f64>,
    /// The share in which some task of the machine waited for memory (PSI `some`).
    pub memory_pressure: Option<f64>,
    /// The sockets of this network namespace, and the ports they take.
    pub sockets: Option<SocketSignals>,
    /// TCP segments of this network namespace.
    pub segments: Option<SegmentSignals>,
    /// How late a thread woke that sleeps 50 ms each time. Weighted by time: a pause of 200 ms counts as
    /// 200, 150, 100 and 50 ms, because a moment in it would have had to wait that long.
    pub watchdog_lag: LatencyHistogram,
}

/// What was seen of one worker.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct WorkerSignals {
    /// Its number.
    pub worker: usize,
    /// The share in which its thread ran.
    pub busy: Option<f64>,
    /// The share in which its thread could have run and had no core.
    pub waiting: Option<f64>,
    /// The longest time in a row in which it was busy for more than 0.8.
    pub longest_busy_us: Option<u64>,
    /// The longest time in a row in which it was busy for more than 0.95.
    pub longest_saturated_us: Option<u64>,
    /// How late its event loop woke a task that sleeps 10 ms each time, weighted by time as in
    /// [`Signals::watchdog_lag`]. Up to 2 ms is the grain of the timer; see [`super::LagProbe`].
    pub runtime_lag: LatencyHistogram,
}

/// What was seen of the process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ProcessSignals {
    /// The time that its threads ran, in cores: 1.5 is one and a half of them all the time.
    pub cores_used: Option<f64>,
    /// Pages that had to come from a disk.
    pub major_faults: Option<u64>,
    /// The most memory that was resident, in bytes.
    pub resident_bytes_max: Option<u64>,
    /// The most descriptors that were open.
    pub open_files_max: Option<u64>,
    /// How many there may be.
    pub open_files_limit: Option<u64>,
}

/// What was seen of the cores that the process may use.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct MachineSignals {
    /// How many there are.
    pub cores: u32,
    /// The share in which they had something to do, for whomever; the mean of them.
    pub busy: f64,
    /// The share that the machine below gave to others; the mean of them.
    pub steal: f64,
    /// The lowest share of idleness that one of them had between two readings.
    pub idle_min: f64,
    /// The longest time in a row in which one or another of them was idle for less than 0.2.
    pub longest_busy_us: u64,
    /// The longest time in a row in which one or another of them was idle for less than 0.05.
    pub longest_saturated_us: u64,
}

/// What the quota of the control group did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Throttling {
    /// Periods of the quota that passed.
    pub periods: u64,
    /// Those of them in which the group was stopped.
    pub throttled: u64,
    /// For how long it was stopped, summed over cores.
    pub throttled_us: u64,
}

/// What was seen of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SocketSignals {
    /// The most TCP sockets in use.
    pub in_use_max: u64,
    /// The most that waited in `TIME_WAIT`.
    pub time_wait_max: u64,
    /// The number of ports that outgoing connections to one destination can have.
    pub ports: Option<u64>,
}

/// What was seen of TCP segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SegmentSignals {
    /// Sent for the first time.
    pub sent: u64,
    /// Sent again, because no acknowledgement came.
    pub sent_again: u64,
}
