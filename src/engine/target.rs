//! The registry under test: where it is, and how its clients are set up.

use std::fs::File;
use std::io::Read as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::sleep;

use super::error::Error;
use crate::embedded::{self, Registry};
use crate::exchange::HttpVersion;
use crate::plan::{self, Place, Plan};
use crate::profile::{Habits, Profile};
use crate::registry::{Base, Settings};
use crate::transport::{Dialer, Identity, Route, Tls, TlsSettings};
use crate::units::{Credentials, Secret};

/// The most of a file of certificates that is read: the roots of a system are a quarter of it.
const MAX_PEM: u64 = 1 << 20;

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
        let route = route(&plan.target, &base, ca)?;
        Ok(Self {
            base,
            route: Arc::new(route),
            http: plan.target.http,
            headers: headers(&plan.target.headers)?,
            credentials: plan.target.auth.credentials.clone(),
            cleartext: plan.target.auth.cleartext,
            embedded,
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
    let read = |file: &plan::NamedFile| {
        let mut bytes = Vec::new();
        let opened = File::open(&file.path);
        let read = opened.and_then(|it| it.take(MAX_PEM).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|source| Error::TlsFile {
            path: file.as_written.clone(),
            source,
        })
    };
    let tls = &target.tls;
    let mut trusted = tls.ca.as_ref().map(read).transpose()?;
    if let Some(ca) = ca {
        trusted
            .get_or_insert_default()
            .extend([b"\n", ca.as_bytes()].concat());
    }
    let identity = tls
        .cert
        .as_ref()
        .zip(tls.key.as_ref())
        .map(|(certificate, key)| {
            let text = String::from_utf8_lossy(&read(key)?).into_owned();
            Ok::<_, Error>(Identity {
                certificates: read(certificate)?,
                key: Secret::new(text),
            })
        });
    let tls = Tls::new(&TlsSettings {
        ca: trusted,
        identity: identity.transpose()?,
        server_name: tls.server_name.clone(),
        insecure: tls.insecure,
        resumption: tls.resumption,
    })?;
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

fn headers(given: &[(String, Secret)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let refuse = || Error::Header(name.clone());
        let key = HeaderName::try_from(name).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| refuse())?;
        value.set_sensitive(true);
        headers.append(key, value);
    }
    Ok(headers)
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
