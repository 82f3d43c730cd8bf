//! The sources of telemetry of a plan, for its target: addresses, credentials and files resolved.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use url::Url;

use super::error::Error;
use super::resolved::{headers, tls as read_tls};
use crate::plan::{
    self, MetricsUrl, Place, Plan, ProcessOf, TargetProcess, TelemetryPlace, TelemetrySource,
};
use crate::telemetry::{
    CgroupPlace, Endpoint, Metric, ProcessBy, ProcessPlace, Source, SourcePlace, What,
};
use crate::transport::{Address, Route};

/// What of a target sources refer to.
pub(super) struct Of<'a> {
    /// Where it is; the address of the embedded registry, if that is it.
    pub(super) base: &'a Url,
    /// The way to it.
    pub(super) route: &'a Arc<Route>,
    /// The thread of the embedded registry.
    pub(super) thread: Option<u32>,
}

/// Resolves the sources of a plan. Reads the files of TLS.
pub(super) fn sources(plan: &Plan, of: &Of<'_>) -> Result<Arc<[Source]>, Error> {
    let sources = plan.telemetry.iter().map(|it| {
        let name = it.name.clone();
        match place(plan, it, of) {
            Ok(place) => Ok(Source { name, place }),
            Err(error @ Error::Telemetry { .. }) => Err(error),
            Err(error) => {
                let what = error.to_string();
                // Headers and TLS are read as those of the target.
                let what = what.strip_prefix("target.").unwrap_or(&what).to_owned();
                Err(Error::Telemetry { name, what })
            }
        }
    });
    sources.collect()
}

fn place(plan: &Plan, source: &TelemetrySource, of: &Of<'_>) -> Result<SourcePlace, Error> {
    Ok(match &source.place {
        TelemetryPlace::Prometheus(url) => SourcePlace::Prometheus(endpoint(source, url, of)?),
        TelemetryPlace::Process(it) => SourcePlace::Process(process(plan, it, of)),
        TelemetryPlace::Cgroup(it) => SourcePlace::Cgroup(CgroupPlace::Path(it.path.clone())),
        TelemetryPlace::Unit(it) => SourcePlace::Cgroup(CgroupPlace::Unit(it.clone())),
        TelemetryPlace::Container(it) => SourcePlace::Cgroup(CgroupPlace::Container(it.clone())),
        TelemetryPlace::Directory(it) => SourcePlace::Directory(it.path.clone()),
        TelemetryPlace::Device(it) => SourcePlace::Device(it.clone()),
        TelemetryPlace::Command(it) => SourcePlace::Command(it.clone()),
    })
}

fn endpoint(source: &TelemetrySource, url: &MetricsUrl, of: &Of<'_>) -> Result<Endpoint, Error> {
    let wrong = || Error::Telemetry {
        name: source.name.clone(),
        what: format!("{} is not an address that can be asked", url.shown()),
    };
    let at = url.at(of.base).ok_or_else(wrong)?;
    let address = Address::of(&at).map_err(|_| wrong())?;
    let scrape = &source.scrape;
    let tls = match (&scrape.tls, url) {
        (Some(tls), _) => Arc::new(read_tls(tls, None)?),
        // The certificate of a client is for the target alone.
        (None, MetricsUrl::OfTarget { .. }) => Arc::clone(&of.route.tls),
        (None, MetricsUrl::Url(_)) => Arc::new(read_tls(&plan::Tls::default(), None)?),
    };
    if address.origin().is_secure() {
        tls.load_roots();
    }
    let route = Route {
        target: Some(address.origin().clone()),
        tls,
        ..Route::default()
    };
    let metrics = scrape.metrics.iter().map(|it| Metric {
        shown: it.shown(),
        name: it.metric.clone(),
        labels: it.labels.clone(),
        what: match (it.quantile, it.kind) {
            (Some(quantile), _) => What::Quantile(quantile),
            (None, Some(kind)) => What::As(kind),
            (None, None) => What::AsTyped,
        },
    });
    Ok(Endpoint {
        shown: url.shown(),
        headers: with_credentials(source, headers(&scrape.headers)?),
        route: Arc::new(route),
        metrics: metrics.collect(),
        address,
    })
}

fn with_credentials(source: &TelemetrySource, mut headers: HeaderMap) -> HeaderMap {
    let scrape = &source.scrape;
    let basic = scrape.username.as_ref().zip(scrape.password.as_ref());
    let basic = basic.map(|(username, password)| {
        let both = format!("{username}:{}", password.expose());
        format!("Basic {}", BASE64_STANDARD.encode(both))
    });
    let bearer = scrape.token.as_ref();
    let bearer = bearer.map(|it| format!("Bearer {}", it.expose()));
    // Neither has control characters: the scenario was checked for them.
    let value = basic
        .or(bearer)
        .and_then(|it| HeaderValue::try_from(it).ok());
    if let Some(mut value) = value {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers
}

fn process(plan: &Plan, process: &TargetProcess, of: &Of<'_>) -> ProcessPlace {
    let by = match &process.by {
        ProcessOf::Target => match (&plan.target.place, of.thread) {
            (Place::Embedded(_), Some(thread)) => ProcessBy::Thread(thread),
            (Place::Embedded(_), None) => {
                ProcessBy::Nowhere("this system does not name the thread of the embedded registry")
            }
            (Place::Url(_), _) => of.base.port_or_known_default().map_or(
                ProcessBy::Nowhere("the target's address has no port"),
                ProcessBy::Port,
            ),
        },
        ProcessOf::Port(port) => ProcessBy::Port(*port),
        ProcessOf::Pid(pid) => ProcessBy::Pid(*pid),
        ProcessOf::PidFile(file) => ProcessBy::PidFile(file.path.clone()),
        ProcessOf::Command(name) => ProcessBy::Command(name.clone()),
    };
    ProcessPlace {
        by,
        children: process.children,
    }
}
