//! Whether the machine was quiet while something was measured on it, and what a test makes of it when it was not.
//!
//! A bare timer loop runs beside the test on each core, and the kernel's clock ticks tell whose the cores were. What holds
//! on a noisy machine holds; what does not is tried again, a bounded number of times; what fails on a quiet one has failed.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each binary of tests uses a part of it"
)]

use std::fmt::{self, Display};
use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::Instant;

/// The timer loop sleeps for so long. Five hundred wake-ups a second take about a hundredth of a core.
const TICK: Duration = Duration::from_millis(2);

/// A loop that wakes later than this in one of a hundred cases does not run on a quiet machine. Alone on a virtual
/// machine of two cores it is 0.1 to 0.3 ms; the tightest bound that a test holds a lag against is 20 ms.
const LATE: Duration = Duration::from_millis(2);

/// A machine that makes a timer loop wait for so long even once has stood still. Where other tests run beside one, only that
/// may be held against the machine: they are to be expected, and no claim there is that tight.
const STOOD_STILL: Duration = Duration::from_millis(50);

/// What came of a try, or which claim it broke that the noise of a machine may break. What no machine may break is asserted.
pub(crate) type Claimed<T> = Result<T, String>;

/// Breaks a [`Claimed`] in these words unless it is true.
macro_rules! claim {
    ($holds:expr, $($otherwise:tt)+) => {
        if !$holds {
            return Err(format!($($otherwise)+));
        }
    };
}
pub(crate) use claim;

/// Who else runs in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nobody: the test is blamed for a loop that is late because of it.
    Nobody,
    /// Other tests.
    Tests,
}

/// Tries what a machine may spoil until it holds, and gives what came of it; `None` when the machine spoiled every try.
///
/// # Panics
/// When a claim is broken on a machine that was quiet meanwhile.
pub(crate) fn tried<T>(
    tries: u32,
    beside: Beside,
    mut attempt: impl FnMut() -> Claimed<T>,
) -> Option<T> {
    let mut noises = Vec::new();
    for _ in 0..tries {
        let watch = Watch::begin();
        let outcome = attempt();
        let noise = watch.end();
        match outcome {
            Ok(it) => return Some(it),
            Err(broken) => {
                assert!(noise.spoils(beside), "{noise}, and yet {broken}");
                noises.push(format!("{noise}: {broken}"));
            }
        }
    }
    not_shown(&noises);
    None
}

/// Says where everybody sees it that a test has shown nothing. The test harness swallows what macros print.
pub(crate) fn not_shown(noises: &[String]) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let times = noises.len();
    let last = noises.last().map_or("", String::as_str);
    let _ = writeln!(
        std::io::stderr(),
        "{test}: NOT SHOWN, the machine was not quiet {times} times of {times}; the last: {last}"
    );
}

/// Somebody who looks how quiet the machine is, until the end.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    loops: Vec<JoinHandle<Vec<Duration>>>,
    began: Ticks,
}

impl Watch {
    pub(crate) fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let timer_loop = || {
            let over = Arc::clone(&over);
            thread::spawn(move || lateness(&over))
        };
        Self {
            loops: (0..cores).map(|_| timer_loop()).collect(),
            began: Ticks::now(),
            over,
        }
    }

    pub(crate) fn end(self) -> Noise {
        let ticks = Ticks::now().since(&self.began);
        self.over.store(true, Ordering::Relaxed);
        let lags = self.loops.into_iter();
        let mut lags: Vec<_> = lags
            .flat_map(|it| it.join().expect("a loop of sleeps"))
            .collect();
        lags.sort_unstable();
        let p99 = (lags.len() * 99).div_ceil(100).saturating_sub(1);
        Noise {
            late: lags.get(p99).copied().unwrap_or_default(),
            latest: lags.last().copied().unwrap_or_default(),
            ticks,
        }
    }
}

/// How late a bare timer loop woke, each time.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, which shows what sleeping comes to on this machine"
)]
fn lateness(over: &AtomicBool) -> Vec<Duration> {
    let mut lags = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let due = Instant::now() + TICK;
        thread::sleep(TICK);
        lags.push(due.elapsed());
    }
    lags
}

/// What the machine was like.
#[derive(Debug)]
pub(crate) struct Noise {
    /// The timer loop's lateness: p99, and the most.
    late: Duration,
    latest: Duration,
    ticks: Ticks,
}

impl Noise {
    /// Is it enough to spoil what is measured: did others take so much of the cores, or the host a fiftieth, or was a bare timer
    /// loop late for which we were not the reason?
    pub(crate) fn spoils(&self, beside: Beside) -> bool {
        let Ticks {
            all, stolen, own, ..
        } = self.ticks;
        let others = self.ticks.others();
        stolen * 50 > all
            || match beside {
                Beside::Nobody => others * 20 > all || (self.late > LATE && own * 2 <= all),
                // Programs that these have started, and have not waited for yet, are among the others.
                Beside::Tests => others * 3 > all || self.latest > STOOD_STILL,
            }
    }
}

impl Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_all = |ticks: u64| ticks * 100 / self.ticks.all.max(1);
        write!(
            f,
            "a timer loop was late by {:?} (p99) and {:?} (most), of the cores others took {}%, these tests {}% and the host {}%",
            self.late,
            self.latest,
            of_all(self.ticks.others()),
            of_all(self.ticks.own),
            of_all(self.ticks.stolen)
        )
    }
}

/// Clock ticks of all cores since the start of the machine, and of this process and the children that it has waited for.
///
/// Read here and not taken from the health of a run, which is what is being tested. Where the system tells none, the
/// timer loop decides alone.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    all: u64,
    busy: u64,
    stolen: u64, // withheld by the host
    own: u64,
}

impl Ticks {
    fn now() -> Self {
        let numbers = |text: &str| -> Vec<u64> {
            let words = text.split_whitespace();
            words.filter_map(|word| word.parse().ok()).collect()
        };
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        // The first line is all cores: user nice system idle iowait irq softirq steal. What follows is part of user and nice.
        let mut cpu = numbers(stat.lines().next().unwrap_or_default());
        cpu.resize(8, 0);
        let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name may hold anything; behind it are the state, which is a letter, and the numbers from the 4th field on.
        let mut own = numbers(own.rsplit_once(')').unwrap_or_default().1);
        own.resize(14, 0);
        Self {
            all: cpu.iter().sum(),
            busy: cpu.iter().sum::<u64>() - cpu[3] - cpu[4],
            stolen: cpu[7],
            own: own[10..14].iter().sum(), // fields 14 to 17: utime, stime, and those of children
        }
    }

    fn since(&self, then: &Self) -> Self {
        Self {
            all: self.all.saturating_sub(then.all),
            busy: self.busy.saturating_sub(then.busy),
            stolen: self.stolen.saturating_sub(then.stolen),
            own: self.own.saturating_sub(then.own),
        }
    }

    fn others(&self) -> u64 {
        self.busy.saturating_sub(self.stolen + self.own)
    }
}
