//! What it means that a signal is out of its bound, and what to do. Advice for one run is one list: it never says a thing
//! and its opposite.

use super::super::{Reason, Signal, Signals};

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cure {
    LowerLoad,
    MoreCores,
    MoreWorkers,
    FewerWorkers,
    RaiseMaxVus,
    FewerUsers,
    StopOthers,
    MoreConnections,
    KeepConnections,
    RaiseNamedLimit,
    RaiseDescriptors,
    WidenPorts,
    UnsharedMachine,
    RaiseCpuLimit,
    MoreMemory,
    FreeMemory,
    LookAtNetwork,
    SetClocks,
    RunAgain,
}

impl Cure {
    const fn words(self) -> &'static str {
        match self {
            Self::LowerLoad => "lower the load",
            Self::MoreCores => "use more cores or more machines",
            Self::MoreWorkers => "use more workers",
            Self::FewerWorkers => "use fewer workers",
            Self::RaiseMaxVus => "raise `max_vus`",
            Self::FewerUsers => "use fewer virtual users",
            Self::StopOthers => "stop what else runs here",
            Self::MoreConnections => "give the journey more connections",
            Self::KeepConnections => "keep connections alive",
            Self::RaiseNamedLimit => "raise the limit that the failures name",
            Self::RaiseDescriptors => "raise the limit (ulimit -n)",
            Self::WidenPorts => "widen net.ipv4.ip_local_port_range",
            Self::UnsharedMachine => "use a machine that is not shared",
            Self::RaiseCpuLimit => "raise the cpu limit of its container",
            Self::MoreMemory => "use more memory",
            Self::FreeMemory => "free memory",
            Self::LookAtNetwork => "look at the network first",
            Self::SetClocks => "synchronise the clocks, or let the shards meet (--meet)",
            Self::RunAgain => "find out what ended them, and run again",
        }
    }

    /// Returns whether this makes no sense where the other is advised, too.
    const fn gives_way_to(self, other: Self) -> bool {
        match self {
            // There is no core for those that there are.
            Self::MoreWorkers => matches!(
                other,
                Self::FewerWorkers | Self::StopOthers | Self::UnsharedMachine | Self::RaiseCpuLimit
            ),
            // More users need more of what there is too little of.
            Self::RaiseMaxVus => matches!(
                other,
                Self::FewerUsers
                    | Self::MoreCores
                    | Self::MoreWorkers
                    | Self::FewerWorkers
                    | Self::StopOthers
                    | Self::UnsharedMachine
                    | Self::RaiseCpuLimit
                    | Self::RaiseNamedLimit
                    | Self::RaiseDescriptors
                    | Self::WidenPorts
            ),
            Self::MoreConnections => matches!(
                other,
                Self::FewerUsers
                    | Self::RaiseNamedLimit
                    | Self::RaiseDescriptors
                    | Self::WidenPorts
            ),
            _ => false,
        }
    }
}

/// Returns what a signal says when it is out of its bound.
const fn meaning(signal: Signal) -> &'static str {
    match signal {
        Signal::StartLag => "iterations began late by the generator's own doing",
        Signal::DroppedNoVu => {
            "the planned load was not given, because all virtual users were busy, and not with the target"
        }
        Signal::DroppedQueueFull => {
            "the planned load was not given, because too many iterations waited already, and not for the target"
        }
        Signal::DroppedCut => {
            "iterations that waited at the end were never begun, and would have been the slowest"
        }
        Signal::DroppedByTarget => {
            "all virtual users were waiting for the target, which did not keep up with the planned load"
        }
        Signal::MissingStarts => "the generator did not keep up with its own plan",
        Signal::ConnectionWait => "exchanges queued for a connection before they were sent",
        Signal::HarnessLimit => {
            "this machine refused a descriptor, a port or a file, which the target has nothing to do with"
        }
        Signal::Ceiling => "the generator itself may have been the limit",
        Signal::RuntimeLag => {
            "the event loop was busy when responses came, so latencies are too long"
        }
        Signal::SystemLag => "the system was late in waking threads, so latencies are too long",
        Signal::WorkerCpu => "a worker had no time left, so responses lay unread",
        Signal::RunQueueWait => "a worker was ready and had no core, so responses lay unread",
        Signal::MachineCpu => "the workers filled the cores they may use",
        Signal::Steal => "the virtual machine was not running when it should",
        Signal::Throttling => "a quota stopped the process in the middle",
        Signal::CpuPressure => "tasks of this machine waited for a core",
        Signal::MemoryPressure => "tasks of this machine waited for memory",
        Signal::MajorFaults => "the process waited for its own memory to come from a disk",
        Signal::OpenFiles => "there were hardly any descriptors left",
        Signal::Ports => "there were hardly any ports left",
        Signal::Retransmits => "the network lost packets, so latencies hold its timeouts",
        Signal::StartSkew => {
            "the shards did not begin together by the clocks of their machines, so the load was not the planned one at either end"
        }
        Signal::LostShards => {
            "what lost shards should have started is dropped, and their samples are missing: the target had less load than planned"
        }
    }
}

/// Returns what helps, the best first.
const fn cures(signal: Signal) -> &'static [Cure] {
    use Cure as C;
    match signal {
        Signal::StartLag | Signal::MissingStarts | Signal::Ceiling | Signal::MachineCpu => {
            &[C::MoreCores, C::LowerLoad]
        }
        Signal::DroppedNoVu
        | Signal::DroppedQueueFull
        | Signal::DroppedCut
        | Signal::DroppedByTarget => &[C::RaiseMaxVus, C::LowerLoad],
        Signal::ConnectionWait => &[C::MoreConnections, C::LowerLoad],
        Signal::HarnessLimit => &[C::RaiseNamedLimit],
        Signal::RuntimeLag | Signal::WorkerCpu => &[C::MoreWorkers, C::LowerLoad],
        Signal::SystemLag | Signal::CpuPressure => &[C::StopOthers],
        Signal::RunQueueWait => &[C::FewerWorkers, C::StopOthers],
        Signal::Steal => &[C::UnsharedMachine],
        Signal::Throttling => &[C::RaiseCpuLimit],
        Signal::MemoryPressure => &[C::FewerUsers, C::MoreMemory],
        Signal::MajorFaults => &[C::FreeMemory],
        Signal::OpenFiles => &[C::RaiseDescriptors],
        Signal::Ports => &[C::KeepConnections, C::WidenPorts],
        Signal::Retransmits => &[C::LookAtNetwork],
        Signal::StartSkew => &[C::SetClocks],
        Signal::LostShards => &[C::RunAgain],
    }
}

/// Writes the advice of all reasons of one run.
pub(super) fn give(reasons: &mut [Reason], signals: &Signals) {
    let processors = signals.machine.as_ref().map(|it| it.cores);
    let spare = processors
        .is_none_or(|it| signals.workers.len() < usize::try_from(it).unwrap_or(usize::MAX));
    let named = reasons.iter().flat_map(|it| cures(it.signal));
    let named: Vec<Cure> = named.copied().collect();
    let makes_sense = |cure: Cure| {
        let contradicted = named.iter().any(|it| cure.gives_way_to(*it));
        // Beyond one for each core, workers take the cores from each other.
        !contradicted && (cure != Cure::MoreWorkers || spare)
    };
    for reason in reasons {
        let meaning = meaning(reason.signal);
        let sensible = cures(reason.signal).iter();
        let sensible = sensible.filter(|it| makes_sense(**it));
        let words: Vec<&str> = sensible.map(|it| it.words()).collect();
        reason.advice = if words.is_empty() {
            // What stands first in its way is advised beside it.
            format!("{meaning}: see to the other reasons first")
        } else {
            format!("{meaning}: {}", words.join(", or "))
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Level, MachineSignals, WorkerSignals};
    use super::*;

    fn reasons(signals: &[Signal]) -> Vec<Reason> {
        let reason = |signal: &Signal| Reason {
            level: Level::Suspect,
            signal: *signal,
            subject: None,
            observed: String::new(),
            bound: String::new(),
            advice: String::new(),
        };
        signals.iter().map(reason).collect()
    }

    /// Workers, and the cores there are for them.
    fn machine(workers: usize, cores: u32) -> Signals {
        Signals {
            workers: vec![WorkerSignals::default(); workers],
            machine: Some(MachineSignals {
                cores,
                ..MachineSignals::default()
            }),
            ..Signals::default()
        }
    }

    fn advice(of: &[Signal], signals: &Signals) -> String {
        let mut reasons = reasons(of);
        give(&mut reasons, signals);
        let all: Vec<String> = reasons.into_iter().map(|it| it.advice).collect();
        all.join("\n")
    }

    /// What nobody can do both of. Written by hand, and not taken from what gives way to what.
    const OPPOSITES: &[(&str, &str)] = &[
        ("use more workers", "use fewer workers"),
        ("raise `max_vus`", "use fewer virtual users"),
        // More of a load for which the machine is too small already.
        ("use more workers", "stop what else runs here"),
        ("raise `max_vus`", "use more cores"),
        ("raise `max_vus`", "stop what else runs here"),
        ("raise `max_vus`", "ulimit"),
        ("more connections", "ulimit"),
        ("more connections", "fewer virtual users"),
    ];

    #[test]
    fn no_two_reasons_are_given_opposite_advice() {
        let signals = machine(1, 8);
        let mut seen = 0;
        for one in Signal::ALL {
            for other in Signal::ALL {
                let said = advice(&[one, other], &signals);
                for (left, right) in OPPOSITES {
                    let both = said.contains(left) && said.contains(right);
                    assert!(!both, "{one} beside {other}: {said}");
                    seen += usize::from(said.contains(left) || said.contains(right));
                }
            }
        }
        assert!(seen > 100, "the words of the table are those of the advice");
        let all = advice(&Signal::ALL, &signals);
        for (left, right) in OPPOSITES {
            assert!(!(all.contains(left) && all.contains(right)), "{all}");
        }
    }

    #[test]
    fn every_reason_says_what_to_do() {
        for signal in Signal::ALL {
            let said = advice(&[signal], &machine(1, 8));
            assert!(said.contains(": ") && !said.contains("see to"), "{said}");
        }
    }

    #[test]
    fn workers_are_advised_where_there_are_cores_for_them() {
        let of = |workers, cores| advice(&[Signal::WorkerCpu], &machine(workers, cores));
        assert!(of(1, 2).contains("use more workers, or lower the load"));
        assert!(of(2, 2).ends_with("unread: lower the load"));
    }
}
