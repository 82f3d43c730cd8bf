//! Whom `pull` and `push` trust, and what they show of themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use regstorm::transport::{Identity, Tls, TlsSettings};
use regstorm::units::Secret;

use crate::scenario_file::read_text;

/// TLS, for addresses with https://.
#[derive(Debug, clap::Args)]
pub(crate) struct TlsArgs {
    /// Trust the CAs in this PEM file, beside those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Show the registry this certificate (PEM, with those between it and its CA)
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Ask for this server, and expect its name in the certificate, in place of the URL's host
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,

    /// Check no certificate: whoever answers is believed, and given the password
    #[arg(long)]
    insecure: bool,
}

impl TlsArgs {
    /// Reads the files.
    pub(crate) fn resolve(self) -> anyhow::Result<Arc<Tls>> {
        let read = |path: &Path, option: &str| {
            read_text(path).with_context(|| format!("{option}: cannot read {}", path.display()))
        };
        let identity = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some(Identity {
                certificates: read(cert, "--cert")?.into_bytes(),
                key: Secret::new(read(key, "--key")?),
            }),
            _ => None,
        };
        let ca = self.ca.as_deref().map(|path| read(path, "--ca"));
        let tls = Tls::new(&TlsSettings {
            ca: ca.transpose()?.map(String::into_bytes),
            identity,
            server_name: self.server_name,
            insecure: self.insecure,
            ..TlsSettings::default()
        });
        Ok(Arc::new(tls.context("--ca, --cert, --key, --server-name")?))
    }
}
