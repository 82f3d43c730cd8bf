//! What was done before or after a load, by a record of its own, as a part of a report.

use std::collections::BTreeMap;
use std::time::Duration;

use super::from_record::{failures, periods, several};
use super::{Document, FailureSection, PeriodSection, WallClock};
use crate::measure::{AddressUse, Bytes, Closure, Period, Record};

/// What was done outside of the measured window.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The exchanges, and how long all of it took.
    pub periods: Vec<PeriodSection>,
    /// Bytes of bodies as the transport counted them.
    pub transport: Bytes,
    /// The addresses that connections went to, of hosts that have several.
    pub addresses: Vec<AddressUse>,
    /// How many durations were more than an hour and are counted as an hour.
    pub clamped: u64,
    /// Failures by kind.
    pub failures: FailureSection,
    /// The sums that must agree.
    pub closure: Closure,
}

impl Outside {
    /// Returns what a record tells of it, and how long each period took.
    pub fn of(record: &Record, durations: &BTreeMap<Period, Duration>, clock: WallClock) -> Self {
        Self {
            periods: periods(record, durations),
            transport: record.transport(),
            addresses: several(record.addresses()),
            clamped: record.clamped(),
            failures: failures(record, clock),
            closure: record.check(),
        }
    }
}

impl Document {
    /// Adds what was done outside of the load and is not part of it yet.
    pub fn add_outside(&mut self, outside: Outside, notes: impl IntoIterator<Item = String>) {
        self.transport.merge(outside.transport);
        AddressUse::merge(&mut self.addresses, outside.addresses);
        self.clamped = self.clamped.saturating_add(outside.clamped);
        self.add_periods(outside.periods);
        self.failures.merge(outside.failures);
        self.add_sums(outside.closure.sums);
        for note in notes {
            self.note(note);
        }
    }
}
