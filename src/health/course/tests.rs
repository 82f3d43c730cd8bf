use super::super::proc::{ProcessTimes, Segments, Sockets, ThreadTimes, Throttle};
use super::*;

const MS: u64 = 1_000_000; // in nanoseconds

/// A machine of two cores and one worker, read at that many milliseconds.
fn sample(start: Instant, ms: u64) -> Sample {
    Sample {
        at: start + Duration::from_millis(ms),
        workers: BTreeMap::from([(
            0,
            ThreadTimes {
                on_cpu_ns: 0,
                waiting_ns: 0,
            },
        )]),
        ..Sample::silent(start)
    }
}

/// One whose counters all stand at a number, and whose gauges do as well.
fn counted(start: Instant, ms: u64, number: u64) -> Sample {
    Sample {
        process: Some(ProcessTimes {
            cpu_us: number * 1000,
            major_faults: number,
        }),
        resident_bytes: Some(number),
        throttle: Some(Throttle {
            periods: number,
            throttled: number,
            throttled_us: number,
        }),
        cpu_stalled_us: Some(number * 1000),
        memory_stalled_us: Some(number * 100),
        open_files: Some(number),
        sockets: Some(Sockets {
            in_use: number,
            time_wait: number + 1,
        }),
        segments: Some(Segments {
            sent: number,
            sent_again: number,
        }),
        ..sample(start, ms)
    }
}

fn busy(start: Instant, ms: u64, on_cpu_ms: u64, waiting_ms: u64) -> Sample {
    let mut sample = sample(start, ms);
    sample.workers.insert(
        0,
        ThreadTimes {
            on_cpu_ns: on_cpu_ms * MS,
            waiting_ns: waiting_ms * MS,
        },
    );
    sample
}

fn cores(start: Instant, ms: u64, idle: [u64; 2]) -> Sample {
    // Ticks of 10 ms since the start; what is not idle is other work, a tenth of it stolen.
    let total = ms / 10;
    let core = |(core, idle)| CoreTimes {
        core,
        idle,
        steal: (total - idle) / 10,
        total,
    };
    Sample {
        cores: Some((0..).zip(idle).map(core).collect()),
        ..sample(start, ms)
    }
}

fn signals(samples: impl IntoIterator<Item = Sample>) -> Signals {
    let mut samples = samples.into_iter();
    let mut course = Course::begin(samples.next().unwrap());
    samples.for_each(|sample| course.see(sample));
    course.signals(Fixed::default())
}

#[test]
fn counters_are_differences_and_gauges_are_maxima() {
    let start = Instant::now();
    // What was counted before the first reading, 500, is not the window's.
    let of_window = signals([
        counted(start, 0, 500),
        counted(start, 1000, 900),
        counted(start, 2000, 700),
        counted(start, 4000, 1500),
    ]);
    assert_eq!((of_window.window_us, of_window.readings), (4_000_000, 4));
    // 400 up, then down, which is none, then 800 up.
    assert_eq!(of_window.process.major_faults, Some(1200));
    let throttling = of_window.throttling.unwrap();
    let wanted = Throttling {
        periods: 1200,
        throttled: 1200,
        throttled_us: 1200,
    };
    assert_eq!(throttling, wanted);
    let segments = of_window.segments.unwrap();
    assert_eq!((segments.sent, segments.sent_again), (1200, 1200));
    // 1.2 s of 4 s; a tenth of that for memory.
    assert_eq!(of_window.process.cores_used, Some(0.3));
    assert_eq!(of_window.cpu_pressure, Some(0.3));
    assert_eq!(of_window.memory_pressure, Some(0.03));
    assert_eq!(of_window.process.resident_bytes_max, Some(1500));
    assert_eq!(of_window.process.open_files_max, Some(1500));
    let sockets = of_window.sockets.unwrap();
    assert_eq!((sockets.in_use_max, sockets.time_wait_max), (1500, 1501));
}

#[test]
fn a_reading_that_fails_leaves_no_hole() {
    let start = Instant::now();
    let of_window = signals([
        counted(start, 0, 100),
        sample(start, 1000),
        counted(start, 2000, 300),
    ]);
    assert_eq!(of_window.process.major_faults, Some(200));
    let silent = signals([sample(start, 0), sample(start, 1000)]);
    assert_eq!(silent.process, ProcessSignals::default());
    assert_eq!(silent.machine, None);
    assert_eq!(silent.throttling, None);
    assert_eq!(silent.cpu_pressure, None);
    let one_reading = signals([counted(start, 0, 100)]);
    assert_eq!((one_reading.window_us, one_reading.readings), (0, 1));
    assert_eq!(one_reading.process.major_faults, None);
    assert_eq!(one_reading.process.cores_used, None);
}

#[test]
fn a_worker_is_busy_in_a_row_or_not_at_all() {
    let start = Instant::now();
    // Busy for 90%, 85%, 10%, 97%, 96% and 99% of a second each; waiting for 2% throughout.
    let times = [
        (0, 0),
        (900, 20),
        (1750, 40),
        (1850, 60),
        (2820, 80),
        (3780, 100),
        (4770, 120),
    ];
    let readings = (0..).zip(times);
    let of_window = signals(
        readings.map(|(second, (on_cpu, waiting))| busy(start, second * 1000, on_cpu, waiting)),
    );
    let worker = &of_window.workers[0];
    assert_eq!(worker.busy, Some(0.795)); // 4.77 s of 6
    assert_eq!(worker.waiting, Some(0.02)); // 0.12 s of 6
    assert_eq!(worker.longest_busy_us, Some(3_000_000));
    assert_eq!(worker.longest_saturated_us, Some(3_000_000));
}

#[test]
fn readings_that_are_close_make_one_interval() {
    let start = Instant::now();
    // Saturated in the first 10 ms after each second, and idle otherwise.
    let of_window = signals([
        busy(start, 0, 0, 0),
        busy(start, 10, 10, 0),
        busy(start, 1000, 10, 0),
        busy(start, 1010, 20, 0),
    ]);
    let worker = &of_window.workers[0];
    assert_eq!(worker.longest_saturated_us, Some(0));
    assert_eq!(worker.busy, Some(0.0198)); // 20 of 1,010 ms
}

#[test]
fn a_worker_that_comes_or_goes_counts_while_it_is_there() {
    let start = Instant::now();
    let gone = |ms| Sample {
        workers: BTreeMap::new(),
        ..sample(start, ms)
    };
    let of_window = signals([
        gone(0),
        busy(start, 1000, 100, 0),
        busy(start, 2000, 600, 0),
        gone(4000),
    ]);
    assert_eq!(of_window.workers.len(), 1);
    assert_eq!(of_window.workers[0].busy, Some(0.125)); // 0.5 s of 4
}

#[test]
fn a_busy_core_is_busy_whichever_it_is() {
    let start = Instant::now();
    // Idle, in percent: 90 and 10; 10 and 90; 3 and 90; 50 and 50.
    let of_window = signals([
        cores(start, 0, [0, 0]),
        cores(start, 1000, [90, 10]),
        cores(start, 2000, [100, 100]),
        cores(start, 3000, [103, 190]),
        cores(start, 4000, [153, 240]),
    ]);
    let wanted = MachineSignals {
        cores: 2,
        busy: 0.5088, // 393 of 800 ticks were idle: 407 / 800
        steal: 0.05,  // a tenth of 247 and of 160 other ticks, in whole ones: (24 + 16) / 800
        idle_min: 0.03,
        longest_busy_us: 3_000_000,
        longest_saturated_us: 1_000_000,
    };
    assert_eq!(of_window.machine, Some(wanted));
}
