//! TLS of a client: whom it trusts, its certificate, and which sessions it resumes.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption as Store};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::origin::Origin;
use super::tls_problem::TlsProblem;
use super::trust::{Trust, Unchecked};
use super::wire::Socket;
use crate::exchange::{Handshake, HttpVersion, Resumption};
use crate::units::{Secret, is_clock_set};

/// The TLS settings of a client.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// Certificates (PEM) that are trusted in addition to those of the system. A certificate that the server itself
    /// presents is trusted as it is, CA or not.
    pub ca: Option<Vec<u8>>,
    /// The client certificate, presented to the target only.
    pub identity: Option<Identity>,
    /// The name for SNI and certificate verification of the target, in place of the URL's host.
    pub server_name: Option<String>,
    /// Accepts any certificate, from the target and from other hosts.
    pub insecure: bool,
    /// Which earlier sessions a handshake may resume.
    pub resumption: Resumption,
}

/// A client certificate.
#[derive(Clone)]
pub struct Identity {
    /// The certificate and its intermediates (PEM).
    pub certificates: Vec<u8>,
    /// Its key (PEM).
    pub key: Secret,
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .field("insecure", &self.insecure)
            .field("resumption", &self.resumption)
            .finish()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(...)")
    }
}

/// Why the TLS settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsSettingsError {
    /// The CA file.
    #[error("the CA file holds no certificate in PEM: {0}")]
    Ca(String),
    /// The client certificate.
    #[error("the certificate file holds no certificate in PEM: {0}")]
    Certificate(String),
    /// The key of the client certificate.
    #[error("the key file holds no private key in PEM: {0}")]
    Key(String),
    /// Certificate and key are no pair.
    #[error("the certificate and the key cannot be used together: {0}")]
    Pair(String),
    /// The server name.
    #[error("`{0}` cannot be the name of a server")]
    ServerName(String),
}

/// TLS, ready for any number of workers.
pub struct Tls {
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Arc<SingleCertAndKey>>,
    server_name: Option<ServerName<'static>>,
    insecure: bool,
    resumption: Resumption,
    configs: OnceLock<Configs>, // made when first needed: the system's roots are a file of their own
}

/// The configuration without a session store and without ALPN.
struct Configs {
    target: ClientConfig,
    others: ClientConfig,
}

/// TLS of one pool.
#[derive(Debug)]
pub(super) struct Sessions {
    target: Arc<ClientConfig>,
    others: Arc<ClientConfig>,
}

/// The time at which certificates are verified; `None` if the clock was never set.
#[derive(Debug)]
pub(super) struct WallClock;

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        is_clock_set().then(UnixTime::now)
    }
}

/// The servers whose sessions a store keeps: a registry, its token service and its storage, with some room.
const SERVERS: usize = 8;

/// The tickets that rustls keeps for each server.
const TICKETS: usize = 8;

/// Makes an empty session store.
pub(super) fn store() -> Arc<dyn ClientSessionStore> {
    Arc::new(ClientSessionMemoryCache::new(SERVERS * TICKETS))
}

impl Tls {
    /// Reads the settings.
    ///
    /// # Errors
    /// Fails if a text is not valid PEM, or if certificate and key are no pair.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsSettingsError> {
        let authorities = match &settings.ca {
            None => Vec::new(),
            Some(pem) => certificates(pem).map_err(TlsSettingsError::Ca)?,
        };
        let server_name = settings.server_name.as_ref().map(|name| {
            let refuse = |_| TlsSettingsError::ServerName(name.chars().take(200).collect());
            ServerName::try_from(name.clone()).map_err(refuse)
        });
        Ok(Self {
            authorities,
            identity: settings.identity.as_ref().map(identity).transpose()?,
            server_name: server_name.transpose()?,
            insecure: settings.insecure,
            resumption: settings.resumption,
            configs: OnceLock::new(),
        })
    }

    /// Loads the system's roots now, so that no exchange has to wait for it later.
    pub fn load_roots(&self) {
        self.configs();
    }

    pub(super) const fn resumption(&self) -> Resumption {
        self.resumption
    }

    fn configs(&self) -> &Configs {
        self.configs.get_or_init(|| {
            let provider = Arc::new(aws_lc_rs::default_provider());
            let verifier: Arc<dyn ServerCertVerifier> = if self.insecure {
                Arc::new(Unchecked::new(&provider))
            } else {
                let trusted = self.authorities.clone();
                Arc::new(Trust::new(self.roots(), trusted, &provider))
            };
            let builder = ClientConfig::builder_with_details(provider, Arc::new(WallClock))
                .with_safe_default_protocol_versions()
                .expect("the provider has suites of both versions")
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            let others = builder.clone().with_no_client_auth();
            let target = match &self.identity {
                None => others.clone(),
                Some(identity) => builder.with_client_cert_resolver(Arc::clone(identity) as _),
            };
            Configs { target, others }
        })
    }

    /// The system's roots and those of the settings. A system without roots is no error here: each handshake will
    /// report that no CA is trusted.
    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.authorities.iter().cloned());
        roots
    }

    /// TLS for a pool that speaks `http` and resumes sessions of the store; `None` never resumes.
    pub(super) fn sessions(
        &self,
        http: HttpVersion,
        store: Option<Arc<dyn ClientSessionStore>>,
    ) -> Sessions {
        let configs = self.configs();
        let resumption = store.map_or_else(Store::disabled, Store::store);
        let config = |config: &ClientConfig| {
            let mut config = config.clone();
            config.resumption = resumption.clone();
            // Clients that speak only HTTP/1.1 send no ALPN.
            config.alpn_protocols = match http {
                HttpVersion::Http1 => Vec::new(),
                HttpVersion::Http2 => vec![b"h2".to_vec()],
                HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            };
            Arc::new(config)
        };
        Sessions {
            target: config(&configs.target),
            others: config(&configs.others),
        }
    }

    /// The name for SNI and certificate verification.
    fn name(&self, origin: &Origin, is_target: bool) -> Result<ServerName<'static>, TlsProblem> {
        if let (Some(name), true) = (&self.server_name, is_target) {
            return Ok(name.clone());
        }
        match origin.host() {
            Host::Ipv4(ip) => Ok(ServerName::IpAddress((*ip).into())),
            Host::Ipv6(ip) => Ok(ServerName::IpAddress((*ip).into())),
            Host::Domain(name) => ServerName::try_from(name.clone())
                .map_err(|_| TlsProblem::Other("the host cannot stand in a certificate".into())),
        }
    }

    /// Performs the handshake, and returns its kind.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub(super) async fn handshake(
        &self,
        sessions: &Sessions,
        origin: &Origin,
        is_target: bool,
        socket: Socket,
    ) -> Result<(TlsStream<Socket>, Handshake), TlsProblem> {
        let name = self.name(origin, is_target)?;
        let config = if is_target {
            &sessions.target
        } else {
            &sessions.others
        };
        let probe = socket.probe();
        // Boxed: the handshake is a large future, and most exchanges have none.
        let connecting = Box::pin(TlsConnector::from(Arc::clone(config)).connect(name, socket));
        let shaken = connecting.await;
        let stream = shaken.map_err(|error| TlsProblem::of(&error, probe.first_bytes()))?;
        let handshake = match stream.get_ref().1.handshake_kind() {
            Some(HandshakeKind::Resumed) => Handshake::Resumed,
            _ => Handshake::Full,
        };
        Ok((stream, handshake))
    }
}

/// Returns `true` if the server chose HTTP/2.
pub(super) fn chose_http2(stream: &TlsStream<Socket>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

impl Default for Tls {
    fn default() -> Self {
        Self::new(&TlsSettings::default()).expect("nothing was told that could be wrong")
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.len())
            .field("identity", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .field("insecure", &self.insecure)
            .field("resumption", &self.resumption)
            .finish_non_exhaustive()
    }
}

pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(none) if none.is_empty() => Err("there is no `BEGIN CERTIFICATE`".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn identity(given: &Identity) -> Result<Arc<SingleCertAndKey>, TlsSettingsError> {
    let chain = certificates(&given.certificates).map_err(TlsSettingsError::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(given.key.expose().as_bytes())
        .map_err(|error| TlsSettingsError::Key(error.to_string()))?;
    let pair = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| TlsSettingsError::Pair(error.to_string()))?;
    Ok(Arc::new(SingleCertAndKey::from(pair)))
}
