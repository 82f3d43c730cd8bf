//! The bounds of every signal, and why they are where they are.

use std::time::Duration;

use super::super::Level;
use crate::units;

/// Above `suspect` a run is suspect, above `invalid` it is invalid. A signal without the latter never invalidates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) unit: Unit,
    pub(super) suspect: f64,
    pub(super) invalid: Option<f64>,
}

/// What a number counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    /// A share of a whole.
    Share,
    /// Seconds.
    Time,
    /// Things in a second.
    Rate,
    /// Things.
    Count,
}

/// A shorter window says nothing about shares of its time.
pub(super) const LEAST_WINDOW: Duration = Duration::from_secs(2);

/// A percentile of the start lag above this is seen in every response time of some operations, whatever they take.
pub(super) const START_LAG: Bounds = Bounds {
    unit: Unit::Time,
    suspect: 0.001,
    invalid: Some(0.010),
};
/// A lag that is a larger part of the journey's median service time is suspect below that already ...
pub(super) const START_LAG_OF_SERVICE: f64 = 0.05;
/// ... but not below this: it is what pacing comes to on a machine that is well, and for journeys of a few hundred
/// microseconds any lag is a twentieth. There is no bound on the gap between response and service time, since the part
/// of it that is the generator's is this lag, and the rest is the target's.
pub(super) const LEAST_START_LAG: f64 = 0.000_5;
/// Later than one interval, the next start is due already: the load has another form than the plan. That is held
/// against a run when it is true of more than one start in twenty, and where intervals are not shorter than this, which
/// no timer keeps.
pub(super) const LEAST_MEAN_INTERVAL: Duration = Duration::from_millis(1);

/// Each dropped start is a request that a user would have made and that no number shows.
pub(super) const DROPPED: Bounds = Bounds::share(0.0, 0.01);
/// What was dropped while the users waited for the target is a finding of the target, and thresholds account for it. It
/// never invalidates; but percentiles that are shown are of those that began.
pub(super) const DROPPED_BY_TARGET: Bounds = Bounds::suspect_share(0.0);
/// One start may fall on the other side of the window's edge.
pub(super) const MISSING: Bounds = Bounds::share(0.001, 0.01);
pub(super) const MISSING_AT_THE_EDGE: u64 = 1;

pub(super) const CONNECTION_WAIT: Bounds = Bounds::share(0.01, 0.10);
/// Asking the pool takes some microseconds itself, which is a hundredth of an exchange of a tenth of a millisecond.
pub(super) const LEAST_MEAN_WAIT: Duration = Duration::from_micros(50);

/// Any such failure is the generator's.
pub(super) const HARNESS_LIMIT: Bounds = Bounds {
    unit: Unit::Count,
    suspect: 0.0,
    invalid: Some(0.0),
};
pub(super) const CEILING: Bounds = Bounds::suspect_share(0.70);

/// Lags are judged at p99, which is one moment in a hundred since they are weighted by time, and never by their
/// maximum: on a virtual machine one pause of 25 ms in ten seconds is normal and moves no percentile that is shown.
pub(super) const LAG: Bounds = Bounds {
    unit: Unit::Time,
    suspect: 0.020,
    invalid: Some(0.100),
};
/// Many short stalls are as bad as few long ones: a lag above the suspect bound in more than a tenth of the time (p90)
/// is invalid.
pub(super) const LAG_IN_A_TENTH: Duration = Duration::from_millis(20);

/// A share of a processor's time is held against a run only when it lasted: a second of garbage or of handshakes is
/// not the limit of a generator.
pub(super) const SUSTAINED: Duration = Duration::from_secs(3);
/// A busy core is the generator's when its workers took at least this part of the time that all cores were busy.
/// Otherwise the target, or another process, fills them, and [`RUN_QUEUE_WAIT`] says whether the generator suffered.
pub(super) const WORKERS_PART: f64 = 0.5;

/// The share of moments at which a response would have been left unread because the worker had no core.
///
/// Tried on a virtual machine of two cores with a thread at 10% to 60% load, waking every 5 or 10 ms, for 5 to 10 s
/// each. On the idle machine it waited at most 0.6% of the time; beside one busy loop 0.1% to 3%, as there is a core for
/// each; beside two, 8% to 39%, and beside four, 16% to 80%, with wake-ups late by 3 ms to 3 s. So 5% parts what is well
/// from what is not, and at 20% a fifth of all latencies hold a wait of our own.
pub(super) const RUN_QUEUE_WAIT: Bounds = Bounds::share(0.05, 0.20);
/// The same wait, one machine below.
pub(super) const STEAL: Bounds = Bounds::share(0.05, 0.20);
/// Being stopped at all is suspect; stopped threads are summed up.
pub(super) const THROTTLING: Bounds = Bounds::share(0.0, 0.01);
/// Of any task of the machine, so judged only where no worker reports its own wait and the target runs elsewhere.
pub(super) const CPU_PRESSURE: Bounds = Bounds::share(0.05, 0.20);
pub(super) const MEMORY_PRESSURE: Bounds = Bounds::share(0.05, 0.20);
/// A few are the program's own pages at their first use.
pub(super) const MAJOR_FAULTS: Bounds = Bounds {
    unit: Unit::Rate,
    suspect: 5.0,
    invalid: None,
};
/// Having no more of them is invalid by its failures.
pub(super) const OPEN_FILES: Bounds = Bounds::suspect_share(0.90);
pub(super) const PORTS: Bounds = Bounds::suspect_share(0.70);
/// The network's fault or the target's, and never so much that it is not their number any more.
pub(super) const RETRANSMITS: Bounds = Bounds::suspect_share(0.01);
/// Shards that begin this far apart have less than the planned load at both ends; further apart they are not one load. Clocks
/// that NTP keeps differ by some milliseconds.
pub(super) const START_SKEW: Bounds = Bounds {
    unit: Unit::Time,
    suspect: 0.100,
    invalid: Some(1.0),
};
/// One shard in a hundred.
pub(super) const LOST_SHARDS: f64 = 0.01;
/// What a lost shard should have sent is missing in the load.
pub(super) const fn lost_shards(allowed: f64) -> Bounds {
    Bounds::share(0.0, allowed)
}
/// Fewer segments make no share.
pub(super) const LEAST_SEGMENTS: u64 = 1000;

impl Bounds {
    const fn share(suspect: f64, invalid: f64) -> Self {
        Self {
            unit: Unit::Share,
            suspect,
            invalid: Some(invalid),
        }
    }

    const fn suspect_share(suspect: f64) -> Self {
        Self {
            unit: Unit::Share,
            suspect,
            invalid: None,
        }
    }

    /// Returns the level that a number reaches, and the bound that it exceeds.
    pub(super) fn exceeded_by(&self, value: f64) -> Option<(Level, f64)> {
        let invalid = self.invalid.filter(|bound| value > *bound);
        let invalid = invalid.map(|bound| (Level::Invalid, bound));
        invalid.or((value > self.suspect).then_some((Level::Suspect, self.suspect)))
    }

    /// One of the bounds, in words.
    pub(super) fn show(&self, bound: f64) -> String {
        if bound > 0.0 {
            format!("at most {}", self.unit.show(bound))
        } else {
            "at most 0".to_owned()
        }
    }
}

impl Unit {
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Share => percent(value),
            Self::Time => units::duration(Duration::try_from_secs_f64(value).unwrap_or_default()),
            Self::Rate => units::per_second(value, ""),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// Returns a share as a person reads it: two decimals below one percent, one below ten, and no zeros at the end.
fn percent(share: f64) -> String {
    let value = share * 100.0;
    let text = match value {
        value if value < 1.0 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    };
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "0" && value > 0.0 {
        return "less than 0.01%".to_owned();
    }
    format!("{text}%")
}
