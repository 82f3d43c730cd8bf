//! The sources of telemetry of a plan, for its target: addresses, credentials and files resolved.

use std::net::{IpAddr, ToSocketAddrs as _, UdpSocket};
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
            (Place::Url(_), _) => listener(of),
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

/// Returns how the process of the target is found: by its port, if connections to the target go to this machine. Looks a name up.
fn listener(of: &Of<'_>) -> ProcessBy {
    let (addresses, port) = match of.route.connect_to.as_slice() {
        [] => (
            of.base.socket_addrs(|| None),
            of.base.port_or_known_default(),
        ),
        [one] => {
            let at = (one.host.to_string(), one.port);
            // Brackets of IPv6 are of a URL.
            let host = at.0.trim_matches(['[', ']']);
            let addresses = (host, at.1).to_socket_addrs().map(Iterator::collect);
            (addresses, Some(one.port))
        }
        _ => return ProcessBy::Nowhere("the target has several addresses: name the `port`"),
    };
    let is_here = addresses.is_ok_and(|it| it.iter().any(|it| is_of_this_machine(it.ip())));
    match port {
        Some(port) if is_here => ProcessBy::Port(port),
        // Whatever listens on that port here is none of the target's.
        Some(_) => ProcessBy::Nowhere(
            "the target is not on this machine: read its metrics endpoint, or run regstorm there",
        ),
        None => ProcessBy::Nowhere("the target's address has no port"),
    }
}

/// Returns `true` if an interface of this machine has the address: only then can a socket be bound to it.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a target elsewhere, what has its port here is another program.
    #[test]
    fn the_process_of_a_target_is_found_on_this_machine_alone() {
        let found = |url: &str, connect_to: &[&str]| {
            let connect_to = connect_to.iter().map(|it| it.parse().expect("an endpoint"));
            let route = Route {
                connect_to: connect_to.collect(),
                ..Route::default()
            };
            listener(&Of {
                base: &url.parse().expect("a URL"),
                route: &Arc::new(route),
                thread: None,
            })
        };
        let is_port = |it: &ProcessBy, port| matches!(it, ProcessBy::Port(it) if *it == port);
        // RFC 5737: no machine has that address.
        let (here, elsewhere) = ("http://127.0.0.1:5001", "http://192.0.2.7:5001");
        assert!(is_port(&found(here, &[]), 5001));
        assert!(is_port(&found("http://localhost", &[]), 80));
        assert!(is_port(&found(elsewhere, &["127.0.0.1:5002"]), 5002));
        for (url, connect_to) in [
            (elsewhere, &[][..]),
            (here, &["192.0.2.7:5001"]),
            (here, &["127.0.0.1:5001", "127.0.0.1:5002"]),
        ] {
            let found = found(url, connect_to);
            assert!(matches!(found, ProcessBy::Nowhere(_)), "{found:?}");
        }
    }
}
