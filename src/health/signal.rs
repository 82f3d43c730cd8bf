//! What is looked at: its name in reports, and what to do when it is out of bounds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is looked at.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// From the moment an iteration was due to the moment it was begun.
    StartLag,
    /// Iterations that found no free virtual user.
    DroppedNoVu,
    /// Iterations that found the queue for virtual users full.
    DroppedQueueFull,
    /// Iterations that were still in the queue when the load ended.
    DroppedCut,
    /// Planned iterations that were neither started nor counted as dropped.
    MissingStarts,
    /// The part of exchanges that was waiting for a connection.
    ConnectionWait,
    /// Failures by a limit of this machine or process.
    HarnessLimit,
    /// The load in parts of the most that this machine has reached.
    Ceiling,
    /// How late the event loops woke.
    RuntimeLag,
    /// How late the system woke a thread that does nothing else.
    SystemLag,
    /// How much of their time the workers ran.
    WorkerCpu,
    /// How much of their time the workers could have run and had no core.
    RunQueueWait,
    /// Cores without idle time, most of it taken by the workers.
    MachineCpu,
    /// Time that the machine below gave to others.
    Steal,
    /// Time in which a quota stopped the process.
    Throttling,
    /// Time in which some task waited for a core.
    CpuPressure,
    /// Time in which some task waited for memory.
    MemoryPressure,
    /// Pages that had to come from a disk.
    MajorFaults,
    /// Descriptors in parts of their limit.
    OpenFiles,
    /// Ports in parts of their range.
    Ports,
    /// TCP segments that were sent again.
    Retransmits,
}

impl Signal {
    /// Every signal, in the order of reports.
    pub const ALL: [Self; 21] = [
        Self::StartLag,
        Self::DroppedNoVu,
        Self::DroppedQueueFull,
        Self::DroppedCut,
        Self::MissingStarts,
        Self::ConnectionWait,
        Self::HarnessLimit,
        Self::Ceiling,
        Self::RuntimeLag,
        Self::SystemLag,
        Self::WorkerCpu,
        Self::RunQueueWait,
        Self::MachineCpu,
        Self::Steal,
        Self::Throttling,
        Self::CpuPressure,
        Self::MemoryPressure,
        Self::MajorFaults,
        Self::OpenFiles,
        Self::Ports,
        Self::Retransmits,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartLag => "start-lag",
            Self::DroppedNoVu => "dropped-no-vu",
            Self::DroppedQueueFull => "dropped-queue-full",
            Self::DroppedCut => "dropped-cut",
            Self::MissingStarts => "missing-starts",
            Self::ConnectionWait => "connection-wait",
            Self::HarnessLimit => "harness-limit",
            Self::Ceiling => "ceiling",
            Self::RuntimeLag => "runtime-lag",
            Self::SystemLag => "system-lag",
            Self::WorkerCpu => "worker-cpu",
            Self::RunQueueWait => "run-queue-wait",
            Self::MachineCpu => "machine-cpu",
            Self::Steal => "steal",
            Self::Throttling => "throttling",
            Self::CpuPressure => "cpu-pressure",
            Self::MemoryPressure => "memory-pressure",
            Self::MajorFaults => "major-faults",
            Self::OpenFiles => "open-files",
            Self::Ports => "ports",
            Self::Retransmits => "retransmits",
        }
    }

    /// What it means when this is out of bounds, and what to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::StartLag => {
                "iterations began late by the generator's own doing: lower the rate or use more cores"
            }
            Self::DroppedNoVu => {
                "the planned load was not given, because all virtual users were busy: raise `max_vus`, or lower the rate"
            }
            Self::DroppedQueueFull => {
                "the planned load was not given, because too many iterations waited already: raise `max_vus`, or lower the rate"
            }
            Self::DroppedCut => {
                "iterations that waited at the end were never begun, and would have been the slowest: raise `max_vus`, or lower the rate"
            }
            Self::MissingStarts => {
                "the generator did not keep up with its own plan: lower the rate or use more cores"
            }
            Self::ConnectionWait => {
                "exchanges queued for a connection before they were sent: give the journey more connections"
            }
            Self::HarnessLimit => {
                "this machine refused a descriptor, a port or a file, which the target has nothing to do with: raise the limit that the failures name"
            }
            Self::Ceiling => {
                "the generator itself may have been the limit: lower the load, or spread it over machines"
            }
            Self::RuntimeLag => {
                "the event loop was busy when answers came, so latencies are too long: use more workers or lower the load"
            }
            Self::SystemLag => {
                "the system was late in waking threads, so latencies are too long: stop what else runs here"
            }
            Self::WorkerCpu => {
                "a worker had no time left, so answers lay unread: use more workers or lower the load"
            }
            Self::RunQueueWait => {
                "a worker was ready and had no core, so answers lay unread: stop what else runs here, or use fewer workers"
            }
            Self::MachineCpu => {
                "the workers filled the cores they may use: use more cores or lower the load"
            }
            Self::Steal => {
                "the virtual machine was not running when it should: use a machine that is not shared"
            }
            Self::Throttling => {
                "a quota stopped the process in the middle: raise the cpu limit of its container"
            }
            Self::CpuPressure => {
                "tasks of this machine waited for a core: stop what else runs here"
            }
            Self::MemoryPressure => {
                "tasks of this machine waited for memory: use fewer virtual users, or more memory"
            }
            Self::MajorFaults => {
                "the process waited for its own memory to come from a disk: free memory"
            }
            Self::OpenFiles => {
                "there were hardly any descriptors left: raise the limit (ulimit -n)"
            }
            Self::Ports => {
                "there were hardly any ports left: keep connections alive, or widen net.ipv4.ip_local_port_range"
            }
            Self::Retransmits => {
                "the network lost packets, so latencies hold its timeouts: look at the network first"
            }
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_reports() {
        for (index, signal) in Signal::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(signal).unwrap(), signal.name());
            assert_eq!(signal as usize, index, "{signal}");
        }
    }
}
