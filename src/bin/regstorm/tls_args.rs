//! Whom `pull`, `push`, `load` and `record` trust, and what they show of themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use regstorm::transport::{Identity, Tls, TlsSettings};
use regstorm::units::Secret;

use crate::load::Table;
use crate::source::read_text;

/// TLS, for addresses with https://.
#[derive(Debug, clap::Args)]
pub(crate) struct TlsArgs {
    /// CA certificates to trust in addition to the system's (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Client certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Name for SNI and certificate verification [default: the URL's host]
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,

    /// Skip certificate verification: any server can receive the password
    #[arg(long)]
    insecure: bool,
}

impl TlsArgs {
    /// The files that are read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.ca, &self.cert, &self.key];
        files.into_iter().filter_map(|it| it.as_deref())
    }

    /// The same as the table of a scenario; `None` if nothing is given.
    pub(crate) fn table(&self) -> Option<Table> {
        let files = [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)];
        let mut texts: Vec<(&str, String)> = files
            .into_iter()
            .filter_map(|(key, path)| Some((key, path.as_ref()?.to_string_lossy().into_owned())))
            .collect();
        texts.extend(self.server_name.clone().map(|it| ("server_name", it)));
        if texts.is_empty() && !self.insecure {
            return None;
        }
        let table = Table::new("[target.tls]");
        let table = texts
            .iter()
            .fold(table, |table, (key, value)| table.text(key, value));
        Some(if self.insecure {
            table.bare("insecure", true)
        } else {
            table
        })
    }

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
