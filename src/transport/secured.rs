//! TLS of a connection that carries no HTTP: what the shards of a run say to each other.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ConfigBuilder, ConfigSide, ConnectionCommon, Error, RootCertStore, ServerConfig,
    WantsVerifier, WantsVersions,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::first_bytes::FirstBytes;
use super::tls::{Identity, TlsSettingsError, WallClock, certificates, identity};
use super::tls_problem::TlsProblem;
use super::trust::Trust;

/// What can be read from and written to, over whatever it goes.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection over TLS 1.3.
pub struct Secured {
    /// What it carries.
    pub stream: Box<dyn Duplex>,
    /// What both sides of this connection know, and those of no other: a proof over it is worth nothing elsewhere.
    ///
    /// # Spec
    /// RFC 9266, 2: `tls-exporter`.
    pub binding: [u8; 32],
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secured(...)")
    }
}

/// Why a connection was not secured.
#[derive(Debug)]
pub enum NotSecured {
    /// It ended or failed before that: another try may do better.
    Io(io::Error),
    /// The other side speaks no TLS, is not trusted, or does not trust this one.
    Tls(TlsProblem),
}

/// The side that listens, and presents a certificate.
#[derive(Clone)]
pub struct SecureServer(TlsAcceptor);

/// The side that connects: whom it trusts, which is nobody but those, and under which name.
#[derive(Clone)]
pub struct SecureClient {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl fmt::Debug for SecureServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecureServer(...)")
    }
}

impl fmt::Debug for SecureClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecureClient")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl SecureServer {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// When a text is not valid PEM, or the two are no pair.
    pub fn new(given: &Identity) -> Result<Self, TlsSettingsError> {
        let identity = identity(given)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_details(provider, Arc::new(WallClock));
        let mut config = newest(builder)
            .with_no_client_auth()
            .with_cert_resolver(identity);
        // A connection of shards is made once.
        config.send_tls13_tickets = 0;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Performs the handshake.
    ///
    /// # Errors
    /// When it fails, or the client trusts another CA.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn accept(&self, stream: TcpStream) -> Result<Secured, NotSecured> {
        let stream = self.0.accept(stream).await.map_err(failed)?;
        let binding = binding(stream.get_ref().1)?;
        Ok(Secured {
            stream: Box::new(stream),
            binding,
        })
    }
}

impl SecureClient {
    /// Trusts these CAs (PEM) and no other, for a server of that name or address. A certificate that the server itself presents is
    /// trusted as it is, CA or not.
    ///
    /// # Errors
    /// When the text is not valid PEM, or no server can have that name.
    pub fn new(ca: &[u8], host: &str) -> Result<Self, TlsSettingsError> {
        let authorities = certificates(ca).map_err(TlsSettingsError::Ca)?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| TlsSettingsError::ServerName(host.chars().take(200).collect()))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities.iter().cloned());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let trust = Trust::new(roots, authorities, &provider);
        let builder = ClientConfig::builder_with_details(provider, Arc::new(WallClock));
        let config = newest(builder)
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust))
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    /// Performs the handshake.
    ///
    /// # Errors
    /// When it fails, or the server is not trusted.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn connect(&self, stream: TcpStream) -> Result<Secured, NotSecured> {
        let connecting = self.connector.connect(self.name.clone(), stream);
        let stream = connecting.await.map_err(failed)?;
        let binding = binding(stream.get_ref().1)?;
        Ok(Secured {
            stream: Box::new(stream),
            binding,
        })
    }
}

/// TLS 1.3 alone: both sides are regstorm.
fn newest<S: ConfigSide>(
    builder: ConfigBuilder<S, WantsVersions>,
) -> ConfigBuilder<S, WantsVerifier> {
    let builder = builder.with_protocol_versions(&[&TLS13]);
    builder.expect("the provider has suites of it")
}

fn binding<T>(session: &ConnectionCommon<T>) -> Result<[u8; 32], NotSecured> {
    session
        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[]))
        .map_err(|error| NotSecured::Io(io::Error::other(error)))
}

fn failed(error: io::Error) -> NotSecured {
    let cause = error.get_ref().and_then(|it| it.downcast_ref::<Error>());
    if cause.is_some() {
        // Whatever came first: if it is no message of TLS, it is none.
        NotSecured::Tls(TlsProblem::of(&error, FirstBytes::default()))
    } else {
        NotSecured::Io(error)
    }
}
