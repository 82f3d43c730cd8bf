//! The registry's state as its one thread sees it, and the URLs it speaks of.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use http::Uri;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use tokio::time::Instant;

use crate::oci::Digest;

use super::blob::Budget;
use super::burn::Burner;
use super::fault::FaultPlan;
use super::freeze::Freezer;
use super::keys::Keys;
use super::record::RequestLog;
use super::revivals::Revivals;
use super::settings::{Quirk, Settings, Storage};
use super::store::Store;
use super::tally::{Counts, Tally};
use super::timeouts::OpenConnections;
use super::upload_session::Uploads;

/// Everything the thread owns.
///
/// Each part is borrowed for single statements and never across an `await`, so no borrow can meet another.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) settings: Settings,
    pub(super) address: SocketAddr,
    pub(super) storage_address: Option<SocketAddr>,
    /// What every time in the logs counts from.
    pub(super) began: Instant,
    pub(super) keys: Keys,
    pub(super) budget: Budget,
    pub(super) store: RefCell<Store>,
    pub(super) revivals: RefCell<Revivals>,
    pub(super) uploads: RefCell<Uploads>,
    pub(super) faults: RefCell<FaultPlan>,
    /// How often each blob was fetched, if that is counted.
    pub(super) fetches: Option<RefCell<BTreeMap<Digest, u64>>>,
    pub(super) log: Option<RefCell<RequestLog>>,
    pub(super) tally: Tally,
    pub(super) open_connections: OpenConnections,
    pub(super) freezer: Freezer,
    pub(super) burner: Burner,
}

impl Site {
    pub(super) fn new(
        mut settings: Settings,
        address: SocketAddr,
        storage_address: Option<SocketAddr>,
    ) -> Self {
        let began = Instant::now();
        Self {
            address,
            storage_address,
            began,
            keys: Keys::new(),
            budget: Budget::new(settings.max_bytes.get()),
            store: RefCell::default(),
            revivals: RefCell::default(),
            uploads: RefCell::new(Uploads::new(settings.max_uploads, settings.upload_idle)),
            faults: RefCell::new(FaultPlan::new(std::mem::take(&mut settings.faults))),
            fetches: settings.count_fetches.then(RefCell::default),
            log: settings
                .record_requests
                .map(|limit| RefCell::new(RequestLog::new(limit, began))),
            tally: Tally::default(),
            open_connections: OpenConnections::default(),
            freezer: Freezer::new(began),
            burner: Burner::default(),
            settings,
        }
    }

    /// Brings back what was deleted and is due.
    pub(super) fn revive(&self) {
        self.revivals
            .borrow_mut()
            .come(&mut self.store.borrow_mut());
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.settings.quirks.contains(&quirk)
    }

    pub(super) fn is_sink(&self) -> bool {
        self.settings.storage == Storage::Sink
    }

    /// Returns a state for an upload session: half of a number never drawn before.
    pub(super) fn draw_state(&self) -> u64 {
        u64::try_from(self.keys.draw() >> 64).unwrap_or_default()
    }

    /// `http` or `https`.
    pub(super) const fn scheme(&self) -> &'static str {
        if self.settings.tls { "https" } else { "http" }
    }

    /// Returns the registry's URL as this client knows it: by the `Host` it sent.
    pub(super) fn url_for(&self, head: &Parts) -> String {
        let base = &self.settings.base_path;
        let scheme = self.scheme();
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        // HTTP/2 has the host in the request's own line.
        match host.or_else(|| head.uri.authority().map(Authority::as_str)) {
            Some(host) => format!("{scheme}://{host}{base}"),
            None => format!("{scheme}://{}{base}", self.address),
        }
    }

    /// Returns the host by which this client knows the registry, without a port.
    pub(super) fn host_name(&self, head: &Parts) -> Option<String> {
        let url = self.url_for(head).parse::<Uri>().ok()?;
        url.host().map(str::to_owned)
    }

    /// Returns what stands in front of `/v2/` in a `Location`.
    pub(super) fn location_base(&self, head: &Parts) -> String {
        if self.has(Quirk::RelativeLocations) {
            self.settings.base_path.clone()
        } else {
            self.url_for(head)
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let store = self.store.borrow();
        Counts {
            open_uploads: self.uploads.borrow().open() as u64,
            blobs: store.blob_count() as u64,
            repositories: store.repository_count() as u64,
            held: self.budget.held(),
            ..self.tally.snapshot()
        }
    }
}
