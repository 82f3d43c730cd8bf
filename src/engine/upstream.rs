//! The registry behind a target that is a pull-through cache: in this process, and counting.

use std::sync::Arc;

use super::error::Error;
use crate::embedded::{self, Registry};
use crate::plan;
use crate::registry::Base;
use crate::transport::{Route, Tls, TlsSettings};

/// What was requested of the registry behind a pull-through cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamCounts {
    /// Its URL.
    pub url: String,
    /// Requests of all kinds.
    pub requests: u64,
    /// How often each blob was fetched that was.
    pub fetches: Vec<u64>,
}

/// The registry behind a target that is a pull-through cache.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) base: Base,
    pub(super) route: Arc<Route>,
    running: embedded::Running,
}

impl Upstream {
    pub(super) fn open(wanted: &plan::Upstream) -> Result<Self, Error> {
        let running = Registry::start(embedded::Settings {
            listen: wanted.listen,
            count_fetches: true,
            ..embedded::Settings::default()
        })?;
        let base = Base::parse(&running.url())?;
        let route = Route {
            target: Some(base.origin().clone()),
            connect_to: Vec::new(),
            source_ips: Vec::new(),
            lookup: plan::Addresses::default().dns,
            proxy: None,
            tls: Arc::new(Tls::new(&TlsSettings::default())?),
        };
        Ok(Self {
            base,
            route: Arc::new(route),
            running,
        })
    }

    /// Returns what was requested of it so far.
    pub(super) fn counts(&self) -> UpstreamCounts {
        let fetches = self.running.fetches().into_iter();
        UpstreamCounts {
            url: self.running.url(),
            requests: self.running.counts().requests,
            fetches: fetches.map(|(_, count)| count).collect(),
        }
    }
}
