//! The `[target]` table: its keys, and the rules between an embedded registry and the rest.

mod addresses;
mod auth;
mod embedded;
mod headers;
mod proxy;
mod tls;
mod url;

use ::url::Url;

pub use self::addresses::Addresses;
pub use self::auth::{Auth, DockerConfig, TokenPolicy};
pub use self::embedded::Embedded;
pub(in crate::scenario) use self::headers::headers as header_codec;
pub use self::proxy::proxy;
pub use self::tls::Tls;
pub(in crate::scenario) use self::tls::is_whole as tls_is_whole;
use self::url::EMBEDDED;
use crate::exchange::HttpVersion;
use crate::keys::codec::{Codec, fraction, words};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Keyed;
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::units::{Proxy, Secret};

keys! {
    /// The registry under test. Without any key it is the embedded one.
    #[derive(Debug, Clone)]
    pub struct Target {
        /// Where it is.
        pub place: Place;
        /// The registry under test: its base URL, or `embedded` for one in this process.
        url = place => url::url().part(Place::set_url, |it| Some(it.url())), "embedded", needed;
        /// Headers that every request to the target carries. Their values are never shown.
        ///
        /// Names are valid, unique whatever their case, and as the scenario has them; values are valid.
        pub headers: Vec<(String, Secret)> => headers::headers(), { X-Test = "load" };
        /// HTTP version of every journey that does not choose one. Absent: as its client does it.
        pub http: Option<HttpVersion> => words("HTTP version", HttpVersion::WORDS).optional(), "2";
        /// TLS of the target's clients.
        pub tls: Tls => Tls::codec(Form::Table("target.tls"), tls::is_whole), { ca = "ca.pem" };
        /// Share of the requests of iterations that start a trace of their own (`traceparent`, W3C Trace Context). Only the target
        /// gets to see it.
        pub trace: f64 = 0.0 => fraction(0.0..=1.0), 0.01;
        /// Over which addresses connections go.
        pub addresses: Addresses, flatten;
        /// HTTP proxy of every connection, to token services and redirect targets as well. User and password come from the
        /// environment, `http://${PROXY_USER}:${PROXY_PASSWORD}@HOST:PORT`, and are never shown. Not with `connect_to`, and not
        /// for the embedded registry.
        pub proxy: Option<Proxy> => proxy::codec(), "http://proxy.example:3128";
        /// Credentials and tokens.
        pub auth: Auth => Auth::codec(Form::Table("target.auth"), auth::is_whole), { tokens = "shared" };
        /// The registry in this process. Needs `url = "embedded"`.
        embedded = place => embedded().part(Place::set_embedded, Place::embedded), { auth = "basic" };
    }
}

/// Where a registry is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In this process.
    Embedded(Embedded),
    /// At an `http` or `https` address without user, query and fragment. The path is what stands before `/v2/`.
    Url(Url),
}

impl Default for Place {
    fn default() -> Self {
        Self::Embedded(Embedded::default())
    }
}

impl Place {
    fn set_url(&mut self, url: Option<Url>) {
        if let Some(url) = url {
            *self = Self::Url(url);
        }
    }

    fn url(&self) -> Option<Url> {
        match self {
            Self::Embedded(_) => None,
            Self::Url(url) => Some(url.clone()),
        }
    }

    fn set_embedded(&mut self, it: Embedded) {
        if let Self::Embedded(embedded) = self {
            *embedded = it;
        }
    }

    fn embedded(&self) -> Option<Embedded> {
        match self {
            Self::Embedded(embedded) => Some(embedded.clone()),
            Self::Url(_) => None,
        }
    }
}

fn embedded() -> Codec<Embedded> {
    Embedded::codec(Form::Table("target.embedded"), |_, _| true)
}

pub(super) fn read(item: &Item, sink: &Sink) -> Option<Target> {
    let mut table = Table::open(item, sink)?;
    let (target, is_good) = Target::read(&mut table);
    if let (Place::Url(_), Some(url), Some(embedded)) =
        (&target.place, table.entry("url"), table.entry(EMBEDDED))
    {
        let spot = embedded.key_spot.clone();
        sink.report(
            Problem::new("`embedded` describes a registry that is not used", spot)
                .label("remove it, or use url = \"embedded\"")
                .also(url.item.spot.clone(), "the target is at this address"),
        );
    }
    if let Some(proxy) = table.entry("proxy") {
        let problem = |message: &str| Problem::new(message, proxy.key_spot.clone());
        if let Place::Embedded(_) = &target.place {
            let problem = problem("the embedded registry is in this process, behind no proxy");
            sink.report(problem.label("remove it, or set `url`"));
        }
        if let Some(detour) = table.entry("connect_to") {
            sink.report(
                problem("connections go to a proxy or to other addresses, not to both")
                    .label("remove this, or `connect_to`")
                    .also(detour.key_spot.clone(), "here are the addresses"),
            );
        }
    }
    table.finish();
    is_good.then_some(target)
}

/// The target as it would be written, without its secrets.
pub(super) fn show(target: &Target) -> Plain {
    target.show().into()
}

/// The tables of the target, for the reference.
pub(super) fn sections() -> Vec<Section> {
    vec![
        Section::of::<Target>(
            "target",
            "`[target]`",
            "The registry under test, and how its clients reach it.",
        ),
        Section::of::<Tls>(
            "target.tls",
            "`[target.tls]`",
            "TLS of the target's clients.",
        ),
        Section::of::<Auth>("target.auth", "`[target.auth]`", "Credentials and tokens."),
        Section::of::<Embedded>(
            "target.embedded",
            "`[target.embedded]`",
            "The registry in this process.",
        ),
    ]
}
