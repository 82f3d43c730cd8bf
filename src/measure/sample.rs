//! What is known of one exchange or one iteration when it has ended.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::{ConnectionUse, Handshake, Protocol, Timings};
use crate::oci::Operation;

use super::{Bytes, Outcome, Spent, TrackId};

/// The part of a run that something belongs to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// Content is put where the run expects it.
    Prepare,
    /// The load runs and is not yet measured.
    WarmUp,
    /// The load that statistics are made of.
    Measure,
    /// What the registry has acknowledged is read back.
    Audit,
    /// What the run left behind is removed.
    CleanUp,
}

impl Period {
    /// Every period, in the order of a run.
    pub const ALL: [Self; 5] = [
        Self::Prepare,
        Self::WarmUp,
        Self::Measure,
        Self::Audit,
        Self::CleanUp,
    ];

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::WarmUp => "warm-up",
            Self::Measure => "measure",
            Self::Audit => "audit",
            Self::CleanUp => "clean-up",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// One HTTP request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeSample {
    /// The journey that it was made for, and the stage of the load.
    pub track: TrackId,
    /// The operation.
    pub operation: Operation,
    /// The part of the run that it belongs to.
    pub period: Period,
    /// When its iteration was due, since the measured window opened; zero before that.
    pub due: Duration,
    /// When it ended, on the same clock.
    pub finished: Duration,
    /// Where its time went.
    pub timings: Timings,
    /// The connection that carried it.
    pub connection: ConnectionUse,
    /// The HTTP version, if it had a connection.
    pub protocol: Option<Protocol>,
    /// The TLS handshake, if it had one of its own.
    pub handshake: Option<Handshake>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body.
    pub received: u64,
    /// The status, in `100..=999`, if a response came.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
}

/// One run of a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IterationSample {
    /// The journey, and the stage of the load in which it was due.
    pub track: TrackId,
    /// The part of the run that it belongs to.
    pub period: Period,
    /// When it was due, since the measured window opened.
    pub scheduled: Duration,
    /// When it began, on the same clock.
    pub started: Duration,
    /// When it ended, on the same clock.
    pub finished: Duration,
    /// Bytes of the bodies of its requests.
    pub sent: u64,
    /// Bytes of the bodies of its responses.
    pub received: u64,
    /// Where its time went.
    pub spent: Spent,
    /// How it ended.
    pub outcome: Outcome,
}

impl ExchangeSample {
    pub(super) const fn bytes(&self) -> Bytes {
        Bytes {
            sent: self.sent,
            received: self.received,
        }
    }
}

impl IterationSample {
    pub(super) const fn bytes(&self) -> Bytes {
        Bytes {
            sent: self.sent,
            received: self.received,
        }
    }

    /// Returns the time from the start to the end.
    pub fn service_time(&self) -> Duration {
        self.finished.saturating_sub(self.started)
    }

    /// Returns the time from the moment it was due to the end: the latency that a user experiences.
    pub fn response_time(&self) -> Duration {
        self.finished.saturating_sub(self.scheduled)
    }

    /// Returns the time from the moment it was due to the start.
    pub fn start_lag(&self) -> Duration {
        self.started.saturating_sub(self.scheduled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_place_in_all() {
        for (index, period) in Period::ALL.into_iter().enumerate() {
            assert_eq!(period.index(), index);
            assert_eq!(serde_json::to_value(period).unwrap(), period.name());
        }
    }
}
