//! What is looked at, and its name in reports.

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
    /// Iterations that found every virtual user waiting for the target.
    DroppedByTarget,
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
    /// How far apart the shards of one run began to measure.
    StartSkew,
    /// Shards of which nothing is known.
    LostShards,
}

impl Signal {
    /// Every signal, in the order of reports.
    pub const ALL: [Self; 24] = [
        Self::StartLag,
        Self::DroppedNoVu,
        Self::DroppedQueueFull,
        Self::DroppedCut,
        Self::DroppedByTarget,
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
        Self::StartSkew,
        Self::LostShards,
    ];

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartLag => "start-lag",
            Self::DroppedNoVu => "dropped-no-vu",
            Self::DroppedQueueFull => "dropped-queue-full",
            Self::DroppedCut => "dropped-cut",
            Self::DroppedByTarget => "dropped-by-target",
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
            Self::StartSkew => "start-skew",
            Self::LostShards => "lost-shards",
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
