//! The machine and the time of a run. The only place that reads the wall clock, and that once for a run.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Where and when a run was made. What the system does not tell is left out, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// The name of the machine.
    pub host: Option<String>,
    /// The release of the kernel.
    pub kernel: Option<String>,
    /// The model of the first processor.
    pub cpu_model: Option<String>,
    /// The number of cores that this process may use; 0 when unknown.
    pub cores: usize,
    /// The memory of the machine, in bytes.
    pub memory_bytes: Option<u64>,
    /// What the user calls the run by: `build` = `1.4.2`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What a CI system says of the job, by the names of its variables; only names that are known to hold no secret.
    #[serde(default)]
    pub ci: BTreeMap<String, String>,
    /// When the run began, RFC 3339, in UTC.
    pub started: String,
    /// When it ended, RFC 3339, in UTC.
    pub ended: String,
    /// The wall clock as it was read when the run began.
    #[serde(skip)]
    #[schemars(skip)]
    pub clock: WallClock,
}

/// The wall clock, read once in a process: every other time is that one and what has passed since, by the clock that
/// nobody sets.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    wall: SystemTime,
    at: Instant,
}

/// The one reading of this process.
static READING: OnceLock<WallClock> = OnceLock::new();

impl WallClock {
    fn read() -> Self {
        *READING.get_or_init(Self::take)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock, for a reader to know when the run was"
    )]
    fn take() -> Self {
        Self {
            wall: SystemTime::now(),
            at: Instant::now(),
        }
    }

    fn time(self, instant: Instant) -> SystemTime {
        let time = match instant.checked_duration_since(self.at) {
            Some(later) => self.wall.checked_add(later),
            None => self.wall.checked_sub(self.at.duration_since(instant)),
        };
        time.unwrap_or(self.wall)
    }

    /// Returns a moment of the run, RFC 3339 in UTC, to the microsecond.
    pub fn at(self, instant: Instant) -> String {
        let shown = |time| humantime::format_rfc3339_micros(time).to_string();
        by_calendar(self.time(instant), shown)
    }

    /// Returns the moment of this process that a time is at; what no clock of a process reaches is at its start.
    pub fn instant(self, time: SystemTime) -> Instant {
        match time.duration_since(self.wall) {
            Ok(later) => self.at.checked_add(later).unwrap_or(self.at),
            Err(earlier) => {
                let earlier = earlier.duration();
                self.at.checked_sub(earlier).unwrap_or(self.at)
            }
        }
    }

    fn now(self) -> String {
        rfc3339(self.time(Instant::now()))
    }
}

/// Returns `true` if a time is not further ahead than that, by the clock of this machine.
pub fn is_within(time: SystemTime, ahead: Duration) -> bool {
    let now = WallClock::read().time(Instant::now());
    time.duration_since(now).is_ok_and(|it| it <= ahead) || time <= now
}

/// That of a report that was read: it began at no known moment of this process.
impl Default for WallClock {
    fn default() -> Self {
        Self {
            wall: SystemTime::UNIX_EPOCH,
            at: Instant::now(),
        }
    }
}

/// When a clock was read is no part of what a report says.
impl PartialEq for WallClock {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for WallClock {}

impl Environment {
    /// Returns the machine that this is, and a run that begins now.
    pub fn observe() -> Self {
        let line = |path| {
            let text = fs::read_to_string(path).ok()?;
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let clock = WallClock::read();
        let now = clock.now();
        Self {
            host: line("/proc/sys/kernel/hostname"),
            kernel: line("/proc/sys/kernel/osrelease"),
            cpu_model: line("/proc/cpuinfo").and_then(|text| cpu_model(&text)),
            cores: thread::available_parallelism().map_or(0, usize::from),
            memory_bytes: line("/proc/meminfo").and_then(|text| memory_bytes(&text)),
            labels: BTreeMap::new(),
            ci: BTreeMap::new(),
            started: now.clone(),
            ended: now,
            clock,
        }
    }

    /// The run ends now.
    pub fn end(&mut self) {
        self.ended = WallClock::read().now();
    }

    /// Returns the host's name, for people.
    pub(super) fn host(&self) -> &str {
        self.host.as_deref().unwrap_or("unknown")
    }

    /// From the earlier start to the later end; the labels in which both agree.
    pub(super) fn extend(&mut self, other: &Self) {
        self.labels
            .retain(|key, value| other.labels.get(key) == Some(value));
        self.ci
            .retain(|key, value| other.ci.get(key) == Some(value));
        if other.started < self.started {
            self.started.clone_from(&other.started);
        }
        if other.ended > self.ended {
            self.ended.clone_from(&other.ended);
        }
    }
}

/// The calendar repeats itself after so many years, which are so long.
const CYCLE_YEARS: u64 = 400;
const CYCLE: Duration = Duration::from_hours(146_097 * 24);

/// Returns a time in UTC, to the millisecond.
fn rfc3339(time: SystemTime) -> String {
    by_calendar(time, |it| humantime::format_rfc3339_millis(it).to_string())
}

/// Returns a time in UTC, by the proleptic calendar: a clock that was never set may be before 1970.
fn by_calendar(time: SystemTime, shown: impl Fn(SystemTime) -> String) -> String {
    let Err(before) = time.duration_since(SystemTime::UNIX_EPOCH) else {
        return shown(time);
    };
    let before = before.duration();
    let cycles = before.as_secs() / CYCLE.as_secs() + 1;
    let within = Duration::new(before.as_secs() % CYCLE.as_secs(), before.subsec_nanos());
    let later = shown(SystemTime::UNIX_EPOCH + CYCLE.saturating_sub(within));
    let (year, rest) = later.split_at(4);
    let year = year.parse::<u64>().unwrap_or(1970);
    format!("{:04}{rest}", year.saturating_sub(cycles * CYCLE_YEARS))
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    field(cpuinfo, "model name").map(str::to_owned)
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kib = field(meminfo, "MemTotal")?.strip_suffix("kB")?;
    kib.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Returns the value of the first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_tells() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Fast CPU @ 3.00GHz\n\nmodel name\t: Second\n";
        assert_eq!(cpu_model(cpuinfo).as_deref(), Some("Fast CPU @ 3.00GHz"));
        assert_eq!(cpu_model("BogoMIPS : 1"), None);
        let meminfo = "MemTotal:       16384 kB\nMemFree:  1 kB\n";
        assert_eq!(memory_bytes(meminfo), Some(16_777_216));
        assert_eq!(memory_bytes("MemTotal: many kB"), None);
        assert_eq!(memory_bytes("MemTotal: 99999999999999999999 kB"), None);
    }

    /// The texts are those of `date -u -d @SECONDS +%FT%TZ`.
    #[test]
    fn a_clock_before_1970_is_no_defect() {
        let before = |seconds| SystemTime::UNIX_EPOCH - Duration::from_secs(seconds);
        for (time, text) in [
            (before(1), "1969-12-31T23:59:59.000Z"),
            (before(86_400 * 365), "1969-01-01T00:00:00.000Z"),
            (before(2_208_988_800), "1900-01-01T00:00:00.000Z"),
            (before(12_622_780_800), "1570-01-01T00:00:00.000Z"),
            (SystemTime::UNIX_EPOCH, "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(time), text);
        }
    }

    /// 1,000,000,000 s since 1970 are 2001-09-09T01:46:40Z (`date -u -d @1000000000`).
    #[tokio::test(start_paused = true)]
    async fn times_are_counted_from_one_reading() {
        let reading = WallClock {
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000),
            at: Instant::now(),
        };
        tokio::time::advance(Duration::from_millis(90_500)).await;
        let text = reading.now();
        assert_eq!(text, "2001-09-09T01:48:10.500Z");
    }

    #[test]
    fn times_are_in_utc_and_sort() {
        let mut environment = Environment::observe();
        environment.end();
        assert!(environment.started.ends_with('Z'));
        assert_eq!(environment.started.len(), "2026-11-22T13:07:00.000Z".len());
        assert!(environment.started <= environment.ended);
    }

    #[test]
    fn moments_are_counted_from_one_reading() {
        let at = Instant::now() + Duration::from_hours(1);
        let clock = WallClock {
            wall: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
            at,
        };
        let ms = Duration::from_millis;
        assert_eq!(clock.at(at + ms(2_000)), "1970-01-01T00:00:03.500000Z");
        assert_eq!(clock.at(at - ms(500)), "1970-01-01T00:00:01.000000Z");
        assert_eq!(clock.at(at - ms(2_500)), "1969-12-31T23:59:59.000000Z");
    }
}
