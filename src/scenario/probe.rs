//! What the probe requests beside the load.

use std::time::Duration;

/// A client of its own that asks the target now and then, whatever the load does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What it asks in each round, one after the other. Not empty; nothing is in it twice.
    pub asks: Vec<Ask>,
    /// From one round to the next; 10 ms to 1 h.
    pub every: Duration,
    /// The journey whose first image is asked for, an index into [`Scenario::journeys`](super::Scenario::journeys): one
    /// that pulls. `None` where no ask needs an image.
    pub journey: Option<usize>,
}

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// Whether this is a registry.
    Ping,
    /// What the tag points at.
    ManifestHead,
    /// The config of the image: a small blob.
    ConfigGet,
}

impl Ask {
    /// Every question.
    pub const ALL: [Self; 3] = [Self::Ping, Self::ManifestHead, Self::ConfigGet];

    /// The name in the scenario.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::ManifestHead => "manifest-head",
            Self::ConfigGet => "config-get",
        }
    }
}
