use std::collections::BTreeSet;
use std::time::Duration;

use super::super::{
    Drops, ExchangeFacts, JourneyFacts, Level, MachineSignals, ProcessSignals, ScheduleFacts,
    SegmentSignals, Signal, SocketSignals, TargetHost, Throttling, Verdict, Why, WorkerSignals,
};
use super::*;
use crate::measure::LatencyHistogram;

/// A run of 10 s in which all was well, and every single thing of it to be changed.
struct Case {
    signals: Signals,
    planned: u64,
    missing: u64,
    dropped: Drops,
    interval: Duration,
    start_lag: LatencyHistogram,
    service_time: LatencyHistogram,
    exchanges: ExchangeFacts,
    harness: u64,
    ceiling: Option<f64>,
    target: TargetHost,
}

impl Case {
    fn healthy() -> Self {
        let worker = |worker| WorkerSignals {
            worker,
            busy: Some(0.4),
            waiting: Some(0.01),
            longest_busy_us: Some(2_000_000),
            longest_saturated_us: Some(1_000_000),
            runtime_lag: values(&[(1000, 0.001)]),
        };
        Self {
            signals: Signals {
                window_us: 10_000_000,
                readings: 11,
                workers: vec![worker(0), worker(1)],
                process: ProcessSignals {
                    cores_used: Some(0.9),
                    major_faults: Some(0),
                    resident_bytes_max: Some(1 << 26),
                    open_files_max: Some(100),
                    open_files_limit: Some(1000),
                },
                // The workers' 0.8 cores are all that is busy.
                machine: Some(MachineSignals {
                    cores: 2,
                    busy: 0.4,
                    steal: 0.0,
                    idle_min: 0.5,
                    longest_busy_us: 0,
                    longest_saturated_us: 0,
                }),
                throttling: Some(Throttling::default()),
                cpu_pressure: Some(0.01),
                memory_pressure: Some(0.0),
                sockets: Some(SocketSignals {
                    in_use_max: 0,
                    time_wait_max: 0,
                    ports: Some(1000),
                }),
                segments: Some(SegmentSignals {
                    sent: 10_000,
                    sent_again: 0,
                }),
                watchdog_lag: values(&[(200, 0.0001)]),
            },
            planned: 10_000,
            missing: 0,
            dropped: Drops::default(),
            interval: Duration::from_secs(1),
            start_lag: values(&[(1000, 0.00005)]),
            service_time: values(&[(1000, 1.0)]),
            exchanges: ExchangeFacts {
                count: 1000,
                waited: Duration::ZERO,
                total: Duration::from_secs(100),
            },
            harness: 0,
            ceiling: Some(0.2),
            target: TargetHost::Other,
        }
    }

    fn health(&self) -> Health {
        let started = self.planned - self.missing - self.dropped.all();
        let schedule = ScheduleFacts {
            planned: self.planned,
            started,
            dropped: self.dropped,
            mean_interval: self.interval,
            start_lag: &self.start_lag,
        };
        let journey = JourneyFacts {
            name: "pull",
            service_time: &self.service_time,
            schedule: Some(schedule),
        };
        let facts = LoadFacts {
            journeys: vec![journey],
            exchanges: self.exchanges,
            harness_limit_failures: self.harness,
            ceiling_share: self.ceiling,
            target_host: self.target,
        };
        judge(&self.signals, &facts)
    }

    fn machine(&mut self) -> &mut MachineSignals {
        self.signals.machine.as_mut().unwrap()
    }

    fn sockets(&mut self) -> &mut SocketSignals {
        self.signals.sockets.as_mut().unwrap()
    }
}

/// A histogram of so many values of so many seconds.
fn values(of: &[(u32, f64)]) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for (times, seconds) in of {
        for _ in 0..*times {
            histogram.record(Duration::from_secs_f64(*seconds));
        }
    }
    histogram
}

/// p99, and neither p90 nor p95, is so many seconds.
fn p99(seconds: f64) -> LatencyHistogram {
    values(&[(980, 0.0), (20, seconds)])
}

/// p95 and p99 are, and p90 is not.
fn p95(seconds: f64) -> LatencyHistogram {
    values(&[(940, 0.0), (60, seconds)])
}

/// All of p90, p95 and p99 are.
fn p90(seconds: f64) -> LatencyHistogram {
    values(&[(850, 0.0), (150, seconds)])
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers of the table are whole and small"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn micros(seconds: f64) -> u64 {
    whole((seconds * 1e6).round())
}

type Row = (Signal, fn(&mut Case, f64), &'static [(f64, Verdict)]);

use Verdict::{Invalid, Suspect, Valid};

/// Every bound: just below it and just above.
const TABLE: &[Row] = &[
    (
        Signal::StartLag,
        |case, seconds| case.start_lag = p99(seconds),
        &[
            (0.000_99, Valid),
            (0.001_01, Suspect),
            (0.009_9, Suspect),
            (0.010_1, Invalid),
        ],
    ),
    // A twentieth of 16 ms is 0.8 ms.
    (
        Signal::StartLag,
        |case, seconds| {
            case.service_time = values(&[(10, 0.016)]);
            case.start_lag = p99(seconds);
        },
        &[(0.000_79, Valid), (0.000_82, Suspect)],
    ),
    // A twentieth of 1 ms is 0.05 ms, which is never asked for; 0.5 ms is.
    (
        Signal::StartLag,
        |case, seconds| {
            case.service_time = values(&[(10, 0.001)]);
            case.start_lag = p99(seconds);
        },
        &[(0.000_499, Valid), (0.000_502, Suspect)],
    ),
    (
        Signal::StartLag,
        |case, seconds| {
            case.interval = Duration::from_millis(5);
            case.start_lag = p95(seconds);
        },
        &[(0.004_99, Suspect), (0.005_02, Invalid)],
    ),
    // Intervals of less than 1 ms are kept by nobody.
    (
        Signal::StartLag,
        |case, seconds| {
            case.interval = Duration::from_micros(500);
            case.start_lag = p95(seconds);
        },
        &[(0.000_9, Valid), (0.009_9, Suspect), (0.010_1, Invalid)],
    ),
    (
        Signal::DroppedNoVu,
        |case, count| case.dropped.no_vu = whole(count),
        &[
            (0.0, Valid),
            (1.0, Suspect),
            (100.0, Suspect),
            (101.0, Invalid),
        ],
    ),
    (
        Signal::DroppedQueueFull,
        |case, count| case.dropped.queue_full = whole(count),
        &[
            (0.0, Valid),
            (1.0, Suspect),
            (100.0, Suspect),
            (101.0, Invalid),
        ],
    ),
    (
        Signal::DroppedCut,
        |case, count| case.dropped.cut = whole(count),
        &[
            (0.0, Valid),
            (1.0, Suspect),
            (100.0, Suspect),
            (101.0, Invalid),
        ],
    ),
    // However many: it is the target that kept the users.
    (
        Signal::DroppedByTarget,
        |case, count| case.dropped.by_target = whole(count),
        &[(0.0, Valid), (1.0, Suspect), (9_000.0, Suspect)],
    ),
    (
        Signal::MissingStarts,
        |case, count| case.missing = whole(count),
        &[
            (10.0, Valid),
            (11.0, Suspect),
            (100.0, Suspect),
            (101.0, Invalid),
        ],
    ),
    // One of a hundred is at the edge of the window; two are missing.
    (
        Signal::MissingStarts,
        |case, count| {
            case.planned = 100;
            case.missing = whole(count);
        },
        &[(1.0, Valid), (2.0, Invalid)],
    ),
    // Of 100 s.
    (
        Signal::ConnectionWait,
        |case, seconds| case.exchanges.waited = Duration::from_secs_f64(seconds),
        &[
            (1.0, Valid),
            (1.01, Suspect),
            (10.0, Suspect),
            (10.1, Invalid),
        ],
    ),
    // A million exchanges of 100 µs: half of it would be waiting, but 50 µs are not a queue.
    (
        Signal::ConnectionWait,
        |case, seconds| {
            case.exchanges.count = 1_000_000;
            case.exchanges.waited = Duration::from_secs_f64(seconds);
        },
        &[(50.0, Valid), (50.1, Invalid)],
    ),
    (
        Signal::HarnessLimit,
        |case, count| case.harness = whole(count),
        &[(0.0, Valid), (1.0, Invalid)],
    ),
    (
        Signal::Ceiling,
        |case, share| case.ceiling = Some(share),
        &[(0.70, Valid), (0.71, Suspect), (3.0, Suspect)],
    ),
    (
        Signal::RuntimeLag,
        |case, seconds| case.signals.workers[1].runtime_lag = p99(seconds),
        &[
            (0.019_9, Valid),
            (0.020_1, Suspect),
            (0.099, Suspect),
            (0.101, Invalid),
        ],
    ),
    (
        Signal::RuntimeLag,
        |case, seconds| case.signals.workers[0].runtime_lag = p90(seconds),
        &[(0.019_9, Valid), (0.020_1, Invalid)],
    ),
    (
        Signal::SystemLag,
        |case, seconds| case.signals.watchdog_lag = p99(seconds),
        &[
            (0.019_9, Valid),
            (0.020_1, Suspect),
            (0.099, Suspect),
            (0.101, Invalid),
        ],
    ),
    (
        Signal::SystemLag,
        |case, seconds| case.signals.watchdog_lag = p90(seconds),
        &[(0.019_9, Valid), (0.020_1, Invalid)],
    ),
    (
        Signal::WorkerCpu,
        |case, seconds| case.signals.workers[1].longest_busy_us = Some(micros(seconds)),
        &[(3.0, Valid), (3.01, Suspect), (10.0, Suspect)],
    ),
    (
        Signal::WorkerCpu,
        |case, seconds| {
            let worker = &mut case.signals.workers[1];
            worker.longest_busy_us = Some(5_000_000);
            worker.longest_saturated_us = Some(micros(seconds));
        },
        &[(3.0, Suspect), (3.01, Invalid)],
    ),
    (
        Signal::RunQueueWait,
        |case, share| case.signals.workers[1].waiting = Some(share),
        &[
            (0.05, Valid),
            (0.050_1, Suspect),
            (0.20, Suspect),
            (0.200_1, Invalid),
        ],
    ),
    (
        Signal::MachineCpu,
        |case, seconds| case.machine().longest_busy_us = micros(seconds),
        &[(3.0, Valid), (3.01, Suspect), (10.0, Suspect)],
    ),
    (
        Signal::MachineCpu,
        |case, seconds| {
            case.machine().longest_busy_us = 5_000_000;
            case.machine().longest_saturated_us = micros(seconds);
        },
        &[(3.0, Suspect), (3.01, Invalid)],
    ),
    // Of 0.8 cores of the workers, 1.6 busy cores are twice as much: below that, a busy core is theirs.
    (
        Signal::MachineCpu,
        |case, not_busy| {
            case.machine().busy = 1.0 - not_busy;
            case.machine().longest_busy_us = 5_000_000;
        },
        &[(0.19, Valid), (0.21, Suspect)],
    ),
    (
        Signal::Steal,
        |case, share| case.machine().steal = share,
        &[
            (0.05, Valid),
            (0.051, Suspect),
            (0.20, Suspect),
            (0.201, Invalid),
        ],
    ),
    // Seconds of 10 in which the quota had run out.
    (
        Signal::Throttling,
        |case, seconds| {
            case.signals.throttling = Some(Throttling {
                periods: 100,
                throttled: 1,
                throttled_us: micros(seconds),
            });
        },
        &[(0.0, Suspect), (0.1, Suspect), (0.101, Invalid)],
    ),
    (
        Signal::CpuPressure,
        |case, share| {
            for worker in &mut case.signals.workers {
                worker.waiting = None;
            }
            case.signals.cpu_pressure = Some(share);
        },
        &[
            (0.05, Valid),
            (0.051, Suspect),
            (0.20, Suspect),
            (0.201, Invalid),
        ],
    ),
    (
        Signal::MemoryPressure,
        |case, share| case.signals.memory_pressure = Some(share),
        &[
            (0.05, Valid),
            (0.051, Suspect),
            (0.20, Suspect),
            (0.201, Invalid),
        ],
    ),
    // In 10 s.
    (
        Signal::MajorFaults,
        |case, count| case.signals.process.major_faults = Some(whole(count)),
        &[(50.0, Valid), (51.0, Suspect), (9999.0, Suspect)],
    ),
    (
        Signal::OpenFiles,
        |case, count| case.signals.process.open_files_max = Some(whole(count)),
        &[(900.0, Valid), (901.0, Suspect), (1000.0, Suspect)],
    ),
    (
        Signal::Ports,
        |case, count| {
            case.sockets().in_use_max = 100;
            case.sockets().time_wait_max = whole(count);
        },
        &[(600.0, Valid), (601.0, Suspect)],
    ),
    // Both ends are counted, and one of them takes a port: 700 of 1,000.
    (
        Signal::Ports,
        |case, count| {
            case.target = TargetHost::Same;
            case.sockets().in_use_max = whole(count);
        },
        &[(1400.0, Valid), (1402.0, Suspect)],
    ),
    // Of 10,000.
    (
        Signal::Retransmits,
        |case, count| {
            case.signals.segments = Some(SegmentSignals {
                sent: 10_000,
                sent_again: whole(count),
            });
        },
        &[(100.0, Valid), (101.0, Suspect), (9999.0, Suspect)],
    ),
];

#[test]
fn every_bound_holds_on_both_sides() {
    let healthy = Case::healthy().health();
    assert_eq!(healthy.reasons, []);
    assert_eq!(healthy.not_judged, []);
    for (signal, change, steps) in TABLE {
        for (value, verdict) in *steps {
            let mut case = Case::healthy();
            change(&mut case, *value);
            let health = case.health();
            assert_eq!(
                health.verdict(),
                *verdict,
                "{signal} at {value}: {health:?}"
            );
            let found: Vec<Signal> = health.reasons.iter().map(|it| it.signal).collect();
            let wanted: &[Signal] = if *verdict == Valid { &[] } else { &[*signal] };
            // For its own reason, and for no other.
            assert_eq!(found, wanted, "{signal} at {value}");
        }
    }
    let mut judged: BTreeSet<Signal> = TABLE.iter().map(|(signal, _, _)| *signal).collect();
    judged.extend(OF_SHARDS);
    assert_eq!(judged, BTreeSet::from(Signal::ALL));
}

/// What no run of one process can have.
const OF_SHARDS: [Signal; 2] = [Signal::StartSkew, Signal::LostShards];

#[test]
fn shards_are_judged_by_how_far_apart_they_began_and_how_many_are_lost() {
    let found = |skew, lost, allowed| -> Vec<(Level, Signal)> {
        let facts = ShardFacts {
            skew,
            lost,
            allowed,
        };
        let reasons = judge_shards(&facts);
        reasons.iter().map(|it| (it.level, it.signal)).collect()
    };
    let [skew, lost] = OF_SHARDS;
    for (facts, wanted) in [
        ((0.1, 0.0, 0.01), vec![]),
        ((0.101, 0.0, 0.01), vec![(Level::Suspect, skew)]),
        ((1.0, 0.0, 0.01), vec![(Level::Suspect, skew)]),
        ((1.001, 0.0, 0.01), vec![(Level::Invalid, skew)]),
        ((0.0, 0.01, 0.01), vec![(Level::Suspect, lost)]),
        ((0.0, 0.02, 0.01), vec![(Level::Invalid, lost)]),
        ((0.0, 0.02, 0.05), vec![(Level::Suspect, lost)]),
        (
            (2.0, 0.001, 0.01),
            vec![(Level::Invalid, skew), (Level::Suspect, lost)],
        ),
    ] {
        let (skew, lost, allowed) = facts;
        assert_eq!(found(skew, lost, allowed), wanted, "{facts:?}");
    }
}

#[test]
fn a_reason_has_units_a_place_and_a_cure() {
    let mut case = Case::healthy();
    case.signals.workers[1].waiting = Some(0.125);
    case.start_lag = p99(0.0042);
    case.dropped.no_vu = 250;
    let shown: Vec<String> = case
        .health()
        .reasons
        .iter()
        .map(ToString::to_string)
        .collect();
    let starts = [
        "dropped-no-vu of pull: 250 of 10,000 planned starts (at most 1%); ",
        "start-lag of pull: p99 4.2", // 4.20 ms, to three digits of a histogram's bucket
        "run-queue-wait of worker 1: 12.5% (at most 5%); ",
    ];
    assert_eq!(shown.len(), starts.len(), "{shown:?}");
    for (shown, start) in shown.iter().zip(starts) {
        assert!(shown.starts_with(start), "{shown}");
    }
}

#[test]
fn drops_weigh_by_their_sum() {
    let mut case = Case::healthy();
    // 0.6% and 0.6% of the planned starts.
    case.dropped.no_vu = 60;
    case.dropped.cut = 60;
    let health = case.health();
    let found = health
        .reasons
        .iter()
        .map(|it| (Verdict::from(it.level), it.signal));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            (Invalid, Signal::DroppedNoVu),
            (Invalid, Signal::DroppedCut)
        ]
    );
}

#[test]
fn one_pause_of_the_machine_is_no_reason() {
    let mut case = Case::healthy();
    // 25 ms in 10 s: one moment of the watchdog, three of the probe, and a start that came in it.
    case.signals.watchdog_lag = values(&[(199, 0.0001), (1, 0.025)]);
    case.signals.workers[0].runtime_lag =
        values(&[(997, 0.001), (1, 0.025), (1, 0.015), (1, 0.005)]);
    case.start_lag = values(&[(999, 0.00005), (1, 0.025)]);
    assert_eq!(case.health().verdict(), Valid);
}

#[test]
fn a_target_that_fills_the_cores_is_no_reason_if_the_generator_did_not_wait() {
    let mut case = Case::healthy();
    case.signals.cpu_pressure = Some(0.6);
    *case.machine() = MachineSignals {
        cores: 2,
        busy: 0.99,
        steal: 0.0,
        idle_min: 0.0,
        longest_busy_us: 10_000_000,
        longest_saturated_us: 10_000_000,
    };
    for target in [TargetHost::Same, TargetHost::Other] {
        case.target = target;
        let health = case.health();
        assert_eq!((health.verdict(), health.target_host), (Valid, target));
    }
    case.signals.workers[0].waiting = Some(0.3);
    assert_eq!(case.health().verdict(), Invalid);
}

#[test]
fn a_closed_load_is_neither_late_nor_short() {
    let case = Case::healthy();
    let journey = JourneyFacts {
        name: "pull",
        service_time: &case.service_time,
        schedule: None,
    };
    let facts = LoadFacts {
        journeys: vec![journey],
        exchanges: case.exchanges,
        harness_limit_failures: 0,
        ceiling_share: Some(0.1),
        target_host: TargetHost::Other,
    };
    let health = judge(&case.signals, &facts);
    assert_eq!((health.verdict(), health.not_judged.len()), (Valid, 0));
}

#[test]
fn what_was_not_seen_is_not_judged() {
    let facts = LoadFacts {
        journeys: vec![],
        exchanges: ExchangeFacts::default(),
        harness_limit_failures: 0,
        ceiling_share: None,
        target_host: TargetHost::Other,
    };
    // A system that tells nothing.
    let silent = Signals {
        window_us: 10_000_000,
        workers: vec![WorkerSignals::default()],
        ..Signals::default()
    };
    let health = judge(&silent, &facts);
    assert_eq!(health.verdict(), Valid);
    let of_loads = [
        Signal::StartLag,
        Signal::DroppedNoVu,
        Signal::DroppedQueueFull,
        Signal::DroppedCut,
        Signal::DroppedByTarget,
        Signal::MissingStarts,
        Signal::HarnessLimit,
    ];
    let not_judged: BTreeSet<Signal> = health.not_judged.iter().map(|it| it.signal).collect();
    let mut all = BTreeSet::from(Signal::ALL);
    all.retain(|signal| !of_loads.contains(signal) && !OF_SHARDS.contains(signal));
    assert_eq!(not_judged, all);
}

#[test]
fn a_short_run_says_so_and_still_knows_its_failures() {
    let mut case = Case::healthy();
    case.signals.window_us = 1_900_000;
    case.signals.watchdog_lag = values(&[(38, 0.0)]);
    // Bad, but over a time that says nothing.
    case.signals.workers[0].waiting = Some(0.9);
    let health = case.health();
    assert_eq!(health.verdict(), Valid);
    let why = |signal| {
        let mut found = health.not_judged.iter().filter(|it| it.signal == signal);
        found.next().map(|it| it.why)
    };
    assert_eq!(why(Signal::RunQueueWait), Some(Why::TooShort));
    assert_eq!(why(Signal::WorkerCpu), Some(Why::TooShort));
    assert_eq!(why(Signal::SystemLag), Some(Why::TooFewValues));
    assert_eq!(why(Signal::HarnessLimit), None);
    case.harness = 1;
    assert_eq!(case.health().verdict(), Invalid);
    // Few starts know no p99; most of them late by more than an interval is seen all the same.
    let mut case = Case::healthy();
    case.start_lag = values(&[(50, 0.0)]);
    let health = case.health();
    assert_eq!(health.not_judged[0].signal, Signal::StartLag);
    case.interval = Duration::from_millis(100);
    case.start_lag = values(&[(25, 0.0), (25, 0.2)]);
    assert_eq!(case.health().verdict(), Invalid);
}
