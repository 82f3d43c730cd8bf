//! The registry under test and what it is told about its client.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::embedded::{AuthScheme, Storage};
use crate::exchange::{HttpVersion, Lookup, Resumption};
use crate::units::{ByteSize, Credentials, Endpoint, Secret, words};

/// The registry under test.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub place: Place,
    /// Headers that every request carries. Names are valid, unique whatever their case, and as the scenario has them; values
    /// are valid and kept secret.
    pub headers: Vec<(String, Secret)>,
    /// Who asks, should the registry want to know.
    pub credentials: Option<Credentials>,
    /// Where docker keeps the credentials to use. The caller reads them before the run: this library looks at no home directory.
    pub docker_config: Option<DockerConfig>,
    /// Whether users share tokens.
    pub tokens: TokenPolicy,
    /// Whether credentials may go from https to http.
    pub cleartext: bool,
    /// The HTTP version of every journey that does not choose one; `None` leaves it to the habits of their clients.
    pub http: Option<HttpVersion>,
    /// Whom its clients trust, and what they show.
    pub tls: Tls,
    /// Over which addresses connections go.
    pub addresses: Addresses,
}

/// TLS as the target's clients speak it.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// CAs that are trusted beside those of the system.
    pub ca: Option<NamedFile>,
    /// A client certificate chain. Never without `key`.
    pub cert: Option<NamedFile>,
    /// The private key of the client certificate. Never without `cert`.
    pub key: Option<NamedFile>,
    /// The name to find in the target's certificate, in place of the URL's host.
    pub server_name: Option<String>,
    /// No certificate is checked.
    pub insecure: bool,
    /// Are sessions resumed?
    pub resumption: Resumption,
}

/// A file that a scenario names, found to be readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The path as the scenario has it, relative to the scenario's directory.
    pub as_written: String,
}

/// Over which addresses connections go.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Local addresses, in turn; by the system when empty.
    pub source_ips: Vec<IpAddr>,
    /// Where connections to the target really go, in turn; to its own address when empty.
    pub connect_to: Vec<Endpoint>,
    /// When names are looked up.
    pub dns: Lookup,
}

/// A `config.json` of docker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerConfig {
    /// Where docker itself would look.
    Usual,
    /// This file, as it was written: a path that is relative starts at the scenario.
    File(PathBuf),
}

/// Whether users share tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPolicy {
    /// Each virtual user in each journey, as each node of a fleet has.
    PerVu,
    /// The users of a worker share those of a journey, as the jobs of one node do. They outlive an iteration that goes
    /// cold.
    Shared,
}

words! { TokenPolicy {
    "per-vu" => Self::PerVu,
    "shared" => Self::Shared,
}}

/// Where a registry is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In this process.
    Embedded(Embedded),
    /// At an `http` or `https` address without user, query and fragment. The path is what stands before `/v2/`.
    Url(Url),
}

/// The registry in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// What it keeps.
    pub storage: Storage,
    /// The path before `/v2/`: empty, or `/` and a path without a slash at its end.
    pub base_path: String,
    /// How its clients authenticate.
    pub auth: AuthScheme,
    /// Does it speak TLS, with a certificate that it makes and its clients trust?
    pub tls: bool,
    /// How long its tokens are good for, 1 s to 1 h.
    pub token_lifetime: Duration,
    /// The most content that it keeps.
    pub max_bytes: ByteSize,
}

impl Default for Target {
    /// The embedded registry as it is when nothing is said of it.
    fn default() -> Self {
        Self {
            place: Place::Embedded(Embedded::default()),
            headers: Vec::new(),
            credentials: None,
            docker_config: None,
            tokens: TokenPolicy::PerVu,
            cleartext: false,
            http: None,
            tls: Tls::default(),
            addresses: Addresses::default(),
        }
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Self {
            storage: Storage::Memory,
            base_path: String::new(),
            auth: AuthScheme::Open,
            tls: false,
            token_lifetime: Duration::from_mins(1), // what is taken of a token service that says nothing else
            max_bytes: ByteSize::from_mib(1024),
        }
    }
}
