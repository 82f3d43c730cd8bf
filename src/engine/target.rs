//! The registry under test: where it is, and how its clients are set up.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::sleep;

use super::error::Error;
use super::resolved::{headers, tls as read_tls};
use super::telemetry;
use super::upstream::{Upstream, UpstreamCounts};
use crate::embedded::{self, Registry};
use crate::exchange::HttpVersion;
use crate::plan::{self, Place, Plan};
use crate::profile::{Habits, Profile};
use crate::registry::{Base, Settings};
use crate::telemetry::Source;
use crate::transport::{Dialer, Route};
use crate::units::{Credentials, Secret};

/// The longest wait for the embedded registry to count its responses.
const COUNTED: Duration = Duration::from_secs(1);

/// The registry under test, running if it is the embedded one.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) base: Base,
    headers: HeaderMap,
    credentials: Option<Credentials>,
    cleartext: bool,
    route: Arc<Route>,
    http: Option<HttpVersion>, // of clients that are no journeys
    embedded: Option<embedded::Running>,
    /// What is read of it beside its loads.
    pub(super) telemetry: Arc<[Source]>,
    /// The registry behind it, if that is in this process.
    upstream: Option<Upstream>,
}

impl Target {
    /// Starts the embedded registry if it is the target; else only looks at the URL. Reads the files of TLS.
    pub(super) fn open(plan: &Plan) -> Result<Self, Error> {
        let (base, embedded) = match &plan.target.place {
            Place::Url(url) => (Base::new(url.clone())?, None),
            Place::Embedded(wanted) => {
                let running =
                    Registry::start(settings(wanted, plan.target.auth.credentials.as_ref()))?;
                (Base::parse(&running.url())?, Some(running))
            }
        };
        let ca = embedded.as_ref().and_then(|it| it.ca());
        let route = Arc::new(route(&plan.target, &base, ca)?);
        let telemetry = telemetry::sources(
            plan,
            &telemetry::Of {
                base: &base.url(),
                route: &route,
                thread: embedded.as_ref().and_then(embedded::Running::thread_id),
            },
        )?;
        Ok(Self {
            base,
            route,
            telemetry,
            http: plan.target.http,
            headers: headers(&plan.target.headers)?,
            credentials: plan.target.auth.credentials.clone(),
            cleartext: plan.target.auth.cleartext,
            embedded,
            upstream: plan.upstream.as_ref().map(Upstream::open).transpose()?,
        })
    }

    /// Returns what a client of the target with these habits needs to know, with that limit on each exchange.
    pub(super) fn client(&self, habits: &Habits, timeout: Duration) -> Rc<Settings> {
        let mut settings = Settings::new(self.base.clone(), habits.clone(), timeout);
        settings.headers.clone_from(&self.headers);
        settings.credentials.clone_from(&self.credentials);
        settings.cleartext = self.cleartext;
        Rc::new(settings)
    }

    /// Returns what opens the connections of a client that puts images in place: into the upstream, if there is one.
    pub(super) fn seeding_dialer(&self) -> Rc<Dialer> {
        let upstream = self.upstream.as_ref().map(|it| Arc::clone(&it.route));
        let route = upstream.unwrap_or_else(|| Arc::clone(&self.route));
        Rc::new(Dialer::new(route, 0))
    }

    /// Returns what such a client needs to know, with that limit on each exchange.
    pub(super) fn seeder(&self, habits: &Habits, timeout: Duration) -> Rc<Settings> {
        match &self.upstream {
            Some(it) => Rc::new(Settings::new(it.base.clone(), habits.clone(), timeout)),
            None => self.client(habits, timeout),
        }
    }

    /// Returns `true` if images are put into another registry than the target.
    pub(super) const fn has_upstream(&self) -> bool {
        self.upstream.is_some()
    }

    /// Returns what was requested of the upstream so far.
    pub(super) fn upstream_counts(&self) -> Option<UpstreamCounts> {
        self.upstream.as_ref().map(Upstream::counts)
    }

    /// Returns what opens the connections of a worker, of the probe, or of preparation.
    pub(super) fn dialer(&self, worker: usize) -> Rc<Dialer> {
        Rc::new(Dialer::new(Arc::clone(&self.route), worker))
    }

    /// Returns the habits of clients that are no journeys: the plain ones, with the HTTP version of the scenario.
    pub(super) fn habits(&self) -> Habits {
        let mut habits = Profile::PLAIN.habits();
        habits.http = self.http.unwrap_or(habits.http);
        habits
    }

    /// Returns what the embedded registry counted, if that is the target, its last response included.
    pub(super) async fn embedded_counts(&self) -> Option<embedded::Counts> {
        let embedded = self.embedded.as_ref()?;
        for _ in 0..COUNTED.as_millis() {
            if embedded.counts().in_progress == 0 {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
        Some(embedded.counts())
    }
}

/// Returns the way to the target. `ca` is the embedded registry's own.
fn route(target: &plan::Target, base: &Base, ca: Option<&str>) -> Result<Route, Error> {
    let tls = read_tls(&target.tls, ca)?;
    if base.origin().is_secure() {
        tls.load_roots();
    }
    let addresses = &target.addresses;
    let route = Route {
        target: Some(base.origin().clone()),
        connect_to: addresses.connect_to.clone(),
        source_ips: addresses.source_ips.clone(),
        lookup: addresses.dns,
        proxy: target.proxy.clone(),
        tls: Arc::new(tls),
    };
    let checked = route.check_sources();
    checked.map_err(|(ip, source)| Error::SourceIp { ip, source })?;
    Ok(route)
}

fn settings(wanted: &plan::Embedded, credentials: Option<&Credentials>) -> embedded::Settings {
    let (user, password) = match credentials {
        Some(Credentials::Password { username, password }) => (username.clone(), password.clone()),
        // No client knows it, so none is let in.
        Some(Credentials::IdentityToken(_)) | None => (String::new(), Secret::new("")),
    };
    embedded::Settings {
        base_path: wanted.base_path.clone(),
        storage: wanted.storage,
        auth: wanted.auth.with_user(user, password, wanted.token_lifetime),
        tls: wanted.tls,
        max_bytes: wanted.max_bytes,
        ..embedded::Settings::default()
    }
}
