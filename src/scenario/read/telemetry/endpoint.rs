//! `prometheus` of `[[telemetry]]`: where the metrics are, and what a request for them carries.

use url::Url;

use super::super::target::{Tls, header_codec, tls_is_whole};
use super::metric::{self, MetricOf};
use crate::keys::codec::{Codec, text as text_codec};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::plain::REDACTED;
use crate::keys::problem::Problem;
use crate::keys::redact;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::units::Secret;

/// How addresses on the target's host begin.
const TARGET: &str = "target:";

keys! {
    /// What a request to a metrics endpoint carries, and what is taken of the response.
    #[derive(Debug, Clone)]
    pub struct Scrape {
        /// Headers of each request. Their values are never shown.
        pub headers: Vec<(String, Secret)> => header_codec(), { X-Scope = "load" };
        /// User name. Needs `password`.
        pub username: Option<String> => username().optional(), "metrics";
        /// Password. Take it from the environment; it is never shown. Needs `username`.
        pub password: Option<Secret> => secret().optional(), "${METRICS_PASSWORD}";
        /// Bearer token, in place of user and password. Take it from the environment; it is never shown.
        pub token: Option<Secret> => secret().optional(), "${METRICS_TOKEN}";
        /// TLS.
        pub tls: Option<Tls> => Tls::codec(Form::Table("target.tls"), tls_is_whole).optional(), { ca = "ca.pem" },
            defaults_to("that of the target for `target:...`; none otherwise");
        /// Metrics that are read beside those that are known: names, or tables.
        pub metrics: Vec<MetricOf> => metric::metrics(), ["go_memstats_alloc_bytes_total"];
    }
}

/// Where metrics are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsUrl {
    /// At an `http` or `https` address without user.
    Url(Url),
    /// On the target's host.
    OfTarget {
        /// Another port than the target's.
        port: Option<u16>,
        /// Path and query; begins with `/`.
        path: String,
    },
}

impl MetricsUrl {
    /// Returns it as it would be written, without the values of its query.
    pub fn shown(&self) -> String {
        match self {
            Self::Url(url) => redact::value(url.as_str()),
            Self::OfTarget { port, path } => {
                let port = port.map(|it| it.to_string()).unwrap_or_default();
                let path = path
                    .split_once('?')
                    .map_or_else(|| path.clone(), |(path, _)| format!("{path}?{REDACTED}"));
                format!("{TARGET}{port}{path}")
            }
        }
    }

    /// Returns where that is for a target at this address.
    pub fn at(&self, target: &Url) -> Option<Url> {
        match self {
            Self::Url(url) => Some(url.clone()),
            Self::OfTarget { port, path } => {
                let mut url = target.clone();
                if port.is_some() {
                    url.set_port(*port).ok()?;
                }
                url.join(path).ok()
            }
        }
    }
}

/// Where metrics are. Problems never show the value: it may hold a password.
pub(super) fn url() -> Codec<MetricsUrl> {
    let form = Form::Text("`http` or `https` URL, or `target:[PORT]/PATH`");
    Codec::new(form, address, |it: &MetricsUrl| Some(it.shown().into()))
}

fn address(item: &Item, sink: &Sink) -> Option<MetricsUrl> {
    let value = text(item, sink)?.value;
    let refuse = |message: &str, label: &str| {
        sink.report(Problem::new(message, item.spot.clone()).label(label));
        None
    };
    if let Some(rest) = value.strip_prefix(TARGET) {
        let Some(place) = rest.find('/') else {
            return refuse(
                "this has no path",
                "write target:/PATH, or target:PORT/PATH",
            );
        };
        let (port, path) = rest.split_at(place);
        let port = match port {
            "" => Some(None),
            port => port.parse::<u16>().ok().filter(|it| *it > 0).map(Some),
        };
        let Some(port) = port else {
            return refuse(
                "this is not a port",
                "write target:/PATH, or target:PORT/PATH",
            );
        };
        let path = path.to_owned();
        return Some(MetricsUrl::OfTarget { port, path });
    }
    let Ok(mut url) = Url::parse(&value) else {
        return refuse(
            "this is not an address",
            "write http://HOST:PORT/metrics, or target:PORT/metrics",
        );
    };
    if !matches!(url.scheme(), "http" | "https") || !value.contains("://") {
        return refuse(
            "the address has no scheme that regstorm knows",
            "write http://HOST:PORT/metrics, or target:PORT/metrics",
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(
            "an address must not hold a user or a password",
            "use `username` and `password`",
        );
    }
    url.set_fragment(None);
    Some(MetricsUrl::Url(url))
}

fn username() -> Codec<String> {
    let read = |item: &Item, sink: &Sink| {
        let name = text(item, sink)?.value;
        if !name.is_empty() && !name.contains(':') && !name.contains(char::is_control) {
            return Some(name);
        }
        let problem = Problem::new("this cannot be a username", item.spot.clone());
        sink.report(problem.label("not empty, no colon, no control characters"));
        None
    };
    text_codec("text without colon and control characters", read)
}

fn secret() -> Codec<Secret> {
    let read = |item: &Item, sink: &Sink| {
        let secret = text(item, sink)?.value;
        if !secret.is_empty() && !secret.contains(char::is_control) {
            return Some(Secret::new(secret));
        }
        let problem = Problem::new("this secret is empty, or no line", item.spot.clone());
        sink.report(problem.label("set the variable that it comes from"));
        None
    };
    Codec::new(Form::Text("text"), read, |_| Some(REDACTED.into()))
}

/// Credentials are of one kind, and whole. Returns `false` after a problem.
pub(super) fn is_whole(table: &mut Table<'_>) -> bool {
    for (one, other) in [("username", "password"), ("password", "username")] {
        if let (Some(entry), None) = (table.entry(one), table.entry(other)) {
            let message = format!("`{one}` without `{other}`");
            let problem = Problem::new(message, entry.key_spot.clone());
            table
                .sink()
                .report(problem.label(format!("add {other} = \"...\"")));
            return false;
        }
    }
    if let (Some(token), Some(user)) = (table.entry("token"), table.entry("username")) {
        let problem = Problem::new("credentials are of two kinds", token.key_spot.clone());
        let problem = problem.label("remove this, or `username` and `password`");
        table
            .sink()
            .report(problem.also(user.key_spot.clone(), "here are the others"));
        return false;
    }
    true
}
